package bench

import (
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/node"
)

// The load of all benchmarks of whole exchanges: relays and exchanges under way.
const (
	relays = 2
	window = 256
)

// capacity is the table's: more than a benchmark of a few seconds has clients.
const capacity = 1 << 21

// BenchmarkExchange has b.N clients do one exchange each with one node, over sockets on loopback:
// ask is Solicit and Advertise; acquire is Solicit, Advertise, Request, Reply; renew is Renew and Reply.
//
// disk is the real thing: every Reply waits for stable storage. memory has a journal that does nothing, bare a server
// that decides nothing: the ceilings of what is above the store, and of sockets and load generator. cached is disk with
// store.renew-cache: the Renews come at once after the grants, so they need no write.
func BenchmarkExchange(b *testing.B) {
	for _, task := range []load.Task{load.Ask, load.Acquire, load.Renew} {
		b.Run(task.String()+"/disk", func(b *testing.B) {
			s := openStore(b)
			exchange(b, serve(b, s, capacity), task)
			if syncs := s.State().Syncs; syncs > 0 {
				b.ReportMetric(float64(b.N)/float64(syncs), "exchanges/sync")
			}
		})
		if task == load.Renew {
			b.Run(task.String()+"/cached", func(b *testing.B) { exchange(b, serveAs(b, cached, openStore(b), capacity), task) })
		}
		b.Run(task.String()+"/memory", func(b *testing.B) { exchange(b, serve(b, node.Memory{}, capacity), task) })
		b.Run(task.String()+"/bare", func(b *testing.B) { exchange(b, bare(b), task) })
	}
}

// exchange measures a task of b.N clients. Who renews has acquired before.
func exchange(b *testing.B, server netip.AddrPort, task load.Task) {
	b.Helper()
	g := openLoad(b, server, max(b.N, relays))
	only := func(n int) bool { return n < b.N }
	if task == load.Renew {
		play(b, g, load.Job{Task: load.Acquire, Only: only})
	}
	b.ResetTimer()
	report := play(b, g, load.Job{Task: task, Only: only})
	b.StopTimer()
	b.ReportMetric(float64(report.Done)/report.Took.Seconds(), "exchanges/s")
	b.ReportMetric(float64(report.Latency.ValueAtQuantile(50)), "p50-µs")
	b.ReportMetric(float64(report.Latency.ValueAtQuantile(99)), "p99-µs")
	if report.Counts.Retransmitted > 0 {
		b.ReportMetric(float64(report.Counts.Retransmitted), "retransmitted")
	}
}

func openLoad(b *testing.B, server netip.AddrPort, clients int) *load.Generator {
	b.Helper()
	g, err := load.Open(load.Config{
		Clients: clients, Servers: []netip.AddrPort{server}, Relays: relays, Window: window, LinkAddress: node.Link,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := g.Close(); err != nil {
			b.Error(err)
		}
	})
	return g
}

func play(b *testing.B, g *load.Generator, job load.Job) *load.Report {
	b.Helper()
	report, err := g.Run(b.Context(), job)
	if err != nil {
		b.Fatal(err)
	}
	if report.Failed > 0 {
		b.Fatalf("%d of %d clients failed (%v)", report.Failed, report.Asked, job.Task)
	}
	return report
}

// TestExchange runs every kind of exchange once in small, so that the benchmarks don't rot.
func TestExchange(t *testing.T) {
	for _, server := range []netip.AddrPort{serve(t, openStore(t), 1<<12), serveAs(t, cached, openStore(t), 1<<12), bare(t)} {
		g, err := load.Open(load.Config{Clients: 50, Servers: []netip.AddrPort{server}, Relays: relays, Window: window, LinkAddress: node.Link})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range []load.Task{load.Ask, load.Acquire, load.Renew} {
			if r, err := g.Run(t.Context(), load.Job{Task: task}); err != nil || r.Done != 50 {
				t.Errorf("%v: %d of 50 done, %v", task, r.Done, err)
			}
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}
