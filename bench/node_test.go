package bench

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp"
	"github.com/lockstep6/lockstep6/store"
)

const settings = `
listen: {addresses: ["[::1]:10547"]}
options: {dns-servers: ["2001:db8::53"]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/33", length: 64}]
`

// cached are the same with renewals in the first half of T1 answered from memory.
const cached = "store: {renew-cache: 0.5}\n" + settings

var (
	serverID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	link     = netip.MustParseAddr("2001:db8:1::1")
)

// A core is what all workers of a node share.
type core struct {
	table *binding.Table
	marks *engine.Marks
	site  atomic.Pointer[engine.Site]
}

func newCore(tb testing.TB, text string, capacity int) *core {
	tb.Helper()
	c, faults := config.Parse("bench.yaml", []byte(text))
	if len(faults) > 0 {
		tb.Fatal(faults)
	}
	p, err := policy.Compile(c, policy.Input{SingleDUID: serverID})
	if err != nil {
		tb.Fatal(err)
	}
	o := &core{marks: new(engine.Marks)}
	if o.table, err = binding.New(binding.Options{Capacity: capacity}); err != nil {
		tb.Fatal(err)
	}
	h := o.table.NewHandle()
	defer h.Close()
	site, err := engine.NewSite(p, engine.NewView(p, engine.Memory{}, capacity), h, o.table.Shards())
	if err != nil {
		tb.Fatal(err)
	}
	o.site.Store(site)
	return o
}

// memory is a journal whose writes are durable at once.
type memory struct{}

func (memory) Append(w *worker.Write) { w.Done <- w }

func (memory) Healthy() bool { return true }

func openStore(tb testing.TB) *store.Store {
	tb.Helper()
	s, err := store.Open(store.Options{Path: tb.TempDir(), Ballast: -1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// serve runs a node as the daemon does, and returns where: workers, sockets on loopback, and the journal.
func serve(tb testing.TB, journal worker.Journal, capacity int) netip.AddrPort {
	tb.Helper()
	return serveAs(tb, settings, journal, capacity)
}

// serveAs is serve with another configuration.
func serveAs(tb testing.TB, text string, journal worker.Journal, capacity int) netip.AddrPort {
	tb.Helper()
	o, sockets := newCore(tb, text, capacity), openSockets(tb)
	start := time.Now()
	wall := start.UnixNano()
	clock := func() int64 { return wall + int64(time.Since(start)) }
	var running sync.WaitGroup
	for i := range runtime.GOMAXPROCS(0) {
		w := worker.New(worker.Options{
			ID: i, Socket: sockets.Worker(i), Journal: journal, Engine: engine.New(o.table.NewHandle(), o.marks),
			Marks: o.marks, Site: &o.site, Clock: clock, Wall: func() int64 { return time.Now().UnixNano() },
		})
		running.Go(func() { run(tb, w.Run) })
		running.Go(func() { w.Deliver(nil) })
	}
	tb.Cleanup(func() {
		sockets.Drain()
		running.Wait()
	})
	return sockets.Addresses()[0]
}

func openSockets(tb testing.TB) *udp.Server {
	tb.Helper()
	s, err := udp.Open(udp.Config{
		Workers: runtime.GOMAXPROCS(0), Addresses: []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Loopback(), 0)}, Urgency: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// run runs a socket's loop on a thread of its own, because Receive blocks in the kernel.
func run(tb testing.TB, loop func() error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := loop(); !errors.Is(err, net.ErrClosed) {
		tb.Error(err)
	}
}
