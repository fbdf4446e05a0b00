// Asks the node again and again, while somebody looks, and keeps the last minutes.
import {get, lines} from './api.js';
import {sample} from './measure.js';

const EVERY = 2000; // milliseconds
const KEPT_SAMPLES = 300, KEPT_EVENTS = 200;

/** seen is what the node said: samples between two snapshots, the newest last; events, the oldest first. */
export const seen = {state: null, at: 0, samples: [], pools: null, peers: null, dns: null, events: [], error: null, paused: false};

/** wanted is what the view at hand needs beside the state and the events, and how old it may be, in milliseconds. */
export const wanted = {pools: Infinity, peers: Infinity, dns: Infinity};

const asked = {pools: 0, peers: 0, dns: 0};
let before = null, changed = () => {}, timer = 0, busy = false;

/** start asks from now on, and calls back after each answer. */
export function start(callback) {
  changed = callback;
  document.addEventListener('visibilitychange', () => { if (!document.hidden) void look(); });
  void look();
}

/** look asks now. */
export async function look() {
  clearTimeout(timer);
  if (busy) return;
  busy = true;
  try {
    if (!seen.paused && !document.hidden) await ask();
  } finally {
    busy = false;
    timer = setTimeout(look, EVERY);
  }
}

async function ask() {
  try {
    const state = await get('/v1/state');
    const now = {at: Date.now(), state};
    if (before && before.state.started !== state.started) forget();
    if (before && now.at - before.at >= EVERY / 2) { // sooner, and what is asked for when a view opens would make jumps
      seen.samples.push(sample(before, now));
      seen.samples.splice(0, Math.max(0, seen.samples.length - KEPT_SAMPLES));
    }
    if (!before || now.at - before.at >= EVERY / 2) before = now;
    Object.assign(seen, {state, at: now.at});
    const news = await lines('/v1/events', {after: String(seen.events.at(-1)?.sequence ?? 0)});
    seen.events.push(...news);
    seen.events.splice(0, Math.max(0, seen.events.length - KEPT_EVENTS));
    await Promise.all([refresh('pools', (p) => p.pools), refresh('peers', (p) => p), refresh('dns', (d) => d)]);
    seen.error = null;
  } catch (error) {
    seen.error = error;
  }
  changed();
}

async function refresh(what, take) {
  if (seen.at - asked[what] < wanted[what] && seen[what] !== null) return;
  if (wanted[what] === Infinity || seen[what] === false) return;
  asked[what] = seen.at;
  try {
    seen[what] = take(await get(`/v1/${what}`));
  } catch (error) {
    if (what === 'dns' && error.status === 404) { seen.dns = false; return; } // this node keeps none
    if (error.status !== 503) throw error; // so many ask already: the former answer does for a while
  }
}

/** forget drops what was kept: of another start of the node, or for another token. */
export function forget() {
  before = null;
  Object.assign(seen, {samples: [], events: [], pools: null, peers: null, dns: null, error: null});
}
