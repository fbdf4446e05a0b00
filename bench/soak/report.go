package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/figures"
)

// format is the version of a report's JSON. It grows when a field changes its meaning or goes.
const format = 1

// A Report is all that was measured.
type Report struct {
	Format int `json:"format"`
	figures.Origin
	Seconds float64 `json:"seconds"` // how long
	Rate    float64 `json:"rate"`    // that was asked for
	History bool    `json:"history"`
	Logged  bool    `json:"logged"` // each lease
	DNS     bool    `json:"dns"`
	Clients int     `json:"clients"` // at a time
	Cohort  int     `json:"cohort"`
	Pool    int     `json:"pool"` // length of its prefix

	Held      bool      `json:"held"` // no promise was broken, and nothing grew that is judged
	Totals    Totals    `json:"totals"`
	Confirmed uint64    `json:"confirmed"` // leases that clients were told of
	Looked    uint64    `json:"looked"`    // of these, looked up in a node's list
	Broken    []Breach  `json:"broken"`
	Evidence  []string  `json:"evidence"`
	Kills     []Kill    `json:"kills"`
	Reloads   int       `json:"reloads"`
	Drains    int       `json:"drains"`
	Backups   int       `json:"backups"`
	Others    float64   `json:"others"` // median share of the processors that other work had
	Verdicts  []Verdict `json:"verdicts"`
	Samples   []Sample  `json:"samples"`
}

// A Breach is how many promises of a kind were broken.
type Breach struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

func newReport(o *options) *Report {
	return &Report{
		Format: format, Origin: figures.Here(o.commit),
		Seconds: o.total.Seconds(), Rate: o.rate, History: o.history, DNS: o.dns, Logged: o.keep,
	}
}

// read reads a report's figures, and judges them.
func read(file string) (*Report, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w; give a soak.json", file, err)
	}
	if r.Format != format {
		return nil, fmt.Errorf("%s: format %d, where this program reads %d; soak again", file, r.Format, format)
	}
	r.judge()
	return r, nil
}

// mostUnserved is the share of exchanges that may end without a lease, kills and all.
const mostUnserved = 0.02

// judge comes to the verdicts.
func (r *Report) judge() {
	r.Verdicts = nil
	for i := range nodes {
		r.Verdicts = append(r.Verdicts, judgeNode(r.Samples, i, string(node(i)))...)
	}
	latency, others := judgeLatency(r.Samples)
	r.Verdicts, r.Others = append(r.Verdicts, latency...), others
	r.Held = r.Totals.Done > 0 && r.unserved() <= mostUnserved && !r.broke()
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if r.History && (strings.HasPrefix(v.Name, "store") || strings.HasPrefix(v.Name, "data folder")) {
			v.Why = "history is kept"
		}
		r.Held = r.Held && v.flat()
	}
}

// broke tells whether a promise is broken.
func (r *Report) broke() bool {
	return slices.ContainsFunc(r.Broken, func(b Breach) bool { return b.Count > 0 })
}

// unserved is the share of exchanges that ended without a lease.
func (r *Report) unserved() float64 {
	return float64(r.Totals.Lost+r.Totals.Refused) / float64(max(r.Totals.Begun, 1))
}

// write writes the page, the figures and the plot into a folder.
func (r *Report) write(folder string) error {
	if folder == "" {
		return nil
	}
	data, err := json.Marshal(r) // on one line: the samples are many
	if err != nil {
		return err
	}
	return errors.Join(figures.Write(folder, map[string][]byte{"soak.md": []byte(r.markdown()), "soak.json": append(data, '\n')}), r.svg(filepath.Join(folder, "soak.svg")))
}

func (r *Report) markdown() string {
	var b strings.Builder
	verdict := "**Held**: no promise was broken, and nothing that is judged grew."
	if !r.Held {
		verdict = "**Not held**: see below."
	}
	fmt.Fprintf(&b, "# Soak\n\nWritten by bench/soak (`make soak`) on %s, other work had %.0f %% of the processors (median).\n\n%s\n\n",
		&r.Origin, 100*r.Others, verdict)
	fmt.Fprintf(&b, "Two nodes of one cluster over loopback, `sync: always`, for %v. %d clients at a time, in cohorts of %d, that come, renew, rebind and go, in a pool of %d addresses; %.0f exchanges a second are asked for. "+
		"Node b is killed in the first half and a in the second, each with SIGKILL, and returns after a while.\n\n", time.Duration(r.Seconds*float64(time.Second)), r.Clients, r.Cohort, 1<<(128-r.Pool), r.Rate)
	if r.Logged {
		b.WriteString("The nodes log each lease (`-keep`).\n\n")
	}
	t := &r.Totals
	b.WriteString("| what happened | |\n|---|---|\n")
	for _, row := range []struct {
		name  string
		value any
	}{
		{"exchanges done", t.Done}, {"not ended within 20 s", t.Lost}, {"ended by a server without a lease", t.Refused}, {"not begun, for the generator was late", t.Skipped},
		{"messages sent again", t.Resent}, {"cohorts", t.Cohorts}, {"clients that released", t.Released}, {"that declined", t.Declined}, {"that fell silent", t.Silent},
		{"kills", len(r.Kills)}, {"reloads of a node", r.Reloads}, {"drains", r.Drains}, {"backups, each restored", r.Backups},
	} {
		fmt.Fprintf(&b, "| %s | %v |\n", row.name, row.value)
	}
	fmt.Fprintf(&b, "\n## Promises\n\nOf %d leases that clients were told of, %d were looked up in the list of the node that confirmed them, after its return from a kill or at the end.\n\n| broken | |\n|---|---|\n", r.Confirmed, r.Looked)
	for _, k := range r.Broken {
		fmt.Fprintf(&b, "| %s | %d |\n", k.Kind, k.Count)
	}
	for _, e := range r.Evidence {
		fmt.Fprintf(&b, "\n- %s\n", e)
	}
	r.verdicts(&b)
	b.WriteString("\n## Kills\n\n| after, s | node | away, s | from start until ready, s | leases looked up | lost |\n|---|---|---|---|---|---|\n")
	for _, k := range r.Kills {
		fmt.Fprintf(&b, "| %.0f | %s | %.1f | %.2f | %d | %d |\n", k.At, k.Node, k.Away, k.Ready, k.Looked, k.Lost)
	}
	return b.String()
}

func (r *Report) verdicts(b *strings.Builder) {
	b.WriteString("\n## Growth\n\nIn the longest life of each node without its first third: the medians of the first and of the last third of that time, and how much a measure grew by Theil and Sen's slope.\n\n" +
		"| measure | node | minutes | first | last | growth | bound | |\n|---|---|---|---|---|---|---|---|\n")
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		name := v.Name
		if v.Unit != "" {
			name += ", " + v.Unit
		}
		fmt.Fprintf(b, "| %s | %s | %.1f to %.1f | %.4g | %.4g | %+.3g | %.3g | %s |\n", name, v.Node, v.From/60, v.To/60, v.First, v.Last, v.Growth, v.Bound, v.word())
	}
	b.WriteString("\nThe heap is the size at which Go collects garbage next, twice what lived after the last collection. It and resident memory are saws, of which the growth is that of the low points: a pass of the store's absorber holds its part of the log. Resident memory has the kernel's share in it, and may grow by two memtables of the store, which get their pages as they fill. The data folder has up to five logs of 64 MiB in it that the store keeps to write over, and the ballast. The tables of ten passes, each of up to 16 MiB, are rewritten as one.\n\n![over time](soak.svg)\n")
}
