package bench

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/node"
)

// probe is how many exchanges find out how many a node does.
const probe = 1 << 16

// BenchmarkRate offers one node half of what it can do, over sockets on loopback, and measures how long exchanges take
// then: from the time at which each was to begin, whether it could or not. b.N exchanges are offered; disk and memory are
// BenchmarkExchange's.
//
// What it can do is found by the closed loop, which knows no loss. Node and generator share one process here, which has no
// more Go processors than the machine has cores: a thread that comes back from the kernel may have to wait for one.
// As they are two processes in real life, there are enough of them for every thread while this runs.
func BenchmarkRate(b *testing.B) {
	for _, task := range []load.Task{load.Ask, load.Acquire, load.Renew} {
		b.Run(task.String()+"/disk", func(b *testing.B) { halfRate(b, serve(b, openStore(b), capacity), task) })
		b.Run(task.String()+"/memory", func(b *testing.B) { halfRate(b, serve(b, node.Memory{}, capacity), task) })
		b.Run(task.String()+"/bare", func(b *testing.B) { halfRate(b, bare(b), task) })
	}
}

func halfRate(b *testing.B, server netip.AddrPort, task load.Task) {
	b.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4 * runtime.GOMAXPROCS(0)))
	g := openLoad(b, server, probe)
	if task == load.Renew {
		play(b, g, load.Job{Task: load.Acquire})
	}
	found := play(b, g, load.Job{Task: task})
	rate := float64(found.Done) / found.Took.Seconds() / 2
	b.ResetTimer()
	out, err := g.Offer(b.Context(), load.Offer{Rate: rate, For: time.Duration(float64(b.N) / rate * 1e9), Mix: load.Only(task)})
	if err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	sum := out.Sum()
	b.ReportMetric(rate, "offered/s")
	b.ReportMetric(float64(out.Latency.ValueAtPercentile(50)), "p50-µs")
	b.ReportMetric(float64(out.Latency.ValueAtPercentile(99)), "p99-µs")
	b.ReportMetric(100*float64(sum.Lost+sum.Refused)/float64(max(out.Offered(), 1)), "lost-%")
	b.ReportMetric(100*float64(out.Late())/float64(max(out.Offered(), 1)), "late-%")
}
