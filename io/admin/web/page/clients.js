// Search of bindings.
import {bindings, lines} from './api.js';
import {h, say, section, show, table} from './dom.js';
import {badge, many, when} from './format.js';

export const title = 'Clients';
export const wants = {};

const KINDS = [['', 'whatever it looks like'], ['lease', 'address or prefix'], ['duid', 'DUID'], ['hardware_address', 'hardware address'], ['name', 'hostname'],
  ['remote_id', 'Remote-ID'], ['interface_id', 'Interface-ID'], ['subscriber_id', 'Subscriber-ID'], ['link', 'link']];
const MOST = 100;
const STATES = {bound: 'good', expired: 'plain', released: 'plain', declined: 'bad', superseded: 'middle'};

/** guesses are the questions that a text may mean, the likeliest first. */
export function guesses(text) {
  const octets = text.replaceAll(/[-.:]/g, '');
  const paired = /^([0-9a-f]{2}[-:])+[0-9a-f]{2}$/i.test(text); // octets one by one; eight of them could be an address too
  if (paired && octets.length === 12) return [{hardware_address: text}, {duid: text}];
  if (paired) return [{duid: text}];
  if (/^[0-9a-f:]*:[0-9a-f:.]*\/\d+$/i.test(text)) return [{lease: text}, {within: text}];
  if (text.includes('::') || /^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$/i.test(text)) return [{lease: text}];
  if (/^[0-9a-f]{14,}$/i.test(text) && text.length % 2 === 0) return [{duid: text}, {name: `${text}*`}];
  return [{name: text.includes('*') ? text : `${text}*`}, {remote_id: text}, {subscriber_id: text}, {interface_id: text}];
}

/** stateBadge shows a binding's state. */
export const stateBadge = (state) => badge(STATES[state] ?? 'plain', state);

/** storyLink leads to a client's whole story. */
export const storyLink = (duid, text = duid) => h('a', {href: `#/client?duid=${encodeURIComponent(duid)}`, class: text === duid ? 'mono' : null, 'data-key': `client ${duid} ${text}`}, text);

export function open(main, parameters) {
  const text = h('input', {id: 'what', type: 'search', name: 'what', value: parameters.get('q') ?? '', autocomplete: 'off', spellcheck: 'false', placeholder: '2001:db8:1::7f3a, laptop*, 00:03:…'});
  const kind = h('select', {id: 'by'}, KINDS.map(([value, name]) => h('option', {value, selected: value === (parameters.get('by') ?? '')}, name)));
  const live = h('input', {id: 'live', type: 'checkbox'});
  live.checked = parameters.get('live') !== 'false';
  const result = h('div');
  const form = h('form', {class: 'search', role: 'search'},
    h('div', {class: 'grow'}, h('label', {for: 'what'}, 'Address, prefix, DUID, hostname …'), text), h('div', null, h('label', {for: 'by'}, 'It is'), kind),
    h('div', {class: 'check'}, live, h('label', {for: 'live'}, 'only leases in force')), h('button', {type: 'submit'}, 'Search'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const q = new URLSearchParams({q: text.value.trim(), by: kind.value, live: String(live.checked)});
    if (location.hash === `#/clients?${q}`) void search();
    else location.hash = `#/clients?${q}`;
  });
  main.append(form, result);
  const leaving = new AbortController();
  const search = () => run(result, text.value.trim(), kind.value, live.checked, leaving.signal);
  void search();
  return Object.assign(() => {}, {close: () => leaving.abort()});
}

async function run(result, text, kind, live, signal) {
  const questions = text === '' ? [{}] : kind === '' ? guesses(text) : [{[kind]: text}];
  show(result, ['asking', text, Date.now()], () => h('p', {class: 'none', role: 'status'}, 'asking the node …'));
  try {
    let answer = {found: [], more: false};
    for (const q of questions) {
      answer = await bindings({...q, live: live ? 'true' : ''}, MOST, signal);
      if (answer.found.length > 0) break;
    }
    const around = answer.found.length === 0 && questions[0].lease ? await containing(text, signal) : [];
    say(`${many(answer.found.length, 'binding')} found`);
    show(result, [answer, around, text], () => [section(text === '' ? 'Bindings' : 'Found',
      h('p', {class: 'hint'}, answer.more ? `The first ${answer.found.length}; there are more.` : `${many(answer.found.length, 'binding')}.`, ' Each leads to the client’s story.'),
      leaseTable(answer.found)), around.length > 0 ? section('Periods with it', periods(around)) : null]);
  } catch (error) {
    if (signal.aborted) return;
    show(result, [String(error), Date.now()], () => h('p', {class: 'alarm bad', role: 'alert'}, `${error.message}${error.remedy ? `; ${error.remedy}` : ''}`));
  }
}

/** containing is who has a prefix now in which an address lies, where the node keeps history. */
async function containing(lease, signal) {
  try {
    return await lines('/v1/history', {lease, at: 'now'}, signal);
  } catch (error) {
    if (error.status === 404 || error.status === 503) return [];
    throw error;
  }
}

const periods = (all) => table('Periods with it', ['Client', 'Lease', 'Since'], all.map((p) => [[storyLink(p.duid), p.name ? h('small', null, p.name) : null], h('span', {class: 'mono'}, p.lease), when(p.since)]));

function leaseTable(found) {
  return table('Bindings', ['Lease', 'Client', 'State', 'Node', 'Last asked', 'Expires'], found.map((l) => [
    [h('span', {class: 'mono'}, l.lease), h('small', null, l.kind)],
    [storyLink(l.duid, l.name || l.duid), l.name ? h('small', {class: 'mono'}, l.duid) : null],
    stateBadge(l.state), l.owner || 'this one', when(l.last_transaction), when(l.expires),
  ]), 'nothing is found');
}

