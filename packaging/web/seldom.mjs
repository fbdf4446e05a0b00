// Answers that a healthy cluster doesn't give, in the form of io/admin/openapi.yaml.
const AT = '2030-01-01T12:00:00Z', DUID = '00:04:4a:84:08:76:ee:40:82:f4:96:16:59:d4:95:e5:26:aa';
const bindings = {confirmed: 900, tentative: 12, strong: 880, weak: 32};
const peer = {
  duid: DUID, preference: 0, path_broken: false, messages: {Request: 5, Renew: 900}, last_heard: AT, answered: 900, repeated: 7, rebinds: 3, last_answer: AT, unanswered: null,
  bindings, claims: {first: 800, later: 20, other_key: 5, nothing: 9}, divergence: [],
};
const relay = {messages: 1000, last_heard: AT, silent: false, solicits: 100, followed: 90, ours: 30, requests: 60, renews: 700, known: true, chosen_only: false, no_renews: false};
const claim = (number, holds) => ({node: holds ? 'a' : '', duid: `00:03:00:01:02:00:00:00:00:0${number}`, iaid: 1, holds, strong: true, confirmed: holds, since: AT});

export const PEERS = {
  node: 'a', preference: 255, fingerprint: '00', now: AT, own_bindings: 1000, gate_closed: 2, back_seat: true, drained: false, foreign_messages: 4,
  peers: [
    {...peer, name: 'b', state: 'alive', path_broken: true, unanswered: {clients: 12, since: AT, relays: ['2001:db8:1::1', '::']}},
    {...peer, name: 'c', state: 'unknown', divergence: [{link: 'pop1', pool: '2001:db8:8000::/52', other_key: false, claims: 8, unexpected: 6, example: {lease: '2001:db8:8000:10::/60', duid: DUID, iaid: 1, at: AT}},
      {link: 'pop1', pool: '', other_key: false, claims: 8, unexpected: 8, example: {lease: '2001:db8:9000::/60', duid: DUID, iaid: 1, at: AT}}]},
    {...peer, name: 'd', state: 'silent', messages: null, last_heard: null, last_answer: null, unanswered: {clients: 3, since: AT, relays: ['::']}},
    {...peer, name: 'e', state: 'unknown', messages: {}, last_heard: null, last_answer: null},
  ],
  former: [{duid: DUID, bindings}],
  gates: [{link: 'pop1', open: false, reason: 'the store was empty', since: AT, until: AT, progress: 0.42}, {link: 'guests', open: true, reason: '', since: null, until: null, progress: 1}],
  unshared: [{pool: '2001:db8:8000::/52', link: 'pop1', until: AT}],
  relays: [{...relay, address: '2001:db8:1::1', chosen_only: true, no_renews: true}, {...relay, address: '2001:db8:2::1', silent: true}, {...relay, address: '::', known: false, solicits: 0}],
  conflicts: {standing: [{lease: '2001:db8:8000:20::/60', claims: [claim(1, true), claim(2, false)]}], mended: 3, lost: 1},
  foreign: [{duid: DUID, link: '', messages: 4, last_heard: AT}],
  twin: {suspected: true, renews: 7},
};

const stripe = (number, node, used) => ({stripe: number, node, own: node === 'a', used, size: 100});
const pool = {link: 'pop1', kind: 'IA_PD', length: 60, slots: '300', own: 100, observed: 150, used: 0.83, stripes: []};
export const POOLS = [
  {...pool, pool: '2001:db8:8000::/52', retiring: true, stripes: [stripe(0, 'a', 0), stripe(1, 'b', 45), stripe(2, 'c', 75), stripe(3, '', 92), stripe(4, 'a', 100)]},
  {...pool, pool: '2001:db8:1::/65', kind: 'IA_NA', length: 128, slots: '18446744073709551616', node: 'b', used: 1e-12},
  {...pool, pool: '2001:db8:9000::/52', node: 'a', stripes: [stripe(0, 'a', 71)]},
];
