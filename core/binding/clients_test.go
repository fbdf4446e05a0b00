package binding

import (
	"slices"
	"sync"
	"testing"
)

// TestClientIndexHandover has goroutines take few leases from one another for few clients. At the end each record is
// found by its client, and no stale entry is left (audit).
func TestClientIndexHandover(t *testing.T) {
	const workers, leases, rounds, runs = 4, 3, 300, 60
	for range runs {
		table := newTable(t, Options{Capacity: leases, ExtensionBytes: 1, Seed: 2, buckets: 1})
		var wg sync.WaitGroup
		for range workers {
			h, rng := table.NewHandle(), seeded(t)
			wg.Go(func() {
				for range rounds {
					h.Enter()
					d := numberedDraft(rng.Uint64N(leases))
					d.IAID, d.DUID = rng.Uint32N(2), numberedDUID(0)
					if rng.IntN(4) == 0 {
						d.IAID, d.Flags = 0, FlagAnonymous
					}
					if old := h.Find(&d.Key); old != nil && rng.IntN(3) == 0 {
						h.Remove(old)
					} else {
						h.Publish(old, &d)
					}
					h.Leave()
				}
				h.Close()
			})
		}
		wg.Wait()
		audit(t, table)
		if t.Failed() {
			return
		}
	}
}

// TestClientIndexKeepsEntry has one goroutine publish a lease for its client and look the client up at once, while
// others take the lease over as soon as it is released, and remove one another's: their late clean-ups must not
// hide the lease from the client that has it again.
func TestClientIndexKeepsEntry(t *testing.T) {
	const others, rounds = 3, 20000
	table := newTable(t, Options{Capacity: 4, ExtensionBytes: 1, Seed: 3, buckets: 1})
	own := numberedDraft(1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range uint64(others) {
		h := table.NewHandle()
		wg.Go(func() {
			defer h.Close()
			d := own
			d.DUID = numberedDUID(100 + i)
			for {
				select {
				case <-stop:
					return
				default:
				}
				h.Enter()
				switch old := h.Find(&d.Key); {
				case old == nil:
				case old.State() == Released:
					h.Publish(old, &d)
				case !old.Belongs(own.DUID, own.Kind, own.IAID):
					h.Remove(old) // perhaps while the one who took it over still cleans up behind our own client
				}
				h.Leave()
			}
		})
	}
	h := table.NewHandle()
	var found []*Record
	for round, had := 0, 0; round < rounds; {
		h.Enter()
		d := own
		old := h.Find(&d.Key)
		if old != nil && old.State() == Bound {
			h.Leave() // another client's, for a moment
			continue
		}
		r, outcome := h.Publish(old, &d)
		if outcome == Published {
			had++
			found = h.FindClient(d.DUID, d.Kind, d.IAID, found[:0])
			if len(found) != 1 || found[0] != r {
				t.Errorf("round %d: published, and the client's leases are %v", round, found)
			}
			d.State = Released
			for outcome = Full; outcome == Full; { // while another handle, without a processor, stays in its batch
				_, outcome = h.Publish(r, &d)
			}
			if outcome != Published {
				t.Errorf("round %d: release: want published, got %v", round, outcome)
			}
		}
		round++
		h.Leave()
	}
	close(stop)
	wg.Wait()
	h.Close()
	audit(t, table)
}

// TestFindClientMany has one client hold several leases.
func TestFindClientMany(t *testing.T) {
	table := newTable(t, Options{Capacity: 100, Seed: 4})
	h := table.NewHandle()
	defer h.Close()
	h.Enter()
	want := map[Key]bool{}
	for n := range uint64(20) {
		d := numberedDraft(n)
		d.DUID, d.IAID = numberedDUID(7), uint32(n%2)
		mustPublish(t, h, nil, &d)
		if n%2 == 0 {
			want[d.Key] = true
		}
	}
	front := h.Find(&Key{}) // what stands in the slice already stays
	got := h.FindClient(numberedDUID(7), 1, 0, []*Record{front})
	if len(got) != 1+len(want) || got[0] != front {
		t.Fatalf("want %d leases behind what was there, got %d", len(want), len(got))
	}
	for _, r := range got[1:] {
		if !want[r.Key()] {
			t.Errorf("%v isn't the client's, or stands twice", r.Key())
		}
		delete(want, r.Key())
	}
	if got := h.FindClient(make([]byte, MaxDUID+1), 1, 0, nil); !slices.Equal(got, nil) {
		t.Errorf("a DUID that is too long has leases: %v", got)
	}
	h.Leave()
	audit(t, table)
}
