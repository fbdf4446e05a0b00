package main

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/bench/figures"
)

// format is the version of a report's JSON. It grows when a field changes its meaning or goes.
const format = 1

// quiet is the share of the processors that other work may have without a word.
const quiet = 0.15

// A Report is all that was measured.
type Report struct {
	Format int `json:"format"`
	figures.Origin
	Clients int     `json:"clients"`
	Fill    Phase   `json:"fill"` // four-way exchanges
	Before  Phase   `json:"before"`
	During  Phase   `json:"during"`
	After   Phase   `json:"after"`
	Seconds float64 `json:"seconds"` // from b's first question until all that a told was written

	Bindings int  `json:"bindings"` // in a's table before
	Told     int  `json:"told"`     // by a, as b logs it
	Held     int  `json:"held"`     // in b's table afterwards
	Complete bool `json:"complete"` // a has said that it knows of no gap in its own knowledge
}

// A Phase is a load for some time; of renewals, unless said.
type Phase struct {
	Seconds float64 `json:"seconds"`
	Done    uint64  `json:"done"`
	Rate    float64 `json:"rate"`   // per second
	CPU     float64 `json:"cpu_s"`  // of the peer
	Others  float64 `json:"others"` // share of the processors that other processes, and the kernel for nobody, had
}

func newReport(o *options) *Report {
	return &Report{Format: format, Origin: figures.Here(o.commit), Clients: o.clients}
}

// alone is the peer's rate without b: the mean of before and after, for the machine's rates move.
func (r *Report) alone() float64 { return (r.Before.Rate + r.After.Rate) / 2 }

// lost is the share of the peer's rate that is lost while it tells all it has; below 0: the machine was faster meanwhile.
func (r *Report) lost() float64 { return 1 - r.During.Rate/r.alone() }

// telling is what the peer spends on each binding that it tells, in microseconds of a processor: what is above its renewals' share.
func (r *Report) telling() float64 {
	renewal := (r.Before.CPU + r.After.CPU) / float64(r.Before.Done+r.After.Done)
	return (r.During.CPU - renewal*float64(r.During.Done)) / float64(max(r.Told, 1)) * 1e6
}

func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Catching up from a peer\n\nWritten by bench/catchup on %s.\n\n", &r.Origin)
	fmt.Fprintf(&b, "Node b starts with an empty disk and asks node a, by bulk leasequery over loopback, for its %d bindings, while a's clients renew without a pause (closed loop). Both sync, and both, "+
		"with the clients, share the processors: what a loses is also what b and its disk take of them.\n\n", r.Bindings)
	if r.During.Others > quiet {
		fmt.Fprintf(&b, "**The machine was busy**: other work had %.0f %% of the processors while b caught up, and the load average was %s. On a machine of their own the nodes do more, "+
			"and how much a loses isn't told well by this.\n\n", r.During.Others*100, r.LoadAvg)
	}
	b.WriteString("| | |\n|---|---|\n")
	fmt.Fprintf(&b, "| from the first question until the last binding is on b's disk, s | **%.1f** |\n", r.Seconds)
	fmt.Fprintf(&b, "| bindings per second | **%.0f** |\n", float64(r.Told)/r.Seconds)
	fmt.Fprintf(&b, "| share of a's rate of renewals lost meanwhile | **%.2f** |\n", r.lost())
	fmt.Fprintf(&b, "| processor time of a for each binding that it tells, above its renewals', µs | %.1f |\n", r.telling())
	fmt.Fprintf(&b, "| bindings that b has afterwards | %d of %d |\n", r.Held, r.Bindings)
	if !r.Complete {
		b.WriteString("\nAll is told, but a also says that it has a gap itself, such as datagrams that the kernel dropped: what it heard of b's clients, of which there are none here.\n")
	}
	b.WriteString("\n| a's load | exchanges/s | for s | CPU of a, µs each | others had of the processors |\n|---|---|---|---|---|\n")
	for _, row := range []struct {
		name string
		*Phase
	}{{"new clients, to fill it", &r.Fill}, {"renewals, alone before", &r.Before}, {"renewals, while b catches up", &r.During}, {"renewals, alone after", &r.After}} {
		fmt.Fprintf(&b, "| %s | %.0f | %.1f | %.1f | %.0f %% |\n", row.name, row.Rate, row.Seconds, row.CPU/float64(max(row.Done, 1))*1e6, row.Others*100)
	}
	b.WriteString("\nThe others are all other processes of the machine, and what its kernel does for none. The CPU while b catches up has the telling in it.\n")
	return b.String()
}
