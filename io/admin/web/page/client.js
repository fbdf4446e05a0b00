// One client's whole story: what it has and from whom, what DNS holds of it, what it was refused, and what it had before.
import {bindings, get, lines} from './api.js';
import {stateBadge} from './clients.js';
import {facts, h, say, section, show, table} from './dom.js';
import {badge, clock, many, when} from './format.js';
import {seen} from './watch.js';

export const title = 'Client';
export const wants = {};
export const under = 'clients';

const MOST = 100, MOST_DNS = 8, MOST_LINES = 200;
const WEEK = '-7d';

export function open(main, parameters) {
  const duid = parameters.get('duid') ?? '', all = parameters.get('all') === 'true', leaving = new AbortController();
  const result = h('div', null, h('p', {class: 'none', role: 'status'}, 'asking the node …'));
  const again = h('button', {type: 'button'}, 'Ask again');
  again.addEventListener('click', () => void ask());
  main.append(h('p', {class: 'trail'}, h('a', {href: '#/clients'}, 'All clients'), ' ', again), result);
  const ask = async () => {
    try {
      const story = await gather(duid, all, leaving.signal);
      show(result, [story, Date.now()], () => tell(duid, all, story));
      say('The client’s story is up to date');
    } catch (error) {
      if (leaving.signal.aborted) return;
      show(result, [String(error), Date.now()], () => h('p', {class: 'alarm bad', role: 'alert'}, `${error.message}${error.remedy ? `; ${error.remedy}` : ''}`));
    }
  };
  void ask();
  return Object.assign(() => {}, {close: () => leaving.abort()});
}

/** optional is an answer that a node needn't have: null where it keeps no such thing, or too many ask. */
async function optional(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error.status === 404 || error.status === 503) return null;
    throw error;
  }
}

async function gather(duid, all, signal) {
  const [leases, refused, history] = await Promise.all([
    bindings({duid}, MOST, signal), get('/v1/refusals', {client: duid}, signal),
    optional(lines('/v1/history', {duid, from: all ? '' : WEEK}, signal)),
  ]);
  const named = leases.found.filter((l) => l.state === 'bound' && (l.name || l.kind !== 'IA_PD')).slice(0, MOST_DNS);
  const dns = [];
  for (const l of named) {
    const records = await optional(get('/v1/dns/records', {lease: l.lease}, signal));
    if (records === null) break; // this node keeps no DNS
    dns.push(records);
  }
  return {leases: leases.found, more: leases.more, refused, history, dns};
}

function tell(duid, all, story) {
  const newest = [...story.leases].sort((a, b) => (a.last_transaction < b.last_transaction ? 1 : -1))[0] ?? story.history?.at(-1) ?? {};
  const refusal = story.refused.refusals[0] ?? {};
  return [
    h('p', {class: 'who'}, newest.name || h('span', {class: 'mono'}, duid)),
    facts([
      ['DUID', h('span', {class: 'mono'}, duid)], ['Hardware address', newest.hardware_address ?? refusal.hardware_address], ['Link-local address', newest.peer_address ?? refusal.peer_address],
      ['Link-address', newest.link_address ?? refusal.link_address], ['Interface-ID', newest.interface_id ?? refusal.interface_id], ['Remote-ID', newest.remote_id],
      ['Subscriber-ID', newest.subscriber_id], ['Relay-ID', newest.relay_id],
    ]),
    section('Leases', leases(story), story.more ? h('p', {class: 'hint'}, `The first ${MOST}.`) : null),
    section('In DNS', dns(story)),
    section('Refused', refusals(story.refused)),
    section('Story', h('p', {class: 'hint'}, 'The newest first: which node gave it what, and what it was refused.', story.history === null ? ' This node keeps no history, so only what is in force is here.' : null), chronicle(story),
      story.history !== null ? h('p', {class: 'hint'}, all ? 'All that is kept is shown. ' : 'What lasted in the last seven days. ',
        h('a', {href: `#/client?duid=${encodeURIComponent(duid)}${all ? '' : '&all=true'}`}, all ? 'Only the last seven days' : 'All that is kept')) : null),
  ];
}

const self = () => seen.state?.node || 'this node';

function leases(story) {
  return table('Leases', ['Lease', 'State', 'Node', 'Since', 'Last asked', 'Expires'], story.leases.map((l) => [
    [h('span', {class: 'mono'}, l.lease), h('small', null, `${l.kind}${l.iaid_unknown ? '' : `, IAID ${l.iaid}`}`)],
    stateBadge(l.state),
    l.owner ? [l.owner, h('small', null, `observed, ${l.claim}, ${l.confirmed ? 'confirmed' : 'tentative'}`)] : [self(), h('small', null, 'granted it')],
    when(l.since), when(l.last_transaction), when(l.expires),
  ]), 'it has none that this node knows of');
}

function dns(story) {
  const rows = story.dns.flatMap((d) => d.questions.map((q) => [
    h('span', {class: 'mono'}, q.name), q.type,
    q.error ? [badge('bad', 'no answer'), ' ', q.error] : q.zone === '' ? [badge('plain', 'not asked'), ' no zone of the configuration has this name']
      : q.data.length === 0 ? badge('middle', 'no record') : h('ul', {class: 'plain-list'}, q.data.map((text) => h('li', null, h('span', {class: 'mono'}, text), ' ', fits(q, d, text)))),
  ]));
  return table('Records in DNS', ['Name', 'Type', 'The zone’s server says'], rows, story.leases.length > 0 ? 'this node keeps no DNS for it' : 'it has no lease to look for');
}

/** fits tells whether a record is what the binding wants. */
function fits(q, d, text) {
  if (q.type === 'AAAA') return text === d.lease ? badge('good', 'its address') : badge('middle', 'another address');
  if (q.type === 'PTR') return text === d.name ? badge('good', 'its name') : badge('middle', 'another name');
  return null;
}

function refusals(refused) {
  const reasons = new Map();
  for (const r of refused.refusals) {
    const known = reasons.get(r.reason) ?? {...r, times: 0, first: r.at};
    reasons.set(r.reason, {...known, times: known.times + 1, first: r.at});
  }
  return table('Refusals by reason', ['Reason', 'Why, and what helps', {text: 'Times', class: 'num'}, 'First', 'Last'], [...reasons.values()].map((r) => [
    [r.reason, h('small', null, [r.message, r.status].filter(Boolean).join(', '))], [r.why, h('small', null, r.remedy)], String(r.times), when(r.first), when(r.at),
  ]), 'nothing lately');
}

/** chronicle is what befell the client, by what the node keeps, as a list of moments. */
function chronicle(story) {
  const moments = [];
  const periods = story.history ?? story.leases.map((l) => ({...l, node: l.owner || self(), observed: l.owner !== '', lasts: l.state === 'bound', ended: l.state, until: l.expires}));
  for (const p of periods) {
    if (p.error) { moments.push({at: '', kind: 'bad', word: 'broken off', text: [p.error]}); continue; }
    const lease = h('span', {class: 'mono'}, p.lease), node = p.node || self();
    moments.push({at: p.since, kind: 'good', word: p.kind, text: [lease.cloneNode(true), ` from ${node}`, p.observed ? ` (observed by ${self()}${p.confirmed ? ', confirmed' : ''})` : '', p.interface_id ? `, behind ${p.interface_id}` : '']});
    if (p.last_transaction > p.since) moments.push({at: p.last_transaction, kind: 'plain', word: 'asked', text: ['last asked for ', lease.cloneNode(true), ` of ${node}`]});
    if (!p.lasts && p.until !== 'never') moments.push({at: p.until, kind: 'plain', word: p.ended || 'ended', text: [lease.cloneNode(true), ` of ${node} ended`]});
  }
  for (const r of story.refused.refusals) moments.push({at: r.at, kind: 'bad', word: 'refused', same: `${r.message ?? 'a message'}: ${r.why}`, text: [`${r.message ?? 'a message'}: ${r.why}`]});
  moments.sort((a, b) => Date.parse(b.at || 0) - Date.parse(a.at || 0));
  const lines = together(moments), shown = lines.slice(0, MOST_LINES);
  if (shown.length === 0) return h('p', {class: 'none'}, 'nothing is known of it');
  return [h('ol', {class: 'chronicle'}, shown.map((m) => h('li', null, when(m.at, '–'), badge(m.kind, m.word), h('span', null, m.text)))),
    lines.length > shown.length ? h('p', {class: 'hint'}, `${many(lines.length - shown.length, 'older line')} left out.`) : null];
}

/** together puts refusals that follow each other and say the same into one line, at the time of the newest. */
function together(moments) {
  const lines = [];
  for (const m of moments) {
    const last = lines.at(-1);
    if (m.same && last?.same === m.same) Object.assign(last, {times: last.times + 1, first: m.at});
    else lines.push({...m, times: 1});
  }
  for (const l of lines) if (l.times > 1) l.text = [...l.text, ` (${l.times} times since ${clock(l.first)})`];
  return lines;
}
