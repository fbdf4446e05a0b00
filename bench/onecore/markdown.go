package main

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/bench/target"
)

// markdown is the report as a page.
func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# One processor\n\n%s\n\n", r.Head)
	fmt.Fprintf(&b, "`lockstep6 serve` with one worker on processor 0, its clients (bench/load) on processor 1, over loopback in a network namespace; %d rounds, "+
		"in each everything in turns, for %g s unless said; **minimum / median / maximum**. An exchange is Solicit, Advertise, Request, Reply for a new client's address, "+
		"relayed, with an Interface-ID and a Remote-ID: %d, %d, %d and %d octets. %d are under way (closed loop), and each Reply leaves after its sync. "+
		"\"Of the echo\" is exchanges per packet of the bare echo in the same round. Where the generator's processor was full the server could have done more. "+
		"Other processes had %s %% of the two processors during the rows.\n\n",
		len(r.Rounds), r.Step, r.Messages.Solicit, r.Messages.Advertise, r.Messages.Request, r.Messages.Reply, r.Window, r.spread(0, others))
	if r.Busy {
		b.WriteString("**The machine was busy with other work: neither these figures nor their shares are to be quoted.** Run it on a quiet one.\n\n")
	}
	b.WriteString("## Targets\n\n" + target.Table(r.Targets))
	r.writeCeilings(&b)
	r.writeRows(&b)
	r.writeCompared(&b)
	r.writeHalves(&b)
	return b.String()
}

// quiet is how much other processes may have of the processors, in per cent, on a machine that is. The kernel's own threads, which
// write the store's files to the disk, are among them.
const quiet = 10

// others is how much they had during a round's rows.
func others(o *Round) float64 {
	sum := 0.0
	for _, s := range o.Rows {
		sum += s.Others
	}
	return 100 * sum / float64(len(o.Rows))
}

// spread is a figure's cell.
func (r *Report) spread(digits int, figure func(*Round) float64) string {
	all := r.sorted(figure)
	return fmt.Sprintf("%.*f / %.*f / %.*f", digits, all[0], digits, all[(len(all)-1)/2], digits, all[len(all)-1])
}

func (r *Report) writeCeilings(b *strings.Builder) {
	b.WriteString("\n## Ceilings\n\nWhat the parts do alone on processor 0. The echo answers packets of the same sizes by the same sockets; Pebble has the store's options, 64 writes of " +
		"32 changes under way, and syncs each commit; the table takes new bindings beside a million.\n\n| | per second | of it one processor's exchanges with 256 relays are |\n|---|---|---|\n")
	for _, c := range []struct {
		name   string
		figure func(*Round) float64
	}{
		{"bare echo, packets in and out", func(o *Round) float64 { return o.echo(spread) }},
		{"bare echo with UDP_SEGMENT", func(o *Round) float64 { return o.Segmented.Rate }},
		{"Pebble, each commit one value of a log, as the store writes", func(o *Round) float64 { return o.Log.Rate }},
		{"Pebble, each change under its own key", func(o *Round) float64 { return o.Keys.Rate }},
		{"table, new bindings", func(o *Round) float64 { return 1e9 / o.Table }},
	} {
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.name, r.spread(0, c.figure), r.spread(3, func(o *Round) float64 { return o.Rows[spread].Rate / c.figure(o) }))
	}
}

func (r *Report) writeRows(b *strings.Builder) {
	b.WriteString("\n## Rows\n\n| | exchanges/s | of the echo | CPU of the server, µs each | its processor busy | the generator's | exchanges a sync | sent again |\n|---|---|---|---|---|---|---|---|\n")
	for _, w := range rows {
		of := func(figure func(*Sample) float64) func(*Round) float64 {
			return func(o *Round) float64 {
				s := o.Rows[w.ID]
				return figure(&s)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", w.Name, r.spread(0, of(func(s *Sample) float64 { return s.Rate })),
			r.spread(2, func(o *Round) float64 { return o.Rows[w.ID].Rate / o.echo(w.ID) }), r.spread(2, of(func(s *Sample) float64 { return s.CPU })),
			r.spread(2, of(func(s *Sample) float64 { return s.Core })), r.spread(2, of(func(s *Sample) float64 { return s.Generator })),
			r.spread(0, of(func(s *Sample) float64 { return s.PerSync })), r.spread(0, of(func(s *Sample) float64 { return float64(s.Again) })))
	}
	fmt.Fprintf(b, "\nThe CPU is what the kernel charges to the server's process. The busy relay's row lasts %g s, with the store's background work in it: ten times as many clients, "+
		"each new until all have been.\n\n![exchanges per second over time](onecore-sustained.svg)\n", r.Long)
}

func (r *Report) writeCompared(b *strings.Builder) {
	b.WriteString("\n## What a switch costs\n\nWhat is switched off costs nothing: the first row above has all of these off but the sync, and each row here is the same server with one on.\n\n" +
		"| | rate on, times that off | CPU on, less that off, µs an exchange |\n|---|---|---|\n")
	for _, c := range compared {
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.what,
			r.spread(2, func(o *Round) float64 { return o.Rows[c.on].Rate / o.Rows[c.off].Rate }),
			r.spread(2, func(o *Round) float64 { return o.Rows[c.on].CPU - o.Rows[c.off].CPU }))
	}
}

func (r *Report) writeHalves(b *strings.Builder) {
	b.WriteString("\n## Half of the rate\n\nOffered by the clock (open loop), half of what the row did just before; latency from the time at which the exchange was to begin to its Reply.\n\n" +
		"| | offered/s | done | p50, ms | p99, ms | CPU, µs each |\n|---|---|---|---|---|---|\n")
	line := func(name string, of func(*Round) *Half) {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", name, r.spread(0, func(o *Round) float64 { return of(o).Rate }), r.spread(3, func(o *Round) float64 { return of(o).Done }),
			r.spread(2, func(o *Round) float64 { return of(o).P50 }), r.spread(2, func(o *Round) float64 { return of(o).P99 }), r.spread(2, func(o *Round) float64 { return of(o).CPU }))
	}
	for _, w := range rows {
		if w.half {
			line(w.Name, func(o *Round) *Half { return o.Rows[w.ID].Half })
		}
	}
	b.WriteString("\n## Two workers\n\nA third of the rate of 256 relays, offered by the clock to a server that may use both processors, which it shares with the generator: what two workers " +
		"share would show as CPU per exchange. That batches are smaller with two shows too.\n\n| | offered/s | done | p50, ms | p99, ms | CPU, µs each |\n|---|---|---|---|---|---|\n")
	for _, w := range pairOfWorkers {
		line(w.Name, func(o *Round) *Half {
			h := o.Workers[w.ID]
			return &h
		})
	}
}
