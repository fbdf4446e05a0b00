// How full the pools are, and where.
import {h, section, show, table} from './dom.js';
import {bar, badge, count, heat, percent, slots} from './format.js';
import {seen} from './watch.js';

export const title = 'Pools';
export const wants = {pools: 4000};

/** poolName is a pool as the configuration writes it, and what is special about it. */
export const poolName = (p) => [h('span', {class: 'mono'}, p.pool), p.retiring ? [' ', badge('middle', 'retiring')] : null];

export function open(main) {
  const list = h('div'), map = h('div');
  main.append(section('Fill', list), section('Heat map by part and stripe', map));
  return () => {
    const pools = seen.pools;
    if (!pools) return;
    show(list, pools, () => table('Pools', ['Pool', 'Link', 'Kind', {text: 'Leases', class: 'num'}, {text: 'Own', class: 'num'}, {text: 'Observed', class: 'num'}, 'Used'],
      pools.map((p) => [poolName(p), p.link, `${p.kind}${p.kind === 'IA_PD' ? ` /${p.length}` : ''}`, slots(p.slots), count(p.own), count(p.observed), bar(p.used)]), 'this node has no pool'));
    show(map, pools, () => heatMap(pools));
  };
}

/** cells are the shares of a pool: the stripes into which a dense one is dealt; else one, which is a node's part, or everybody's. */
function cells(p) {
  if (p.stripes.length === 0) return [{name: p.node ? `part of ${p.node}` : 'all nodes', used: p.used, text: `${count(p.own + p.observed)} leases`, own: false}];
  return p.stripes.map((s) => ({
    name: p.stripes.length === 1 ? (p.node ? `part of ${p.node}` : 'whole') : `stripe ${s.stripe}${s.node ? `, node ${s.node}` : ''}`,
    used: s.size > 0 ? s.used / s.size : 0, text: `${count(s.used)} of ${count(s.size)}`, own: s.own,
  }));
}

function heatMap(pools) {
  const rows = pools.map((p) => {
    const shares = cells(p);
    return h('tr', null, h('th', {scope: 'row'}, poolName(p), h('small', null, `${p.link}, ${p.kind}`)),
      h('td', null, h('ul', {class: 'heat'}, shares.map((c) => h('li', {class: `${heat(c.used)} h${Math.round(Math.min(1, c.used) * 8)}${c.own ? ' own' : ''}`},
        h('b', null, percent(c.used)), h('span', null, c.name, c.own ? h('span', {class: 'hidden'}, ', this node’s') : null), h('small', null, c.text))))));
  });
  if (rows.length === 0) return h('p', {class: 'none'}, 'this node has no pool');
  return [
    h('p', {class: 'hint'}, 'A dense pool is dealt into stripes, and each node gives new leases from its own first; those with a line below are this node’s. What is excluded or reserved counts as used. ',
      'Sparse pools need no stripes: all nodes give from all of one, or each from its part.'),
    h('div', {class: 'scroll', role: 'region', tabindex: '0', 'aria-label': 'Heat map', 'data-key': 'heat'},
      h('table', {class: 'wide'}, h('caption', {class: 'hidden'}, 'Share in use of each pool, by part and stripe'),
        h('thead', null, h('tr', null, h('th', {scope: 'col'}, 'Pool'), h('th', {scope: 'col'}, 'Parts and stripes'))), h('tbody', null, rows))),
  ];
}
