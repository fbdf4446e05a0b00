package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/bench/figures"
	"github.com/lockstep6/lockstep6/bench/measure"
	"github.com/lockstep6/lockstep6/bench/plot"
	"github.com/lockstep6/lockstep6/bench/target"
)

// A report is all that was measured. Its JSON holds the steps as docs/bench.md describes them.
type report struct {
	figures.Origin
	Cap      float64        `json:"cap"` // share of a processor
	Period   float64        `json:"period_s"`
	Duration float64        `json:"duration_s"`
	Patience float64        `json:"patience_s"`
	Sweeps   []named        `json:"sweeps"`
	Targets  []target.Found `json:"targets"`
}

// A named sweep is one server's with one mix.
type named struct {
	Server string `json:"server"`
	Mix    string `json:"mix"`
	sweep
}

func newReport(o *options) *report {
	period, _ := periodOf(o.cap)
	return &report{
		Origin: figures.Here(o.commit), Cap: o.cap,
		Period: period.Seconds(), Duration: o.duration.Seconds(), Patience: o.patience.Seconds(),
	}
}

// atLoad is the load, in peaks, at which the mission wants the goodput to be what it was at the peak.
const atLoad = 10.0

// judge holds lockstep6's sweeps against the target.
func (r *report) judge() {
	for i := range r.Sweeps {
		s := &r.Sweeps[i]
		for k := range s.Steps {
			if s.Server == lockstep6 && s.at(k) == atLoad {
				t := target.Target{Name: "goodput at ten times the peak load, times the peak: " + s.Mix, Must: 0.9, Stretch: 1}
				r.Targets = append(r.Targets, t.Of(s.Steps[k].Meanwhile/s.Peak))
			}
		}
	}
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Goodput under overload\n\n")
	fmt.Fprintf(&b, "Written by bench/overload (`make overload`) on %s. Each server runs alone, on the first processor, in a control "+
		"group that gives it %.3g of a processor, counted in periods of %.3g ms; the load comes from the second processor. **Peak**: the most exchanges per second that the server did in any "+
		"step of a ramp, each message sent once. Then multiples of it are offered for %.3g s each by an open loop: clients send again as RFC 9915 says (a Solicit or Request after "+
		"1 s, 2 s more, 4 s more, a Renew after 10 s) and give up after %.3g s. **Goodput**: exchanges that were finished, up to the Reply, while load was offered. "+
		"lockstep6 syncs every lease before its Reply, Kea never. The share of each exchange that was done counts until its clients gave up.\n\n"+
		"**Kernel drops** are datagrams for which the server's sockets had no room; **shed** is what lockstep6 itself took and dropped for its age. A cap doesn't count the kernel's own work in interrupts: "+
		"here receiving a datagram up to the socket, and dropping it there, costs the processor of the load. With a network card it would cost the server's.\n",
		&r.Origin, r.Cap, 1000*r.Period, r.Duration, r.Patience)
	fmt.Fprintf(&b, "\n## Targets\n\n%s", target.Table(r.Targets))
	for i := range r.Sweeps {
		r.Sweeps[i].markdown(&b)
	}
	return b.String()
}

func (s *named) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s, %s\n\nPeak %.0f/s.\n\n", s.Server, s.Mix, s.Peak)
	fmt.Fprintln(b, "| times the peak | offered/s | goodput/s | of the peak | of each exchange, done | p50, ms | p99, ms | CPU, processors | CPU of an exchange, us | kernel drops/s | shed/s | sent again/s | load left out |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for i := range s.Steps {
		t := &s.Steps[i]
		whole := t.Seconds + restOf(t)
		var cpu, each, drops float64
		if t.Server != nil {
			cpu, each, drops = t.Server.CPU/whole, t.Server.CPUPerExchange, float64(t.Server.SocketDrops)/whole
		}
		fmt.Fprintf(b, "| %.3g | %.0f | %.0f | %.2f | %s | %.1f | %.1f | %.3f | %.1f | %.0f | %.0f | %.0f | %.1f %% |\n", t.Rate/s.Peak, t.Rate, t.Meanwhile, t.Meanwhile/s.Peak, tasks(t),
			float64(t.Latency.P50)/1000, float64(t.Latency.P99)/1000, cpu, each, drops, float64(s.Shed[i])/whole, float64(t.Datagrams.Retransmitted)/whole,
			100*float64(t.Slow)/float64(max(t.Offered, 1)))
	}
}

// restOf is for how long the generator still waited for answers.
func restOf(t *measure.Step) float64 { return max(t.Took-t.Seconds, 0) }

// tasks says of each kind of exchange how many were done.
func tasks(t *measure.Step) string {
	var names, parts []string
	for name := range t.Tasks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		k := t.Tasks[name]
		parts = append(parts, fmt.Sprintf("%s %.1f %%", name, 100*float64(k.Done)/float64(max(k.Begun, 1))))
	}
	return strings.Join(parts, ", ")
}

// at is the load of a step in peaks.
func (s *named) at(i int) float64 { return float64(int(s.Steps[i].Rate/s.Peak*100+0.5)) / 100 }

// svg draws the goodput over the load, both in peaks.
func (r *report) svg(file string) (err error) {
	var lines []plot.Series
	for i := range r.Sweeps {
		s := &r.Sweeps[i]
		line := plot.Series{Name: s.Server + ", " + s.Mix}
		for k := range s.Steps {
			line.Curve = append(line.Curve, plot.Point{X: s.at(k), Y: s.Steps[k].Meanwhile / s.Peak})
		}
		lines = append(lines, line)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return plot.Overload(f, lines)
}

// thin leaves out the curves of the latencies, which nobody looks at here.
func thin(s *measure.Step) {
	s.Latency.Curve = nil
	for name, t := range s.Tasks {
		t.Latency.Curve = nil
		s.Tasks[name] = t
	}
}

// write writes the page, the figures and the plot into a folder.
func (r *report) write(folder string) error {
	if folder == "" {
		return nil
	}
	for i := range r.Sweeps {
		for _, steps := range [][]measure.Step{r.Sweeps[i].Ramp, r.Sweeps[i].Steps} {
			for k := range steps {
				thin(&steps[k])
			}
		}
	}
	data, err := figures.JSON(r)
	if err != nil {
		return err
	}
	return errors.Join(
		figures.Write(folder, map[string][]byte{"overload.json": data, "overload.md": []byte(r.markdown())}),
		r.svg(filepath.Join(folder, "overload.svg")),
	)
}
