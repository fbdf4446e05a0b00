// Numbers and times as people read them.
import {h} from './dom.js';

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});

/** count writes a whole number with groups of three digits. */
export const count = (n) => whole.format(n);

/** many counts what has a name: 1 lease, 2 leases. */
export const many = (n, one, more = one + 's') => `${count(n)} ${n === 1 ? one : more}`;

/** rate has as many digits as matter. */
export const rate = (x) => (x === 0 ? '0' : x < 10 ? x.toFixed(1) : count(x));

/** slots writes a number of over nine digits, in decimal, as the power of two next to it. */
export const slots = (text) => (text.length <= 9 ? count(Number(text)) : `2^${Math.round(Math.log2(Number(text)))}`);

/** percent shows that anything is used, however little it is. */
export const percent = (share) => (share > 0 && share < 0.001 ? '<0.1 %' : `${(100 * share).toFixed(1)} %`);

/** seconds writes a time that something took. */
export function seconds(s) {
  if (s < 0.001) return `${Math.round(s * 1e6)} µs`;
  if (s < 0.1) return `${(s * 1e3).toFixed(1)} ms`;
  if (s < 1) return `${Math.round(s * 1e3)} ms`;
  return `${s.toFixed(1)} s`;
}

/** span writes a long time, in seconds, by its two largest units. */
export function span(s) {
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  let rest = Math.max(0, Math.round(s));
  const words = [];
  for (const [name, size] of units) {
    const n = Math.floor(rest / size);
    if (words.length > 0 || n > 0) words.push(`${n} ${name}`);
    rest -= n * size;
  }
  return words.length === 0 ? '0 s' : words.slice(0, 2).filter((w, i) => i === 0 || !w.startsWith('0')).join(' ');
}

/** clock is a moment's time of day, with the date where that isn't today. */
export function clock(at) {
  const text = new Date(at).toISOString();
  return text.slice(0, 10) === new Date().toISOString().slice(0, 10) ? text.slice(11, 19) : `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** when is a moment in the page: null is never. */
export const when = (at, never = 'never') => (at === null || at === undefined || at === '' || at === 'never'
  ? never : h('time', {datetime: at, class: 'mono'}, clock(at)));

/** badge is a word about how something is, by its colour too. Kinds: good, middle, bad, plain. */
export const badge = (kind, text) => h('span', {class: `badge ${kind}`}, text);

/** bar is a share as a bar, with its number beside it. */
export function bar(share) {
  const meter = h('span', {class: `meter ${heat(share)}`, 'aria-hidden': 'true'}, h('span', null));
  meter.firstChild.style.width = `${Math.min(1, share) * 100}%`;
  return h('span', {class: 'bar-cell'}, meter, h('span', {class: 'num'}, percent(share)));
}

/** heat is the class of a share's colour: good below 70 %, bad from 90 % on, as lockstep6 top has it. */
export const heat = (share) => (share >= 0.9 ? 'bad' : share >= 0.7 ? 'middle' : 'good');
