package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/takeover"
)

// TestTakeover: when one of two nodes dies, all clients keep their address and prefix at the other: by a Rebind, and by a
// Solicit too. `make takeover` tells the same of more clients, and of other servers.
func TestTakeover(t *testing.T) {
	for _, event := range takeover.Events() {
		if event.Deaf {
			continue // what a node that heard nothing can't verify it doesn't extend
		}
		for _, contender := range takeover.Contenders() {
			if contender.Server != takeover.Lockstep6 {
				continue
			}
			t.Run(event.Title+"/"+contender.Pools, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
				defer cancel()
				o := takeover.Options{
					// Requests that cross, of clients that ask for one lease, are told apart by the clients' first Renews.
					Pause:   10 * time.Millisecond,
					Clients: 100, Seed: 1, AskTimeout: time.Second, RebindTimeout: 1250 * time.Millisecond, Silence: patience,
					Lockstep6: program, Dir: "/dev/shm", // a node whose disk stalls hears less
				}
				tally, err := takeover.Run(ctx, &o, &contender, &event)
				if err != nil {
					t.Fatal(err)
				}
				if tally.Both != o.Clients {
					t.Errorf("want all clients to keep both leases, got %+v", tally)
				}
			})
		}
	}
}
