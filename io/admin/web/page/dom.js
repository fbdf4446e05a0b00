// Elements. Whatever comes from the node gets into the page here, as text: nothing is ever taken for HTML, and the page's Content Security
// Policy (Trusted Types) wouldn't allow it.

const NAMES = new Set(['class', 'id', 'scope', 'href', 'type', 'value', 'for', 'role', 'tabindex', 'colspan', 'datetime', 'title', 'placeholder', 'name',
  'autocomplete', 'spellcheck', 'max', 'open', 'required', 'minlength', 'selected', 'disabled', 'hidden', 'viewBox', 'width', 'height', 'x', 'y',
  'x1', 'x2', 'y1', 'y2', 'd', 'points', 'text-anchor', 'rx', 'headers']);
const SVG = new Set(['svg', 'g', 'path', 'line', 'text', 'rect', 'polyline', 'title']);

/** h makes an element. Children are elements or text; null and false are left out. */
export function h(tag, attributes, ...children) {
  const e = SVG.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (!NAMES.has(name) && !name.startsWith('aria-') && !name.startsWith('data-')) throw new Error(`no attribute ${name} here`);
    if (name === 'href' && !value.startsWith('#')) throw new Error('links lead within the page');
    e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children.flat(9).filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c))));
  return e;
}

/** table is one with a caption for those who hear it, in a region that scrolls by itself where the screen is narrow. A column is a text, or
    {text, class}; the first one heads its row. A row is its cells: text, elements, or lists of them. */
export function table(caption, columns, rows, none = 'none') {
  if (rows.length === 0) return h('p', {class: 'none'}, none);
  const head = columns.map((c) => (typeof c === 'string' ? {text: c} : c));
  return h('div', {class: 'scroll', role: 'region', tabindex: '0', 'aria-label': caption, 'data-key': caption},
    h('table', {class: head.length > 3 ? 'many' : null},
      h('caption', {class: 'hidden'}, caption),
      h('thead', null, h('tr', null, head.map((c) => h('th', {scope: 'col', class: c.class}, c.text)))),
      h('tbody', null, rows.map((cells) => h('tr', null, cells.map((cell, i) => (i === 0
        ? h('th', {scope: 'row', class: head[i].class}, cell) : h('td', {class: head[i].class}, cell))))))));
}

/** section is a part of a view with a heading. */
export function section(title, ...children) {
  return h('section', null, h('h2', null, title), children);
}

/** facts is a list of names with what they are; empty ones are left out. */
export function facts(pairs, className = 'facts') {
  return h('dl', {class: className}, pairs.filter(([, v]) => v !== '' && v !== null && v !== undefined)
    .map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
}

const shown = new WeakMap();

/** show replaces what is in an element where that comes of other data than before. It keeps the focus, and leaves alone what somebody is
    selecting. */
export function show(into, data, build) {
  const key = JSON.stringify(data);
  if (shown.get(into) === key || selecting(into)) return;
  shown.set(into, key);
  const focus = into.contains(document.activeElement) ? document.activeElement.closest('[data-key]')?.dataset.key : null;
  const open = new Set([...into.querySelectorAll('details[open]')].map((d) => d.dataset.key));
  const scrolled = new Map([...into.querySelectorAll('.scroll')].map((s) => [s.dataset.key, s.scrollLeft]));
  into.replaceChildren(...[build()].flat(9).filter((c) => c instanceof Node));
  for (const d of into.querySelectorAll('details')) if (open.has(d.dataset.key)) d.open = true;
  for (const s of into.querySelectorAll('.scroll')) s.scrollLeft = scrolled.get(s.dataset.key) ?? 0;
  if (focus) [...into.querySelectorAll('[data-key]')].find((e) => e.dataset.key === focus)?.focus({preventScroll: true});
}

function selecting(into) {
  const s = document.getSelection();
  return s !== null && !s.isCollapsed && s.rangeCount > 0 && s.getRangeAt(0).intersectsNode(into);
}

/** set changes an element's text where it is another one. */
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** say tells those who hear the page what those who see it saw change. */
export function say(text) { set(document.getElementById('said'), text); }
