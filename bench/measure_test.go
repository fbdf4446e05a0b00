package bench

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/measure"
	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/bench/node"
	"github.com/lockstep6/lockstep6/core/wire"
)

// words takes what a measurement says.
type words struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// smallMeasurement is one of a node that runs in this process.
func smallMeasurement(t *testing.T, server netip.AddrPort, mix load.Mix) (measure.Options, *words) {
	t.Helper()
	p, err := meter.Open(os.Getpid(), server.Port())
	if err != nil {
		t.Fatal(err)
	}
	out := new(words)
	return measure.Options{
		Clients: load.Config{Clients: 50, Servers: []netip.AddrPort{server}, Relays: relays, Window: window, LinkAddress: node.Link, Prefixes: true},
		Offer:   load.Offer{Rate: 300, For: 200 * time.Millisecond, Mix: mix, Patience: 40 * time.Second, Resend: true},
		Server:  []*meter.Process{p}, Out: out,
	}, out
}

// TestMeasure: a node under a mix of everything, with its store.
func TestMeasure(t *testing.T) {
	o, out := smallMeasurement(t, serve(t, openStore(t), 1<<12), load.Mix{load.Acquire: 1, load.Renew: 3, load.Release: 1, load.Ask: 1})
	var s *measure.Step
	for tries := 0; tries < 20 && (s == nil || s.Skipped > 0); tries++ { // where the machine stands still too little is begun
		r, err := measure.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		s = r.Best()
	}
	if s.Offered != 60 || s.Done != s.Begun || s.Loss != float64(s.Skipped)/60 || len(s.Tasks) != 4 {
		t.Errorf("%+v: want 60 exchanges of four kinds, and those that began done", s)
	}
	if s.Server == nil || s.Server.RSS == 0 || s.Latency.Max == 0 {
		t.Errorf("server %+v, latency %+v", s.Server, s.Latency)
	}
	if !strings.Contains(out.String(), "50 clients have leases") {
		t.Errorf("it says %q", out)
	}
}

// TestMeasureRamp: a ramp that hasn't found its end when its time is over.
func TestMeasureRamp(t *testing.T) {
	o, out := smallMeasurement(t, serve(t, node.Memory{}, 1<<12), load.Only(load.Ask))
	o.Offer.Rate, o.Offer.For = 50, 100*time.Millisecond
	o.Ramp = &measure.RampOptions{MaxLoss: 0.5, Limit: 350 * time.Millisecond}
	r, err := measure.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ramp.Limit != measure.ByTime || len(r.Steps) < 1 || !strings.HasPrefix(out.String(), "50/s: done ") {
		t.Errorf("%+v, %d steps; it says %q", r.Ramp, len(r.Steps), out)
	}
}

// TestMeasureSilence: a server that answers the trial and nothing after it. A ramp goes down as far as its time lets it.
func TestMeasureSilence(t *testing.T) {
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var silent atomic.Bool
	go func() {
		b := make([]byte, 2048)
		for {
			size, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if !silent.Load() {
				_, _ = conn.WriteToUDPAddrPort(answer(nil, b[:size]), from)
			}
		}
	}()
	o, out := smallMeasurement(t, conn.LocalAddr().(*net.UDPAddr).AddrPort(), load.Only(load.Ask))
	o.Clients.Prefixes, o.Offer.Patience, o.Offer.Rate, o.Offer.For = false, 50*time.Millisecond, 60, 100*time.Millisecond
	o.Ramp = &measure.RampOptions{MaxLoss: 0.01, Limit: 400 * time.Millisecond}
	o.Ready = func() error { silent.Store(true); return nil }
	if r, err := measure.Run(t.Context(), o); err != nil || r.Best() != nil || len(r.Steps) < 1 || !strings.Contains(out.String(), "not held") {
		t.Errorf("%v, %+v; it says %q", err, r, out)
	}
}

// TestMeasureInterrupted: what was done until then is told.
func TestMeasureInterrupted(t *testing.T) {
	o, _ := smallMeasurement(t, serve(t, node.Memory{}, 1<<12), load.Only(load.Ask))
	o.Offer.For = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	o.Out = writerFunc(func(b []byte) { // a second is over, in which something was done
		if line := string(b); strings.Contains(line, "offered 300/s") && !strings.Contains(line, "done 0/s") {
			cancel()
		}
	})
	r, err := measure.Run(ctx, o)
	if !errors.Is(err, measure.ErrInterrupted) || r == nil || !r.Interrupted || len(r.Steps) != 1 || r.Steps[0].Done == 0 || r.Steps[0].Seconds > 60 {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestMeasuredProcessEnds: what was done until then is told.
func TestMeasuredProcessEnds(t *testing.T) {
	cat := exec.Command("cat")
	input, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Fatal(err)
	}
	o, _ := smallMeasurement(t, serve(t, node.Memory{}, 1<<12), load.Only(load.Acquire))
	o.Offer.For = 2 * time.Second // something is begun, though the machine stands still for a moment
	p, err := meter.Open(cat.Process.Pid, 547)
	if err != nil {
		t.Fatal(err)
	}
	o.Server = []*meter.Process{p}
	end := sync.OnceFunc(func() {
		_ = input.Close()
		_ = cat.Wait()
	})
	defer end()
	o.Clients.Heard = func(a *load.Answer) {
		if a.Type == wire.Reply {
			end()
		}
	}
	r, err := measure.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "there is no process") || r == nil || !r.Interrupted || len(r.Steps) != 1 || r.Steps[0].Done == 0 {
		t.Errorf("%v, %+v", err, r)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

// TestMeasureNobody: no answer at all, and one that offers nothing.
func TestMeasureNobody(t *testing.T) {
	silent, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	o, _ := smallMeasurement(t, silent.LocalAddr().(*net.UDPAddr).AddrPort(), load.Only(load.Ask))
	if r, err := measure.Run(t.Context(), o); err == nil || r != nil || !strings.Contains(err.Error(), "no answer at all") {
		t.Errorf("%v, %v", r, err)
	}
	for want, spoil := range map[string]func(*measure.Options){
		"relays: must be":        func(o *measure.Options) { o.Clients.Relays = 0 },
		"neither an address":     func(o *measure.Options) { o.Clients.Prefixes, o.Clients.NoAddresses = false, true },
		"a rate of":              func(o *measure.Options) { o.Offer.Rate = -1 },
		"a ramp up to a loss":    func(o *measure.Options) { o.Ramp = &measure.RampOptions{Limit: time.Hour} },
		"time for one step":      func(o *measure.Options) { o.Ramp = &measure.RampOptions{MaxLoss: 0.1} },
		"needs a source address": func(o *measure.Options) { o.Clients.SourcePort = 547 },
		"not an IPv6 address and": func(o *measure.Options) {
			o.Clients.Servers = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:547")}
		},
	} {
		bad := o
		spoil(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
