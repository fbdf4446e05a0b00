package admin

import (
	"cmp"
	"slices"
	"time"
)

// A Rate is how often something happened in a second.
type Rate struct {
	Name string  `json:"name"`
	Per  float64 `json:"per_second"`
}

// A Quantile is the time within which a share of something was done: the bound of the histogram's bucket that it falls into.
type Quantile struct {
	Seconds float64
	Beyond  bool // it took longer than the last bound, which Seconds is
	Known   bool // anything was done
}

// An Activity is what a node did between two snapshots, a second where nothing else is said.
type Activity struct {
	Answered, Dropped                []Rate // by type, by reason; the most frequent first, without what didn't happen
	Sent, KernelDrops, Syncs, Spared float64
	Latency, SyncLatency             [2]Quantile // the median and 99 %
}

// Between compares two snapshots of one start of a node, so long apart. Where the time is 0 nothing happened.
func Between(before, now *State, apart time.Duration) Activity {
	per := func(was, is uint64) float64 {
		if is <= was || apart <= 0 {
			return 0
		}
		return float64(is-was) / apart.Seconds()
	}
	a := Activity{
		Answered: rates(before.Answered, now.Answered, per), Dropped: rates(before.Dropped, now.Dropped, per), Sent: per(before.Sent, now.Sent),
		KernelDrops: per(before.KernelDrops, now.KernelDrops), Syncs: per(before.Syncs, now.Syncs), Spared: per(before.Spared, now.Spared),
	}
	for i, share := range []float64{0.5, 0.99} {
		a.Latency[i] = quantile(&before.Latency, &now.Latency, share)
		a.SyncLatency[i] = quantile(&before.SyncLatency, &now.SyncLatency, share)
	}
	return a
}

func rates(before, now map[string]uint64, per func(was, is uint64) float64) []Rate {
	all := []Rate{}
	for name, n := range now {
		if p := per(before[name], n); p > 0 {
			all = append(all, Rate{name, p})
		}
	}
	slices.SortFunc(all, func(a, b Rate) int { return cmp.Or(cmp.Compare(b.Per, a.Per), cmp.Compare(a.Name, b.Name)) })
	return all
}

// upTo is how many of a histogram took at most so long.
func upTo(l *Latency, bound float64) (n uint64) {
	for i := range l.Buckets {
		if l.Buckets[i].Bound <= bound {
			n = max(n, l.Buckets[i].Count)
		}
	}
	return n
}

func quantile(before, now *Latency, share float64) (q Quantile) {
	if now.Count <= before.Count || len(now.Buckets) == 0 {
		return q
	}
	q.Known = true
	wanted := share * float64(now.Count-before.Count)
	for i := range now.Buckets {
		b := &now.Buckets[i]
		q.Seconds = b.Bound
		if was := upTo(before, b.Bound); b.Count > was && float64(b.Count-was) >= wanted {
			return q
		}
	}
	q.Beyond = true
	return q
}
