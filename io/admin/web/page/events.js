// The newest lines of the log.
import {h, section, show, table} from './dom.js';
import {badge, many, when} from './format.js';
import {seen} from './watch.js';

export const title = 'Events';
export const wants = {};

const KINDS = {INFO: 'plain', WARN: 'middle', ERROR: 'bad'};

export const EVENT_COLUMNS = ['Time', 'Level', 'Event'];

/** eventRows are events for a table with EVENT_COLUMNS. */
export const eventRows = (events) => events.map((e) => [when(e.at), badge(KINDS[e.level] ?? 'plain', e.level.toLowerCase()), [
  h('span', null, e.message), ' ', h('code', {class: 'id'}, e.id),
  e.attributes ? h('span', {class: 'attributes'}, Object.entries(e.attributes).map(([name, value]) => [h('span', null, `${name}=`, h('b', null, text(value))), ' '])) : null,
]]);

const text = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

export function open(main) {
  const words = h('input', {id: 'words', type: 'search', autocomplete: 'off', spellcheck: 'false'});
  const level = h('select', {id: 'level'}, h('option', {value: ''}, 'all'), h('option', {value: 'WARN'}, 'warnings and errors'), h('option', {value: 'ERROR'}, 'errors'));
  const list = h('div'), found = h('p', {class: 'hint', role: 'status'});
  const update = () => {
    const levels = {'': ['INFO', 'WARN', 'ERROR'], WARN: ['WARN', 'ERROR'], ERROR: ['ERROR']}[level.value], wanted = words.value.toLowerCase();
    const chosen = seen.events.filter((e) => levels.includes(e.level) && (wanted === '' || JSON.stringify(e).toLowerCase().includes(wanted))).reverse();
    show(list, [chosen, seen.state !== null], () => table('Events, the newest first', EVENT_COLUMNS, eventRows(chosen), 'none'));
    if (wanted || level.value) show(found, chosen.length, () => h('span', null, many(chosen.length, 'event')));
    else show(found, '', () => h('span', null, 'The node keeps the newest 200, without those about leases. docs/messages.md explains each by its id.'));
  };
  const form = h('form', {class: 'search', role: 'search'}, h('div', null, h('label', {for: 'words'}, 'With the words'), words), h('div', null, h('label', {for: 'level'}, 'Level'), level));
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', update);
  main.append(form, found, section('Newest first', list));
  return update;
}
