package daemon

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
)

const oneLink = `
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
history: {keep: 400d}
log: {leases: false}
listen: {workers: 1, addresses: ["[::1]:10547"]}
`

const twoNodes = `
cluster:
  id: ` + clusterID + `
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  nodes: [{name: a}, {name: b}]
` + oneLink

// openNode opens a node of a configuration in a data folder; it listens at a free port unless it is told where.
func openNode(t *testing.T, text, node, data string, listen netip.AddrPort) *Daemon {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lockstep6.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), Options{
		ConfigFile: file, Node: node, Data: data, Listen: []netip.AddrPort{listen},
		Logger: slog.New(slog.DiscardHandler), Level: new(slog.LevelVar),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// freePort is a port of ::1 that is free for UDP and TCP. The kernel gives nobody's sockets one of these, who asks for any: it stays free until it is opened.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	var problem error
	for range 1000 {
		at := netip.AddrPortFrom(netip.IPv6Loopback(), uint16(firstPort+ports.Add(1)%(lastPort-firstPort)))
		c, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(at))
		if err == nil {
			_ = c.Close()
			var l net.Listener
			if l, err = net.Listen("tcp6", at.String()); err == nil {
				_ = l.Close()
				return at
			}
		}
		problem = err
	}
	t.Fatal(problem)
	return netip.AddrPort{}
}

const firstPort, lastPort = 10000, 32000

// ports are numbers to be tried next.
var ports atomic.Uint32

func init() { ports.Store(rand.Uint32N(lastPort - firstPort)) }

// shortDir is a folder whose sockets' paths aren't too long.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "l6-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// A node of a cluster that starts with an old copy takes the back seat: it may have granted leases since, and peers others. With a
// copy of a moment ago it needn't.
func TestRestoredNodeTakesTheBackSeat(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		want bool
	}{"old": {time.Hour, true}, "new": {0, false}} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			s, err := store.Open(store.Options{Path: filepath.Join(dir, "a")})
			if err != nil {
				t.Fatal(err)
			}
			beat := binding.TimeOf(time.Now().Add(-c.age).Unix())
			if err := s.PutMeta(t.Context(), metaHeartbeat, binary.BigEndian.AppendUint32(nil, uint32(beat))); err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(dir, "copy")
			if _, err := s.Backup(copied, nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(dir, "new")
			r, err := Restore(t.Context(), copied, data, nil, nil)
			if err != nil || r.Served.Unix() != beat.Unix() || !r.Newest.IsZero() {
				t.Fatalf("%+v, %v", r, err)
			}
			d := openNode(t, twoNodes, "a", data, freePort(t))
			defer func() {
				if err := d.closeAll(); err != nil {
					t.Error(err)
				}
			}()
			now := worker.Time(d.clock())
			view := d.site.Load().View
			if got := view.Gate.BackSeat(now); got != c.want {
				t.Errorf("back seat %v, want %v", got, c.want)
			}
			if len(view.Gate.Listening(now)) != 1 {
				t.Error("it doesn't listen")
			}
		})
	}
}

// runUntil serves until stop.
func runUntil(t *testing.T, d *Daemon) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func leasesOf(d *Daemon) (all []string) {
	for _, l := range d.operator.Leases(context.Background(), admin.Filter{Live: true}, admin.Position{}) {
		all = append(all, l.Lease+" "+l.DUID)
	}
	slices.Sort(all)
	return all
}

// A single node that starts with a copy from before it granted leases extends them at their Renew: it computes them again.
func TestRestoredSingleNodeExtendsWhatItComputes(t *testing.T) {
	dir, at := shortDir(t), freePort(t)
	first := openNode(t, oneLink, "", filepath.Join(dir, "first"), at)
	stop := runUntil(t, first)
	copied := filepath.Join(dir, "copy")
	if _, err := first.operator.Backup(t.Context(), copied, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	g, err := load.Open(load.Config{
		Clients: 20, Servers: []netip.AddrPort{at}, Relays: 1, Window: 8, Prefixes: true,
		LinkAddress: netip.MustParseAddr("2001:db8:1::1"), InterfaceID: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	ask := func(task load.Task) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if report, err := g.Run(ctx, load.Job{Task: task}); err != nil || report.Failed > 0 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	ask(load.Acquire)
	want := leasesOf(first)
	stop()
	data := filepath.Join(dir, "second")
	if r, err := Restore(t.Context(), copied, data, nil, nil); err != nil || r.Leases != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	second := openNode(t, oneLink, "", data, at)
	stop = runUntil(t, second)
	defer stop()
	if got := leasesOf(second); len(got) != 0 || len(want) != 40 {
		t.Fatalf("%d leases before, %d in the copy", len(want), len(got))
	}
	ask(load.Renew)
	if diff := cmp.Diff(want, leasesOf(second)); diff != "" {
		t.Errorf("(-before the loss +after the Renews):\n%s", diff)
	}
}
