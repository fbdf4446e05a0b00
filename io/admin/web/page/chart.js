// Line charts, drawn by hand. What a chart shows, its label says in words.
import {h} from './dom.js';
import {span} from './format.js';

const HEIGHT = 132, LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 20;
const LEAST_SPAN = 60_000; // milliseconds that a chart covers at least

/** nice is the next number of 1, 2 or 5 times a power of ten. */
function nice(x) {
  if (x <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].map((f) => f * power).find((n) => n >= x * 0.9999);
}

/** chart is a figure that draw fills anew. Lines are {name, key, class}; format writes a value; least is the least top of the axis. */
export function chart(title, lines, format, least) {
  const now = h('span', {class: 'now'}), box = h('div', {class: 'plot'});
  const figure = h('figure', {class: 'chart'}, h('figcaption', null, h('h2', null, title), now), box);
  let drawn = '';
  const draw = (samples) => {
    const width = Math.max(220, box.clientWidth), last = samples.at(-1);
    if (drawn === `${width} ${last?.at}`) return;
    drawn = `${width} ${last?.at}`;
    now.replaceChildren(...lines.map((l) => h('span', {class: `key ${l.class}`}, `${l.name} `, h('b', null, last && last[l.key] !== null ? format(last[l.key]) : '–'))));
    box.replaceChildren(plot(title, lines, format, least, samples, width));
  };
  return {figure, draw};
}

function plot(title, lines, format, least, samples, width) {
  const values = lines.flatMap((l) => samples.map((s) => s[l.key])).filter((v) => v !== null);
  const top = nice(Math.max(least, ...values));
  const end = samples.at(-1)?.at ?? 0, long = Math.max(LEAST_SPAN, end - (samples[0]?.at ?? end));
  const x = (at) => width - RIGHT - (end - at) / long * (width - LEFT - RIGHT);
  const y = (v) => HEIGHT - BOTTOM - Math.min(1, v / top) * (HEIGHT - TOP - BOTTOM);
  const svg = h('svg', {viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: 'img', 'aria-label': words(title, lines, format, samples, long)});
  for (const share of [0, 0.5, 1]) {
    svg.append(h('line', {class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(share * top), y2: y(share * top)}),
      h('text', {class: 'tick', x: LEFT - 6, y: y(share * top) + 4, 'text-anchor': 'end'}, format(share * top)));
  }
  svg.append(h('text', {class: 'tick', x: LEFT, y: HEIGHT - 4}, `${span(long / 1000)} ago`),
    h('text', {class: 'tick', x: width - RIGHT, y: HEIGHT - 4, 'text-anchor': 'end'}, 'now'));
  for (const l of lines) {
    let path = '', pen = false;
    for (const s of samples) {
      const v = s[l.key];
      if (v === null) { pen = false; continue; }
      path += `${pen ? 'L' : 'M'}${x(s.at).toFixed(1)} ${y(v).toFixed(1)}`;
      pen = true;
    }
    if (path) svg.append(h('path', {class: `line ${l.class}`, d: path}));
  }
  return svg;
}

function words(title, lines, format, samples, long) {
  if (samples.length === 0) return `${title}: nothing yet`;
  return `${title}, the last ${span(long / 1000)}. ` + lines.map((l) => {
    const values = samples.map((s) => s[l.key]).filter((v) => v !== null);
    return values.length === 0 ? `${l.name}: nothing` : `${l.name}: now ${format(values.at(-1))}, lowest ${format(Math.min(...values))}, highest ${format(Math.max(...values))}`;
  }).join('; ');
}
