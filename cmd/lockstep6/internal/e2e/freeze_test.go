package e2e

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// How long the disk takes nothing, at least, and how many clients have leases before, and come meanwhile.
const (
	frozenFor     = 10 * time.Second
	frozenSettled = 32
	frozenComing  = 64
)

// TestDiskThatHangs has each write to the server's disk, and each sync, wait for ten seconds and longer, until the node says that it isn't ready: the file system is frozen.
// Nobody is told of a lease meanwhile, but for a renewal that needs no write, until the node isn't ready; who asks for none is answered throughout. When the disk goes on, so does
// the same process, without a hand: clients that came meanwhile have leases, all others keep theirs, and the store lists what each was told.
func TestDiskThatHangs(t *testing.T) {
	// Not beside other tests, as TestPowerCut.
	h := NewLab(t).Host("server")
	disk := newDisk(t, h.File("disk.img"), h.File("data"))
	s, agent := h.Serve(onLoopback+"store: {renew-cache: 0.25}\n"), h.Agent(ownServer)
	book := newLedger()
	settled, coming := numbers(1, frozenSettled), numbers(1000, frozenComing)
	every(loadWorkers, settled, func(n uint32) {
		exchange(t, agent, book, n, func(c *OwnClient) (Lease, error) { return c.Acquire(loadPatience) })
	})
	if len(book.told) != frozenSettled {
		t.Fatalf("%d clients have leases, want %d", len(book.told), frozenSettled)
	}

	thaw := disk.freeze()
	frozen := time.Now()
	renewAll(t, agent, book) // by store.renew-cache
	before := book.count.Load()
	come := comeWhileFrozen(t, agent, book, coming, thaw)
	h.eventually("the server to be not ready", func() bool {
		code, words := s.get("/ready")
		return code == http.StatusServiceUnavailable && strings.Contains(string(words), "waiting for the disk")
	})
	t.Logf("not ready %v after the disk hung", time.Since(frozen).Round(time.Second))
	silentWhileFrozen(t, agent, book, settled[0])
	time.Sleep(max(0, frozenFor-time.Since(frozen)))
	if got := book.count.Load(); got != before {
		t.Errorf("%d clients were told of leases that can't be on the disk", got-before)
	}
	if code, _ := s.get("/live"); code != http.StatusOK {
		t.Errorf("/live answers %d", code)
	}
	thaw()

	h.eventually("the server to be ready again", func() bool {
		code, _ := s.get("/ready")
		return code == http.StatusOK
	})
	come()
	if len(book.told) != frozenSettled+frozenComing {
		t.Errorf("%d clients have leases, want %d", len(book.told), frozenSettled+frozenComing)
	}
	if !s.Running() {
		t.Error("the server has ended")
	}
	h.eventually("its log to tell that grants go on", func() bool {
		text, err := os.ReadFile(s.log) // all of it: grants are logged, too
		return err == nil && bytes.Contains(text, []byte("store-grants-stop")) && bytes.Contains(text, []byte("store-grants-resume"))
	})
	renewAll(t, agent, book)
	s.Signal(syscall.SIGKILL)
	s.Kill()
	wantListed(t, s, book)
	for _, w := range book.wrong {
		t.Error(w)
	}
}

func numbers(from, many uint32) (all []uint32) {
	for n := range many {
		all = append(all, from+n)
	}
	return all
}

// comeWhileFrozen has clients ask for leases until they have them; wait returns then.
func comeWhileFrozen(t *testing.T, agent *Agent, book *ledger, all []uint32, thaw func()) (wait func()) {
	var clients sync.WaitGroup
	var asked atomic.Int64
	for _, n := range all {
		clients.Go(func() {
			c := agent.Client("2001:db8:1::1", n)
			l, err := retry(time.Now().Add(2*patience), func() (Lease, error) {
				asked.Add(1)
				return c.Acquire(loadPatience)
			})
			if err != nil {
				t.Errorf("client %d: %v", n, err)
				return
			}
			book.note(n, l)
		})
	}
	t.Cleanup(func() {
		thaw()
		clients.Wait()
	})
	return func() {
		clients.Wait()
		t.Logf("%d clients asked %d times", len(all), asked.Load())
	}
}

// silentWhileFrozen looks what a node that isn't ready answers: a Confirm, which is about the link alone, and no Renew.
func silentWhileFrozen(t *testing.T, agent *Agent, book *ledger, n uint32) {
	t.Helper()
	l, _ := book.lease(n)
	c := agent.Client("2001:db8:1::1", n)
	if _, err := c.Renew(l, 4*repeatAfter); !errors.Is(err, errUnanswered) {
		t.Errorf("a Renew while the node isn't ready: %v, want no answer", err)
	}
	reply, err := c.Send(dhcpv6.MessageTypeConfirm, Lease{Address: l.Address}, patience)
	if err != nil {
		t.Fatalf("a Confirm while the node isn't ready: %v", err)
	}
	if got := status(reply.Options.Status()); got != iana.StatusSuccess {
		t.Errorf("a Confirm while the node isn't ready: status %v", got)
	}
}

// freeze has all that writes to the disk, and syncs it, wait for thaw.
func (d *powerDisk) freeze() (thaw func()) {
	d.t.Helper()
	d.run("fsfreeze", "--freeze", d.path)
	thaw = sync.OnceFunc(func() {
		if out, err := exec.Command("fsfreeze", "--unfreeze", d.path).CombinedOutput(); err != nil {
			d.t.Errorf("thawing %s: %v\n%s", d.path, err, out)
		}
	})
	d.t.Cleanup(thaw)
	return thaw
}
