package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/bench/target"
)

// markdown is the report as a page.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# lockstep6 beside other servers\n\n")
	fmt.Fprintf(&b, "Written by bench/peers on %s. Others: %s. The server shares the processors with the load. Rounds: %d, the servers in turns; "+
		"minimum / median / maximum. An exchange is Solicit, Advertise, Request, Reply for an address from a /64. [%s.json](%[4]s.json) has every round.\n\n",
		&r.Origin, r.Packages, r.Rounds, r.page)
	fmt.Fprintf(&b, "Other work, and the host, had %s %% of the processors during the turns: beyond a few per cent the figures say little.\n\n", spread(column(r.others(), func(share *float64) float64 { return 100 * *share }), 0))
	fmt.Fprintf(&b, "![highest rates and costs](%s.svg)\n\n", r.page)
	r.writeTargets(&b)
	r.writeRelayed(&b)
	r.writeDirect(&b)
	b.WriteString(durabilities)
	return b.String()
}

func (r *report) writeTargets(b *strings.Builder) {
	b.WriteString("## Targets\n\n")
	if r.Busy {
		fmt.Fprintf(b, "Not judged: the machine was busy with other work, which had %.0f %% of the processors or more in half of the turns.\n\n", 100*busyMachine)
		return
	}
	fmt.Fprintf(b, "%s\nRatios are of one round each.\n\n", target.Table(r.Targets))
}

func (r *report) writeRelayed(b *strings.Builder) {
	fmt.Fprintf(b, "## Behind relays\n\nThe load is `lockstep6 bench`, %d relays at port 547, as not all servers know RFC 8357: an open loop, latency from the time at which an exchange was to begin. "+
		"A rate is held where less than 1 %% of what was due in %g s stayed without a Reply within a second; one that isn't is tried twice. "+
		"Then half of the highest rate for %g s, at the same server: that is where the latencies are from. "+
		"dnsmasq and Dibbler have fewer clients, for they write all leases anew for each and get slower with every one. "+
		"The limit is what kept the rate from being higher, as far as the generator can tell, by round.\n\n", relays, r.Step, halfFor.Seconds())
	fmt.Fprintln(b, "| server | durability | clients | exchanges/s | limit | CPU of the server, us each | at half of the rate: p50, ms | p99, ms | CPU, us each | memory, MiB | times the rate of Kea, multi-threaded | its CPU, times less |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	kea := &r.Servers[keaThreads]
	for i := range r.Servers {
		s := &r.Servers[i]
		fmt.Fprintf(b, "| %s | %s | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", s.Name, s.Durability, s.Clients, spread(s.rate(), 0),
			limits(s.Relayed, func(x *relayed) string { return x.Limit }), spread(s.cpu(), 1),
			spread(s.relayed(func(x *relayed) float64 { return x.Half.P50 }), 2), spread(s.relayed(func(x *relayed) float64 { return x.Half.P99 }), 2),
			spread(s.relayed(func(x *relayed) float64 { return x.Half.CPU }), 1), spread(s.relayed(func(x *relayed) float64 { return x.Best.RSS }), 0),
			ratio(median(s.rate())/median(kea.rate())), ratio(median(kea.cpu())/median(s.cpu())))
	}
	b.WriteByte('\n')
}

func (r *report) writeDirect(b *strings.Builder) {
	fmt.Fprintf(b, "## On the link, by perfdhcp\n\nThe load is Kea's perfdhcp, clients on the server's own link that ask by multicast, up to a million different ones. A rate is held where under 1 %% of what it sent in %d s "+
		"stayed without a Reply; each try has a fresh server. The limit is perfdhcp's where it couldn't send what it was asked to (%.0f %% of it), or where most of what was lost was dropped at its own socket. %s\n\n",
		directFor, 100*shortfall, r.ceiling())
	fmt.Fprintln(b, "| server | durability | exchanges/s | limit | CPU of the server, us each | of perfdhcp, us each |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|")
	for i := range r.Servers {
		s := &r.Servers[i]
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", s.Name, s.Durability, spread(s.direct(func(d *direct) float64 { return d.Rate }), 0),
			limits(s.Direct, func(d *direct) string { return d.Limit }), spread(s.direct(func(d *direct) float64 { return d.CPU }), 1),
			spread(s.direct(func(d *direct) float64 { return d.Perfdhcp }), 1))
	}
	b.WriteByte('\n')
}

// ceiling says how much perfdhcp can do: what the fastest server got of it, where it was perfdhcp that could do no more.
func (r *report) ceiling() string {
	var best *direct
	name := ""
	for i := range r.Servers {
		for k := range r.Servers[i].Direct {
			if d := &r.Servers[i].Direct[k]; best == nil || d.Rate > best.Rate {
				best, name = d, r.Servers[i].Name
			}
		}
	}
	if best.Limit != "perfdhcp" {
		return fmt.Sprintf("Its own ceiling wasn't found in this run: the most that it got was %.0f/s, of %s (limit: %s).", best.Rate, name, best.Limit)
	}
	return fmt.Sprintf("**perfdhcp's own ceiling here is %.0f/s**, found with %s: rows whose limit is perfdhcp say what it can do beside that server on these processors, not what the server can.", best.Rate, name)
}

const durabilities = `## What a Reply is worth

Each server has its defaults, with the lease file on disk, but for the row that says ` + "`sync: never`" + `. What they do was looked at by strace, with
the versions above: lockstep6 sends a Reply once a sync has carried its lease; with ` + "`sync: never`" + ` once the lease is queued for
its log, so that a crash may lose the newest. Kea (memfile) and ISC dhcpd write a line to the lease file before each Reply,
and don't sync it: a crash of the server loses none, one of the machine may lose the newest. dnsmasq sends the Reply, then truncates its file,
writes all leases anew, and syncs it. Dibbler sends the Reply, then truncates and rewrites its XML files, without a sync. Of both a crash at the wrong moment can
lose the newest leases, or the file.
`

// limits are the limits of all rounds, each once.
func limits[T any](rounds []T, of func(*T) string) string {
	var all []string
	for i := range rounds {
		if l := of(&rounds[i]); !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return strings.Join(all, ", ")
}

func spread(sorted []float64, digits int) string {
	return fmt.Sprintf("%.*f / %.*f / %.*f", digits, sorted[0], digits, median(sorted), digits, sorted[len(sorted)-1])
}

// ratio leaves small ratios two digits that say something.
func ratio(f float64) string {
	if f < 1 {
		return fmt.Sprintf("%.2g", f)
	}
	return fmt.Sprintf("%.1f", f)
}
