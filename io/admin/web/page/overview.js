// What the node does now.
import {chart} from './chart.js';
import {facts, h, section, set, show, table} from './dom.js';
import {badge, bar, count, many, percent, rate, seconds, span, when} from './format.js';
import {eventRows, EVENT_COLUMNS} from './events.js';
import {totals} from './measure.js';
import {poolName} from './pools.js';
import {seen} from './watch.js';

const FEW = 5;

export const title = 'Overview';
export const wants = {pools: 4000, dns: 8000};

/** open makes the view, and returns what brings it up to date. */
export function open(main) {
  const figures = {};
  const figure = (name) => { figures[name] = h('b', null, '–'); return [name, figures[name]]; };
  const charts = [
    chart('Messages a second', [{name: 'answered', key: 'answered', class: 'one'}, {name: 'for peers', key: 'others', class: 'three'}, {name: 'dropped', key: 'dropped', class: 'two'}], rate, 1),
    chart('Latency of replies', [{name: 'median', key: 'p50', class: 'one'}, {name: '99 %', key: 'p99', class: 'two'}], seconds, 0.0002),
    chart('Syncs of the store', [{name: 'median', key: 's50', class: 'one'}, {name: '99 %', key: 's99', class: 'two'}], seconds, 0.0002),
    chart('Syncs a second', [{name: 'syncs', key: 'syncs', class: 'one'}, {name: 'writes spared', key: 'spared', class: 'two'}], rate, 1),
  ];
  const answered = h('div'), dropped = h('div'), pools = h('div'), zones = h('div'), events = h('div');
  main.append(
    facts(['answered/s', 'dropped/s', 'latency, 99 %', 'bindings', 'room used', 'kernel drops', 'up'].map(figure), 'figures'),
    h('div', {class: 'charts'}, charts.map((c) => c.figure)),
    h('div', {class: 'columns'}, section('Answered', answered), section('Dropped', dropped)),
    section('Fullest pools', pools), zones, section('Newest events', events));
  return () => {
    const s = seen.state, last = seen.samples.at(-1);
    if (!s) return;
    set(figures['answered/s'], last ? rate(last.answered) : '–');
    set(figures['dropped/s'], last ? rate(last.dropped) : '–');
    set(figures['latency, 99 %'], last && last.p99 !== null ? seconds(last.p99) : '–');
    set(figures.bindings, count(s.bindings));
    set(figures['room used'], s.capacity > 0 ? percent(s.bindings / s.capacity) : '–');
    set(figures['kernel drops'], count(s.kernel_drops));
    set(figures.up, span((seen.at - Date.parse(s.started)) / 1000));
    for (const c of charts) c.draw(seen.samples);
    counters(answered, 'Answered messages by type', s.answered, last?.types, 'nothing was answered yet');
    counters(dropped, 'Dropped messages by reason', s.dropped, last?.reasons, 'nothing was dropped');
    const fullest = [...(seen.pools ?? [])].sort((a, b) => b.used - a.used).slice(0, FEW);
    show(pools, fullest, () => table('Fullest pools', ['Pool', 'Link', 'Used'], fullest.map((p) => [poolName(p), p.link, bar(p.used)]), 'no pool'));
    show(zones, seen.dns, () => (seen.dns ? section('DNS', zoneTable(seen.dns)) : []));
    const newest = seen.events.slice(-FEW).reverse();
    show(events, newest, () => table('Newest events', EVENT_COLUMNS, eventRows(newest), 'none yet'));
  };
}

function zoneTable(dns) {
  return [table('Zones in DNS', ['Zone', 'Server', 'How it is', {text: 'Updates done', class: 'num'}], dns.zones.map((z) => [h('span', {class: 'mono'}, z.name), h('span', {class: 'mono'}, z.server || 'none answers'),
    z.up ? badge('good', 'takes updates') : [badge('bad', 'fails'), ' since ', when(z.since), ': ', z.last_error], count(z.updates.ok ?? 0)])),
  h('p', {class: 'hint'}, dns.queue.waiting === 0 ? 'Nothing waits to be done in DNS.' : `${many(dns.queue.waiting, 'task waits', 'tasks wait')}, the oldest for ${span(dns.queue.oldest_seconds)}.`)];
}

function counters(into, caption, counts, now, none) {
  const {by} = totals(counts);
  const per = new Map((now ?? []).map((r) => [r.name, r.per]));
  show(into, [by, [...per]], () => table(caption, [caption.endsWith('type') ? 'Message' : 'Reason', {text: 'a second', class: 'num'}, {text: 'since the start', class: 'num'}],
    by.map(([name, n]) => [name, per.has(name) ? rate(per.get(name)) : '–', count(n)]), none));
}
