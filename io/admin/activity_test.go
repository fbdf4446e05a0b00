package admin

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func buckets(counts ...uint64) (l Latency) {
	for i, n := range counts {
		l.Buckets = append(l.Buckets, LatencyBucket{Bound: 0.001 * float64(int(1)<<i), Count: n})
		l.Count = n
	}
	return l
}

func TestQuantile(t *testing.T) {
	before := buckets(5, 10, 10)
	sparse := Latency{Count: 20, Buckets: []LatencyBucket{{Bound: 0.004, Count: 20}}}
	above := buckets(5, 10, 10)
	above.Count = 20
	for name, tt := range map[string]struct {
		now   Latency
		share float64
		want  string
	}{
		"nothing new":            {before, 0.5, "0 false false"},
		"no histogram":           {Latency{Count: 99}, 0.5, "0 false false"},
		"all in one bucket":      {buckets(5, 20, 20), 0.99, "0.002 false true"},
		"half in each":           {buckets(5, 15, 20), 0.5, "0.002 false true"},
		"the slower half":        {buckets(5, 15, 20), 0.51, "0.004 false true"},
		"empty buckets left out": {sparse, 0.5, "0.004 false true"},
		"beyond the last bound":  {above, 0.5, "0.004 true true"},
	} {
		q := quantile(&before, &tt.now, tt.share)
		if got := fmt.Sprint(q.Seconds, q.Beyond, q.Known); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestBetween: rates follow from two snapshots and their time apart, and nothing from no time.
func TestBetween(t *testing.T) {
	before := State{Answered: map[string]uint64{"Renew": 10, "Solicit": 4}, Dropped: map[string]uint64{"for-peer": 1}, Syncs: 9}
	now := State{Answered: map[string]uint64{"Renew": 30, "Solicit": 4, "Request": 2}, Dropped: map[string]uint64{"for-peer": 1}, Sent: 6, Syncs: 3}
	a := Between(&before, &now, 2*time.Second)
	if diff := cmp.Diff([]Rate{{"Renew", 10}, {"Request", 1}}, a.Answered); diff != "" {
		t.Error(diff)
	}
	if len(a.Dropped) != 0 || a.Sent != 3 || a.Syncs != 0 {
		t.Errorf("%+v", a)
	}
	if a = Between(&before, &now, 0); len(a.Answered) != 0 || a.Sent != 0 {
		t.Errorf("in no time: %+v", a)
	}
}

// TestPast: samples have what happened in them, each fifth recent one ends one of the past, and what is kept is bounded.
func TestPast(t *testing.T) {
	var p Past
	at := time.Unix(1e9, 0)
	const looks = pastKept*pastSpan + 50
	for n := range uint64(looks + 1) {
		p.take(at, State{
			Bindings: n, Answered: map[string]uint64{"Renew": 8 * n}, Dropped: map[string]uint64{"for-peer": 6 * n, "no-link": 4 * n}, Syncs: 2 * n, Latency: buckets(3*n, 4*n),
		})
		at = at.Add(recentEvery)
		if n == 0 && len(p.Rates(0).Recent) != 0 {
			t.Error("one snapshot makes a sample")
		}
	}
	r := p.Rates(0)
	if len(r.Recent) != recentKept || cap(p.recent) > 2*recentKept || len(r.Past) != pastKept || cap(p.past) > 2*pastKept {
		t.Errorf("%d recent ones of %d, %d past of %d", len(r.Recent), cap(p.recent), len(r.Past), cap(p.past))
	}
	one, two := 0.001, 0.002
	want := Sample{Sequence: looks, At: at.Add(-recentEvery).UTC(), Seconds: 2, Answered: 4, Dropped: 2, ForPeers: 3, Syncs: 1, Bindings: looks, P50: &one, P99: &two}
	if diff := cmp.Diff(want, r.Recent[recentKept-1]); diff != "" {
		t.Error(diff)
	}
	want.Seconds = 10
	if diff := cmp.Diff(want, r.Past[pastKept-1]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Rate{{"for-peer", 3}, {"no-link", 2}}, r.Dropped); diff != "" {
		t.Error(diff)
	}
	if r = p.Rates(looks - 5); len(r.Recent) != 5 || len(r.Past) != 1 || r.Recent[0].Sequence != looks-4 {
		t.Errorf("after the last five: %d recent, %d past", len(r.Recent), len(r.Past))
	}
	if r = p.Rates(looks); r.Recent == nil || r.Past == nil || len(r.Recent)+len(r.Past) != 0 || len(r.Answered) != 1 {
		t.Errorf("after all: %+v", r)
	}
}

// TestPastRuns: snapshots are taken until the context ends.
func TestPastRuns(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var p Past
	n := 0
	p.Run(ctx, func() State {
		if n++; n == 2 {
			cancel()
		}
		return State{}
	})
	if r := p.Rates(0); n < 2 || len(r.Recent) != n-1 || r.Recent[0].Seconds <= 0 {
		t.Errorf("%d snapshots, %+v", n, r)
	}
}
