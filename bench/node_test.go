package bench

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/udp"
	"github.com/lockstep6/lockstep6/store"
)

const settings = node.Settings + node.Addresses + node.Prefixes

// cached are the same with renewals in the first half of T1 answered from memory.
const cached = "store: {renew-cache: 0.5}\n" + settings

func newCore(tb testing.TB, text string, capacity int) *node.Core {
	tb.Helper()
	c, err := node.New(text, capacity)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

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
			ID: i, Socket: sockets.Worker(i), Journal: journal, Engine: engine.New(o.Table.NewHandle(), o.Marks),
			Marks: o.Marks, Site: &o.Site, Clock: clock, Wall: func() int64 { return time.Now().UnixNano() },
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
