package e2e

import (
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// How the kill test loads the server. A client that got no answer sends its message again, begins anew after
// loadPatience, and gives up after the time that a restart may take.
const (
	loadWorkers  = 64
	loadPatience = 2 * time.Second
	killRounds   = 24
	// A round's kill comes after this many Replies or fewer: at once in every second round, for the write behind
	// that Reply is then the youngest that there is; else at a moment of its own.
	repliesPerRound = 600
)

// TestKillLosesNothing kills the server with SIGKILL again and again while clients get and renew leases. Every Reply
// that a client received must be found again: the killed server's store lists it, and a Renew gets the same lease. The
// store is asked first, and after each kill: the lease that a client lost is computed anew when it renews, and only
// where another got it meanwhile would the clients notice.
// SOAK=10m keeps it at that for longer.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	until := time.Now()
	if soak := os.Getenv("SOAK"); soak != "" {
		d, err := time.ParseDuration(soak)
		if err != nil {
			t.Fatalf("SOAK: %v", err)
		}
		until = until.Add(d)
	}
	s, agent := newLoopback(t)
	book := newLedger()
	stop := load(t, agent, book)
	began := time.Now()
	rounds := 0
	for ; rounds < killRounds || time.Now().Before(until); rounds++ {
		due, atOnce := make(chan struct{}), rounds%2 == 0
		book.set(dice.Int64N(repliesPerRound), func() {
			if atOnce {
				s.Signal(syscall.SIGKILL)
			}
			close(due)
		})
		select {
		case <-due:
		case <-time.After(patience):
			t.Fatal("no more Replies")
		}
		if !atOnce {
			time.Sleep(time.Duration(dice.Int64N(int64(5 * time.Millisecond)))) // an instant that no Reply picks
		}
		s.Kill()
		wantListed(t, s, book)
		if t.Failed() {
			return
		}
		s.Start()
	}
	stop()
	rate := float64(book.count.Load()) / time.Since(began).Seconds()
	t.Logf("%d clients were told %d times what they have, %.0f a second, over %d kills", len(book.told), book.count.Load(), rate, rounds)
	s.Kill()
	wantListed(t, s, book)
	s.Start()
	renewAll(t, agent, book)
	s.Stop()
	wantListed(t, s, book)
	for _, w := range book.wrong {
		t.Error(w)
	}
}

// load lets clients acquire leases and now and then renew one, until stop is called.
func load(t *testing.T, agent *Agent, book *ledger) (stop func()) {
	var workers sync.WaitGroup
	var next atomic.Uint32
	quit := make(chan struct{})
	for range loadWorkers {
		workers.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				n := next.Add(1)
				exchange(t, agent, book, n, func(c *OwnClient) (Lease, error) { return c.Acquire(loadPatience) })
				if n%4 == 0 {
					renew(t, agent, book, n/2)
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		close(quit)
		workers.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// renew renews a client's lease, if it has one by now.
func renew(t *testing.T, agent *Agent, book *ledger, n uint32) {
	if l, known := book.lease(n); known {
		exchange(t, agent, book, n, func(c *OwnClient) (Lease, error) { return c.Renew(l, loadPatience) })
	}
}

// exchange asks for a client until it is answered. Silence over the whole of a long restart is no loss.
func exchange(t *testing.T, agent *Agent, book *ledger, n uint32, ask func(*OwnClient) (Lease, error)) {
	c := agent.Client("2001:db8:1::1", n)
	l, err := retry(time.Now().Add(patience/4), func() (Lease, error) { return ask(c) })
	if err != nil {
		if !errors.Is(err, errUnanswered) {
			t.Errorf("client %d: %v", n, err)
		}
		return
	}
	book.note(n, l)
}

// renewAll renews every lease that was ever told; note compares.
func renewAll(t *testing.T, agent *Agent, book *ledger) {
	t.Helper()
	before := book.count.Load()
	all := book.clients()
	every(loadWorkers, all, func(n uint32) { renew(t, agent, book, n) })
	if got := book.count.Load() - before; got != int64(len(all)) {
		t.Errorf("%d of %d clients got an answer to their Renew", got, len(all))
	}
}

// wantListed compares the stopped server's store with the ledger.
func wantListed(t *testing.T, s *Server, book *ledger) {
	t.Helper()
	book.mu.Lock()
	told := maps.Clone(book.by)
	book.mu.Unlock()
	listed := s.stored()
	lost := 0
	for p, n := range told {
		want := Holding{DUID: hex.EncodeToString((&Agent{}).Client("::", n).DUID().ToBytes())}
		if got := listed[p]; got != want {
			if lost++; lost <= 10 {
				t.Errorf("%v of %+v is listed for %+v", p, want, got)
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d leases that clients were told of are lost", lost, len(told))
	}
}
