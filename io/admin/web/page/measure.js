// What happened between two snapshots of the node's counters, as `lockstep6 top` computes it.

// What names another node and is heard because relays copy it is nothing lost.
const FOR_PEER = 'for-peer';

const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);

/** rates is how often something happened in a second, by its name, the most frequent first. What didn't is left out. */
export function rates(before, now, seconds) {
  return Object.entries(now).map(([name, n]) => ({name, per: Math.max(0, n - (before[name] ?? 0)) / seconds}))
    .filter((r) => r.per > 0).sort((a, b) => b.per - a.per || (a.name < b.name ? -1 : 1));
}

/** upTo is how many of a histogram took at most so long. */
function upTo(histogram, bound) {
  let n = 0;
  for (const b of histogram.buckets) if (b.le <= bound) n = Math.max(n, b.count);
  return n;
}

/** quantile is the time within which a share of what happened between two histograms was done: the bound of the bucket that it falls into,
    the last one's where it took longer; null where nothing happened. */
export function quantile(before, now, share) {
  const happened = now.count - before.count;
  if (happened <= 0 || now.buckets.length === 0) return null;
  for (const [i, b] of now.buckets.entries()) {
    const was = before.buckets[i]?.le === b.le ? before.buckets[i].count : upTo(before, b.le);
    if (b.count > was && b.count - was >= share * happened) return b.le;
  }
  return now.buckets.at(-1).le;
}

/** sample is what the charts and figures show of two snapshots {at, state}, at in milliseconds. */
export function sample(before, now) {
  const seconds = (now.at - before.at) / 1000, was = before.state, is = now.state;
  const per = (name) => Math.max(0, is[name] - was[name]) / seconds;
  const answered = rates(was.answered, is.answered, seconds), dropped = rates(was.dropped, is.dropped, seconds);
  const total = (all) => all.reduce((a, r) => a + r.per, 0);
  const others = total(dropped.filter((r) => r.name === FOR_PEER));
  return {
    at: now.at, types: answered, reasons: dropped, answered: total(answered), dropped: total(dropped) - others, others, sent: per('sent'), syncs: per('syncs'),
    kernel: per('kernel_drops'), spared: per('spared_writes'), bindings: is.bindings,
    p50: quantile(was.latency, is.latency, 0.5), p99: quantile(was.latency, is.latency, 0.99),
    s50: quantile(was.sync_latency, is.sync_latency, 0.5), s99: quantile(was.sync_latency, is.sync_latency, 0.99),
  };
}

/** totals is counters since the node's start, the largest first. */
export const totals = (counts) => ({all: sum(counts), by: Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1])});
