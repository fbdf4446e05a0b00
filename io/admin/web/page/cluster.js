// The cluster, as this node sees it from what clients say.
import {facts, h, section, show, table} from './dom.js';
import {badge, bar, clock, count, many, percent, slots, when} from './format.js';
import {seen} from './watch.js';

export const title = 'Cluster';
export const wants = {peers: 8000, pools: 8000};

const relayName = (address) => (address === '::' ? 'no relay' : address);

export function open(main) {
  const alarms = h('div'), nodes = h('div'), gates = h('div'), relays = h('div'), conflicts = h('div'), others = h('div');
  const parts = h('div', null, section('Nodes', nodes), section('Gates', gates), section('Coverage', relays), section('Conflicts', conflicts), others);
  const single = h('p', {class: 'hint'}, 'A single node has no peers: its configuration has no cluster.');
  main.append(alarms, parts);
  return () => {
    const p = seen.peers;
    if (!p) return;
    if (p.node === '') { parts.replaceWith(single); return; }
    show(alarms, [p.back_seat, p.drained, p.twin, p.unshared], () => alarmList(p));
    show(nodes, [p.peers, p.own_bindings, p.back_seat, p.gates, seen.state?.ready], () => [nodeTable(p), peerDetails(p)]);
    show(gates, [p.gates, p.gate_closed], () => gateTable(p));
    show(relays, p.relays, () => relayTable(p.relays ?? []));
    show(conflicts, p.conflicts, () => conflictTable(p.conflicts));
    show(others, [p.foreign, p.former], () => strangers(p));
  };
}

function alarmList(p) {
  const lines = [];
  if (p.twin.suspected) lines.push(['bad', `Another server answers under the name ${p.node}: ${many(p.twin.renews, 'Renew')} of leases that this node never granted. Stop one of the two.`]);
  if (p.back_seat) lines.push(['middle', p.drained ? 'In the back seat, because it was told to: new clients are left to other nodes.' : 'In the back seat after an absence: new clients are left to other nodes.']);
  for (const u of p.unshared ?? []) lines.push(['middle', `Pool ${u.pool} of link ${u.link}: not all claims were taken in; new clients get leases of this node’s own stripes until ${clock(u.until)}.`]);
  return lines.map(([kind, text]) => h('p', {class: `alarm ${kind}`}, text));
}

function selfVerdict(p) {
  const closed = (p.gates ?? []).filter((g) => !g.open).length;
  if (!seen.state?.ready) return [badge('bad', 'not ready'), ' ', seen.state?.not_ready ?? ''];
  if (p.back_seat) return [badge('middle', 'back seat'), ' leaves new clients to others'];
  if (closed > 0) return [badge('middle', 'listening'), ` on ${many(closed, 'link')}`];
  return [badge('good', 'serving'), ' gives leases to whoever asks'];
}

function unanswered(u) {
  const relays = u.relays ?? [];
  return `${many(u.clients, 'client')} behind ${relays.length === 1 ? relayName(relays[0]) : many(relays.length, 'relay')} unanswered since ${clock(u.since)}`;
}

function verdict(peer) {
  const words = [];
  if (peer.state === 'silent') words.push(badge('bad', 'silent'), ' ', unanswered(peer.unanswered));
  else if (peer.path_broken) words.push(badge('bad', 'path broken'), ' alive, but ', unanswered(peer.unanswered));
  else if (peer.state === 'alive') words.push(badge('good', 'alive'), ' last exchange answered at ', clock(peer.last_answer));
  else if (peer.unanswered) words.push(badge('plain', 'unknown'), ' ', unanswered(peer.unanswered), ', too little to call it silent');
  else if (peer.last_answer) words.push(badge('plain', 'unknown'), ' no exchange since ', clock(peer.last_answer));
  else words.push(badge('plain', 'unknown'), Object.keys(peer.messages ?? {}).length > 0 ? ' clients have only begun to speak to it' : ' no client has spoken to it yet');
  if ((peer.divergence ?? []).length > 0) words.push(' ', badge('bad', 'another configuration'));
  return words;
}

function nodeTable(p) {
  const rows = [[[h('b', null, p.node), ' (this one)'], String(p.preference), count(p.own_bindings), selfVerdict(p), '–']];
  for (const peer of p.peers ?? []) {
    rows.push([h('b', null, peer.name), String(peer.preference), count(peer.bindings.confirmed + peer.bindings.tentative), verdict(peer), when(peer.last_heard)]);
  }
  return table('Nodes', ['Node', {text: 'Preference', class: 'num'}, {text: 'Leases', class: 'num'}, 'How it is', 'Clients last heard'], rows);
}

function peerDetails(p) {
  return (p.peers ?? []).map((peer) => {
    const b = peer.bindings, c = peer.claims, messages = Object.entries(peer.messages ?? {}).sort();
    return h('details', {'data-key': `peer ${peer.name}`}, h('summary', {'data-key': `summary ${peer.name}`}, `What is known of ${peer.name}`), facts([
      ['DUID', h('span', {class: 'mono'}, peer.duid)],
      ['Messages that name it', messages.map(([name, n]) => `${name} ${count(n)}`).join(', ')],
      ['Exchanges', `${count(peer.answered)} answered, ${count(peer.repeated)} repeated`],
      ['Rebinds of its clients', peer.rebinds > 0 ? count(peer.rebinds) : ''],
      ['Leases observed', `${count(b.confirmed)} confirmed, ${count(b.tentative)} tentative; ${count(b.strong)} explained by the configuration, ${count(b.weak)} not`],
      ['New claims', `${count(c.first)} by the first candidate, ${count(c.later)} by a later one, ${count(c.other_key)} by another key, ${count(c.nothing)} unexplained`],
      ['Unanswered behind', peer.unanswered ? (peer.unanswered.relays ?? []).map(relayName).join(', ') : ''],
    ]), (peer.divergence ?? []).map((d) => h('p', {class: 'alarm bad'}, diverges(d))));
  });
}

function diverges(d) {
  const where = d.pool === '' ? `Its clients ask it for leases in no pool of link ${d.link}`
    : d.other_key ? `In pool ${d.pool} it uses a key that is only accepted here` : `In pool ${d.pool} its leases don’t follow from this node’s key, hash and pools`;
  return `${where}: ${d.unexpected} of its newest ${d.claims} claims, such as ${d.example.lease} for DUID ${d.example.duid}, IAID ${d.example.iaid}.`;
}

function gateTable(p) {
  const rows = (p.gates ?? []).map((g) => {
    if (g.open) return [g.link, badge('good', 'open'), 'nothing that peers granted is known to be missed', '–'];
    return [g.link, badge('middle', 'listening'), g.reason, [h('progress', {max: '1', value: String(g.progress), 'aria-label': `Listening on link ${g.link}`}), ` ${percent(g.progress)} of T1, until `, when(g.until)]];
  });
  return [table('Gates', ['Link', 'Gate', 'Why', 'How far'], rows), h('p', {class: 'hint'}, `While a gate is closed the node gives new clients of dense pools leases of its own stripes only. Closed ${many(p.gate_closed, 'time')} since the start.`)];
}

function relayTable(relays) {
  const rows = relays.map((r) => {
    const words = [];
    if (r.silent) words.push(badge('bad', 'silent'));
    if (r.chosen_only) words.push(badge('bad', 'sends Requests to the chosen server only'));
    if (r.no_renews) words.push(badge('bad', 'doesn’t copy renewals'));
    if (words.length === 0) words.push(r.known ? badge('good', 'all of it, it seems') : badge('plain', 'too little to tell'));
    const share = (n) => (r.solicits > 0 ? bar2(n / r.solicits) : '–');
    return [h('span', {class: 'mono'}, relayName(r.address)), words.flatMap((w) => [w, ' ']), share(r.followed), share(r.ours), count(r.messages), when(r.last_heard)];
  });
  return [table('Relays', ['Relay', 'Coverage', 'Solicits that led to a Request', 'to this node', {text: 'Messages', class: 'num'}, 'Last heard'], rows, 'no relay was heard yet'),
    h('p', {class: 'hint'}, 'What a relay forwards to this node is all that the node knows of its peers there.')];
}

const bar2 = (share) => h('span', {class: 'num'}, percent(Math.min(1, share)));

function conflictTable(c) {
  const rows = (c.standing ?? []).map((one) => [h('span', {class: 'mono'}, one.lease), h('ul', {class: 'plain-list'}, (one.claims ?? []).map((claim) => h('li', null,
    h('a', {href: `#/client?duid=${encodeURIComponent(claim.duid)}`, class: 'mono', 'data-key': `${one.lease} ${claim.duid}`}, claim.duid), ` at ${claim.node || 'an unknown server'} since ${clock(claim.since)} `,
    claim.holds ? badge('good', 'holds it') : null, ' ', badge('plain', claim.confirmed ? 'confirmed' : 'tentative'))))]);
  return [table('Conflicts', ['Lease', 'Claims'], rows, 'no lease is claimed by two clients'),
    h('p', {class: 'hint'}, `${count(c.mended)} mended since the start${c.lost > 0 ? `; ${many(c.lost, 'claim')} too many to keep` : ''}.`)];
}

function strangers(p) {
  const foreign = (p.foreign ?? []).map((f) => [h('span', {class: 'mono'}, f.duid), f.link || 'a link that this node doesn’t have', count(f.messages), when(f.last_heard)]);
  const former = (p.former ?? []).map((f) => [h('span', {class: 'mono'}, f.duid), slots(String(f.bindings.confirmed + f.bindings.tentative))]);
  return [
    foreign.length > 0 ? section('Servers outside of the cluster', table('Servers outside of the cluster', ['DUID', 'Link', {text: 'Messages', class: 'num'}, 'Last heard'], foreign)) : null,
    former.length > 0 ? section('Former nodes', table('Former nodes', ['DUID', {text: 'Leases observed', class: 'num'}], former)) : null,
  ];
}
