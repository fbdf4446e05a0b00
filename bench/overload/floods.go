package main

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/bench/figures"
	"github.com/lockstep6/lockstep6/bench/measure"
)

// floods are all trials, with a page of their own: they can be made without the rest.
type floods struct {
	figures.Origin
	Cap    float64    `json:"cap"`  // share of a processor
	Peak   float64    `json:"peak"` // of lockstep6, exchanges per second; the others offer half
	Trials []fairness `json:"trials"`
}

func newFloods(o *options) *floods {
	return &floods{Origin: figures.Here(o.commit), Cap: o.cap, Peak: o.peak}
}

// markdown writes the trials, those with limits first.
func (r *floods) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# One floods, the others ask\n\nWritten by bench/overload (`make overload`) on %s, of which the run itself makes two.\n\n"+
		"lockstep6 runs on the first processor, of which it gets %.3g; it syncs every lease. Eight relays, each with an address of its own, have new clients acquire leases at half of its peak of %.0f exchanges a second, alone and then "+
		"beside a flood of %d times as many messages as they send, all Solicits: by a ninth relay with a million clients, or by one client in a loop behind one of the eight. The flood begins two seconds before what is counted.\n\n"+
		"**Limits on**: what lockstep6 does by itself, fair shares by relay while messages are lost, and 20 messages a second of each client. **None**: `limits: {fair-shares: false}`, for the client also "+
		"`messages-per-client: {per-second: 0}`. **Kept** is the share of the others' goodput alone that they have beside the flood. What the kernel drops for want of room it takes from all in proportion; with limits most of it is what the sieve throws away of the flood (decision 32), which counts as thrown away too; over a share, over a client's rate and too old are "+
		"messages that lockstep6 dropped, flood and others together.\n\n", &r.Origin, r.Cap, r.Peak, floodTimes)
	fmt.Fprintln(&b, "| who floods | limits | round | others offer/s | flood, messages/s | their goodput alone/s | beside the flood/s | kept | p50, ms | p99, ms | kernel drops/s | thrown away | over a share | over a client's rate | too old |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for i := range r.Trials {
		f := &r.Trials[i]
		drops := 0.0
		if f.Flooded.Server != nil {
			drops = float64(f.Flooded.Server.SocketDrops) / (f.Flooded.Seconds + restOf(&f.Flooded))
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %.0f | %.0f | %.0f | %.0f | **%.2f** | %.1f | %.1f | %.0f | %d | %d | %d | %d |\n", f.Flood, map[bool]string{true: "on", false: "none"}[f.Protected], f.Round,
			f.Flooded.Rate, f.Sent, f.Quiet.Meanwhile, f.Flooded.Meanwhile, f.kept(), float64(f.Flooded.Latency.P50)/1000, float64(f.Flooded.Latency.P99)/1000,
			drops, f.Dropped["flood"], f.Dropped["fair-share"], f.Dropped["client-rate"], f.Dropped["overload"])
	}
	return b.String()
}

// write writes the page and the figures into a folder.
func (r *floods) write(folder string) error {
	if folder == "" {
		return nil
	}
	for i := range r.Trials {
		for _, s := range []*measure.Step{&r.Trials[i].Quiet, &r.Trials[i].Flooded} {
			thin(s)
		}
	}
	data, err := figures.JSON(r)
	if err != nil {
		return err
	}
	return figures.Write(folder, map[string][]byte{"overload-floods.json": data, "overload-floods.md": []byte(r.markdown())})
}
