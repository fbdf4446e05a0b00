package e2e

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// How the kill test loads the server. A client that got no answer asks again after loadPatience, and gives up after
// the time that a restart may take.
const (
	loadWorkers  = 64
	loadPatience = 250 * time.Millisecond
	killRounds   = 24
	// A round's kill comes after this many Replies or fewer: at once in every second round, for the write behind
	// that Reply is then the youngest that there is; else at a moment of its own.
	repliesPerRound = 600
)

// A ledger holds what the clients were told, by client number.
type ledger struct {
	mu    sync.Mutex
	told  map[uint32]Lease
	by    map[netip.Prefix]uint32 // whose each lease is
	count atomic.Int64            // Replies received
	wrong []string

	trap   int64  // with the Reply of this number spring is called, before anything else happens; guarded by mu
	spring func() // guarded by mu
}

// set makes a trap for the Reply that comes after so many others.
func (b *ledger) set(others int64, spring func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trap, b.spring = b.count.Load()+others+1, spring
}

// note records a Reply. Whoever was told something else before, or was told what is another's, is written down.
func (b *ledger) note(n uint32, l Lease) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count.Add(1) == b.trap {
		b.spring()
	}
	if old, known := b.told[n]; known && (old.Address != l.Address || old.Prefix != l.Prefix) {
		b.wrong = append(b.wrong, "a client was told "+old.String()+" and then "+l.String())
	}
	for _, p := range l.both() {
		if holder, taken := b.by[p]; taken && holder != n {
			b.wrong = append(b.wrong, p.String()+" was given to two clients")
		}
		b.by[p] = n
	}
	b.told[n] = l
}

func (l Lease) both() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(l.Address, 128), l.Prefix}
}

func (l Lease) String() string { return l.Address.String() + " and " + l.Prefix.String() }

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
	book := &ledger{told: map[uint32]Lease{}, by: map[netip.Prefix]uint32{}}
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
	book.mu.Lock()
	l, known := book.told[n]
	book.mu.Unlock()
	if known {
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
	numbers := make(chan uint32)
	before := book.count.Load()
	var workers sync.WaitGroup
	for range loadWorkers {
		workers.Go(func() {
			for n := range numbers {
				renew(t, agent, book, n)
			}
		})
	}
	book.mu.Lock()
	var all []uint32
	for n := range book.told {
		all = append(all, n)
	}
	book.mu.Unlock()
	for _, n := range all {
		numbers <- n
	}
	close(numbers)
	workers.Wait()
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
	listed := map[netip.Prefix]string{}
	lines := bufio.NewScanner(strings.NewReader(s.Command("leases", "list", "--data", s.Data(), "--format", "json")))
	for lines.Scan() {
		var l struct{ Lease, State, DUID string }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("leases list: %v in %s", err, lines.Text())
		}
		if l.State == "bound" {
			listed[parseLease(t, l.Lease)] = strings.ReplaceAll(l.DUID, ":", "")
		}
	}
	lost := 0
	for p, n := range told {
		want := hex.EncodeToString((&Agent{}).Client("::", n).DUID().ToBytes())
		if got := listed[p]; got != want {
			if lost++; lost <= 10 {
				t.Errorf("%v of client %s is listed for %q", p, want, got)
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d leases that clients were told of are lost", lost, len(told))
	}
}

// parseLease reads an address or a prefix.
func parseLease(t *testing.T, text string) netip.Prefix {
	t.Helper()
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, 128)
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
