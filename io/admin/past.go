package admin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// What is kept of a node's rates: the last minutes finely, the last hours coarsely. A Sample has some 200 octets with what it points to, so
// that both together have less than 200 KiB.
const (
	recentEvery = 2 * time.Second
	recentKept  = 60 // two minutes
	pastSpan    = 5  // of the recent ones in each of the past
	pastKept    = 720
)

// forPeer is the reason for which nothing is lost: what names another node is heard because relays copy it.
const forPeer = "for-peer"

// A Sample is what a node did in some seconds; rates are a second, times in seconds, null where nothing was done.
type Sample struct {
	Sequence    uint64    `json:"sequence"` // of the moment at which it ends, from 1 at the node's start
	At          time.Time `json:"at"`       // likewise
	Seconds     float64   `json:"seconds"`  // that it spans
	Answered    float64   `json:"answered"`
	Dropped     float64   `json:"dropped"` // without those for peers
	ForPeers    float64   `json:"for_peers"`
	Sent        float64   `json:"sent"`
	KernelDrops float64   `json:"kernel_drops"`
	Syncs       float64   `json:"syncs"`
	Spared      float64   `json:"spared_writes"`
	Bindings    uint64    `json:"bindings"` // at its end
	P50         *float64  `json:"latency_p50"`
	P99         *float64  `json:"latency_p99"`
	SyncP50     *float64  `json:"sync_p50"`
	SyncP99     *float64  `json:"sync_p99"`
}

// Rates is what a node did lately, the oldest first.
type Rates struct {
	Past     []Sample `json:"past"`     // ten seconds each, of the last two hours
	Recent   []Sample `json:"recent"`   // two seconds each, of the last two minutes
	Answered []Rate   `json:"answered"` // of the newest one, by type of message
	Dropped  []Rate   `json:"dropped"`  // likewise, by reason
}

// A Past keeps samples of a node from snapshots that it takes by itself. Its methods may be called at the same time.
type Past struct {
	mu             sync.Mutex
	sequence       uint64
	recent, past   []Sample
	newest         Activity
	before, origin snapshot // of the recent sample that comes, and of the past one
}

type snapshot struct {
	at    time.Time // with the monotonic clock: the wall clock may be set
	state State
}

// Run takes snapshots until the context ends.
func (p *Past) Run(ctx context.Context, state func() State) {
	ticker := time.NewTicker(recentEvery)
	defer ticker.Stop()
	for {
		p.take(time.Now(), state())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// take adds what happened since the last snapshot.
func (p *Past) take(at time.Time, state State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := snapshot{at, state}
	if p.before.at.IsZero() {
		p.before, p.origin = now, now
		return
	}
	p.sequence++
	p.newest = Between(&p.before.state, &now.state, at.Sub(p.before.at))
	p.recent = keep(p.recent, recentKept, p.sample(&p.newest, &p.before, &now))
	p.before = now
	if p.sequence%pastSpan == 0 {
		activity := Between(&p.origin.state, &now.state, at.Sub(p.origin.at))
		p.past = keep(p.past, pastKept, p.sample(&activity, &p.origin, &now))
		p.origin = now
	}
}

func (p *Past) sample(a *Activity, before, now *snapshot) Sample {
	s := Sample{
		Sequence: p.sequence, At: now.at.UTC().Truncate(time.Millisecond), Seconds: now.at.Sub(before.at).Seconds(), Sent: a.Sent, KernelDrops: a.KernelDrops,
		Syncs: a.Syncs, Spared: a.Spared, Bindings: now.state.Bindings,
		P50: a.Latency[0].known(), P99: a.Latency[1].known(), SyncP50: a.SyncLatency[0].known(), SyncP99: a.SyncLatency[1].known(),
	}
	for _, r := range a.Answered {
		s.Answered += r.Per
	}
	for _, r := range a.Dropped {
		if r.Name == forPeer {
			s.ForPeers = r.Per
		} else {
			s.Dropped += r.Per
		}
	}
	return s
}

func (q Quantile) known() *float64 {
	if !q.Known {
		return nil
	}
	return &q.Seconds
}

// keep adds a sample, and drops the oldest where there are so many.
func keep(all []Sample, most int, s Sample) []Sample {
	if len(all) == most {
		copy(all, all[1:])
		all = all[:most-1]
	}
	return append(all, s)
}

// Rates is what was taken after a sample.
func (p *Past) Rates(after uint64) Rates {
	p.mu.Lock()
	defer p.mu.Unlock()
	newer := func(all []Sample) []Sample {
		from := len(all)
		for from > 0 && all[from-1].Sequence > after {
			from--
		}
		return append([]Sample{}, all[from:]...)
	}
	return Rates{
		Past: newer(p.past), Recent: newer(p.recent), Answered: append([]Rate{}, p.newest.Answered...), Dropped: append([]Rate{}, p.newest.Dropped...),
	}
}

var rateRoutes = []route{{"GET", "/v1/rates", false, []string{"after"}, func(w http.ResponseWriter, r *http.Request, node Node) {
	after, ok := sequenceAfter(w, r)
	if ok {
		reply(w, http.StatusOK, node.Rates(after))
	}
}}}

// sequenceAfter is the parameter after, 0 where it isn't given; false: the request is answered.
func sequenceAfter(w http.ResponseWriter, r *http.Request) (after uint64, ok bool) {
	query := r.URL.Query()
	if !query.Has("after") {
		return 0, true
	}
	after, err := strconv.ParseUint(query.Get("after"), 10, 64)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("after=%q isn't a whole number", printable(query.Get("after"))), "give the sequence of the newest that you have, or leave it out")
		return 0, false
	}
	return after, true
}
