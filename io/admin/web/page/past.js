// What the node did lately, as it tells it: ten seconds at a time for two hours, and two seconds at a time for two minutes.
import {h, table} from './dom.js';
import {clock, rate, seconds} from './format.js';

const RECENT = 2 * 60_000, PAST = 2 * 3600_000; // milliseconds that are kept
const ROWS = 12;

/** SPANS is what charts may show, in milliseconds. */
export const SPANS = [[RECENT, '2 minutes'], [10 * 60_000, '10 minutes'], [30 * 60_000, '30 minutes'], [PAST, '2 hours']];

/** nothing is what is known before the node has told anything. */
export const nothing = () => ({past: [], recent: [], answered: [], dropped: []});

/** last is the newest sample; undefined: there is none. */
export const last = (rates) => rates.recent.at(-1);

/** add takes in an answer of /v1/rates that has what came after the former ones. */
export function add(rates, answer) {
  const fresh = (samples) => samples.map((s) => ({...s, at: Date.parse(s.at)}));
  const recent = rates.recent.concat(fresh(answer.recent)), end = recent.at(-1)?.at ?? 0;
  const since = (samples, span) => samples.filter((s) => s.at > end - span);
  return {past: since(rates.past.concat(fresh(answer.past)), PAST), recent: since(recent, RECENT), answered: answer.answered, dropped: answer.dropped};
}

/** samples is what there is of a span, the oldest first: what isn't among the recent ones comes from the past ones. */
export function samples(rates, span) {
  const first = rates.recent[0], end = last(rates)?.at ?? 0;
  if (!first) return [];
  const before = rates.past.filter((s) => s.at < first.at);
  return before.concat(rates.recent).filter((s) => s.at > end - span);
}

/** asTable is what the charts show in rows, for those who would rather read: means of rates, and the longest of times. */
export function asTable(all) {
  const rows = [], begin = all[0]?.at ?? 0, long = (all.at(-1)?.at ?? 0) - begin;
  for (let row = ROWS - 1; row >= 0; row--) {
    const some = all.filter((s) => Math.min(ROWS - 1, Math.floor((s.at - begin) / Math.max(1, long) * ROWS)) === row);
    if (some.length === 0) continue;
    const spanned = some.reduce((sum, s) => sum + s.seconds, 0);
    const mean = (key) => rate(some.reduce((sum, s) => sum + s[key] * s.seconds, 0) / spanned);
    const most = (key) => (some.some((s) => s[key] !== null) ? seconds(Math.max(...some.map((s) => s[key] ?? 0))) : '–');
    rows.push([h('time', {class: 'mono', datetime: new Date(some.at(-1).at).toISOString()}, clock(some.at(-1).at)),
      mean('answered'), mean('for_peers'), mean('dropped'), most('latency_p99'), most('sync_p99'), mean('syncs'), mean('spared_writes')]);
  }
  const number = (text) => ({text, class: 'num'});
  return table('The charts as a table', ['Until', number('Answered/s'), number('For peers/s'), number('Dropped/s'), number('Reply, 99 %'), number('Sync, 99 %'), number('Syncs/s'), number('Spared/s')], rows, 'nothing yet');
}
