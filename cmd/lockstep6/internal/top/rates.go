package top

import (
	"cmp"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

// A rate is how often something happened in a second.
type rate struct {
	name string
	per  float64
}

// rates compares two sets of counters: what happened between them, the most frequent first. What didn't is left out.
func rates(before, now map[string]uint64, between time.Duration) (all []rate) {
	for name, n := range now {
		if was := before[name]; n > was && between > 0 {
			all = append(all, rate{name, float64(n-was) / between.Seconds()})
		}
	}
	slices.SortFunc(all, func(a, b rate) int { return cmp.Or(cmp.Compare(b.per, a.per), cmp.Compare(a.name, b.name)) })
	return all
}

func sum(all []rate) (total float64) {
	for _, r := range all {
		total += r.per
	}
	return total
}

// perSecond is the rate of one counter; a node that was restarted counts from 0 again.
func perSecond(before, now uint64, between time.Duration) float64 {
	if now < before || between <= 0 {
		return 0
	}
	return float64(now-before) / between.Seconds()
}

// upTo is how many of a histogram took at most so long.
func upTo(l *admin.Latency, bound float64) (n uint64) {
	for i := range l.Buckets {
		if l.Buckets[i].Bound <= bound {
			n = max(n, l.Buckets[i].Count)
		}
	}
	return n
}

// quantile is the time, in seconds, within which a share of what happened between two histograms was done: the bound of the
// bucket that it falls into. Beyond: it took longer than the last bound, which is returned. False: nothing happened.
func quantile(before, now *admin.Latency, share float64) (seconds float64, beyond, ok bool) {
	if now.Count <= before.Count || len(now.Buckets) == 0 {
		return 0, false, false
	}
	wanted := share * float64(now.Count-before.Count)
	for i := range now.Buckets {
		b := &now.Buckets[i]
		seconds = b.Bound
		if was := upTo(before, b.Bound); b.Count > was && float64(b.Count-was) >= wanted {
			return seconds, false, true
		}
	}
	return seconds, true, true
}
