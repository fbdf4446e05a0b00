package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// markdown is the results as a page. The servers that others are compared with come last.
func markdown(o *options, all []contender, results [][]result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The highest rate that servers hold\n\n")
	fmt.Fprintf(&b, "Written by bench/peers on %s: lockstep6 %s, %d processors that the server shares with the load; %d rounds, the servers in turns; "+
		"minimum / median / maximum. An exchange is Solicit, Advertise, Request, Reply for an address, of %d clients behind 8 relays; a rate is held where "+
		"less than 1 %% of what was due in %v stayed without a Reply within a second. Kea has its defaults: it never syncs its lease file.\n\n",
		time.Now().Format(time.DateOnly), cmp.Or(o.commit, "(no commit given)"), runtime.NumCPU(), o.rounds, o.clients, o.step)
	fmt.Fprintln(&b, "| server | exchanges/s | CPU of the server, us each | p50 at that rate, ms | p99, ms | memory, MiB | times the rate of Kea | its CPU, times less |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|---|---|")
	kea := slices.IndexFunc(all, func(c contender) bool { return strings.HasPrefix(c.name, "Kea, multi") })
	for i := range all {
		rate := column(results[i], func(r *result) float64 { return r.rate })
		cpu := column(results[i], func(r *result) float64 { return r.cpu })
		keaRate := column(results[kea], func(r *result) float64 { return r.rate })
		keaCPU := column(results[kea], func(r *result) float64 { return r.cpu })
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %.1f | %.1f |\n", all[i].name, spread(rate, 0), spread(cpu, 1),
			spread(column(results[i], func(r *result) float64 { return r.p50 }), 1),
			spread(column(results[i], func(r *result) float64 { return r.p99 }), 1),
			spread(column(results[i], func(r *result) float64 { return r.rss }), 0),
			median(rate)/median(keaRate), median(keaCPU)/median(cpu))
	}
	return b.String()
}

// column is one figure of all rounds, sorted.
func column(results []result, of func(*result) float64) (out []float64) {
	for i := range results {
		out = append(out, of(&results[i]))
	}
	slices.Sort(out)
	return out
}

// median of what is sorted; of an even number the lower one.
func median(sorted []float64) float64 { return sorted[(len(sorted)-1)/2] }

func spread(sorted []float64, digits int) string {
	return fmt.Sprintf("%.*f / %.*f / %.*f", digits, sorted[0], digits, median(sorted), digits, sorted[len(sorted)-1])
}
