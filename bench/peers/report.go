package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/bench/figures"
	"github.com/lockstep6/lockstep6/bench/plot"
	"github.com/lockstep6/lockstep6/bench/target"
)

// format is the version of a report's JSON. It grows when a field changes its meaning or goes.
const format = 1

// A report is all that was measured.
type report struct {
	Format int `json:"format"`
	figures.Origin
	Packages string         `json:"packages"` // of the peers
	Rounds   int            `json:"rounds"`
	Step     float64        `json:"step_s"`
	Servers  []server       `json:"servers"`
	Busy     bool           `json:"busy"` // others had so much of the machine that nothing is judged
	Targets  []target.Found `json:"targets"`
	page     string         // name of the page and what is beside it, without what comes behind the dot
}

// A server is a contender with what it did, by round.
type server struct {
	Name       string    `json:"name"`
	Durability string    `json:"durability"`
	Clients    int       `json:"clients"` // behind relays
	Relayed    []relayed `json:"relayed"`
	Direct     []direct  `json:"direct"`
	Others     []float64 `json:"others"` // share of the processors that other work had meanwhile
	short      string
}

func newReport(o *options, all []contender) *report {
	r := &report{
		Format: format, Origin: figures.Here(o.commit), Packages: packages(),
		Rounds: o.rounds, Step: o.step.Seconds(), page: filepath.Base(cmp.Or(o.out, "peers")),
	}
	for i := range all {
		c := &all[i]
		clients := o.clients
		if c.clients > 0 {
			clients = min(clients, c.clients)
		}
		r.Servers = append(r.Servers, server{Name: c.name, Durability: c.durability, Clients: clients, short: c.short})
	}
	return r
}

// packages are the peers' versions, where Debian's package manager knows them.
func packages() string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Package} ${Version}\n",
		"kea-dhcp6-server", "kea-admin", "isc-dhcp-server", "dnsmasq-base", "dibbler-server").Output()
	if err != nil {
		return "versions unknown"
	}
	return strings.Join(strings.Split(strings.TrimSpace(string(out)), "\n"), ", ")
}

// last says in a line what the last round found.
func (s *server) last() string {
	r, d := &s.Relayed[len(s.Relayed)-1], &s.Direct[len(s.Direct)-1]
	return fmt.Sprintf("%s: relayed %.0f/s, %.1f us (limit: %s); at half p50 %.2f ms, p99 %.2f ms; perfdhcp %.0f/s, %.1f us (limit: %s); others had %.0f %%",
		s.Name, r.Best.Rate, r.Best.CPU, r.Limit, r.Half.P50, r.Half.P99, d.Rate, d.CPU, d.Limit, 100*s.Others[len(s.Others)-1])
}

// The server's figures by round, sorted.
func (s *server) relayed(of func(*relayed) float64) []float64 { return column(s.Relayed, of) }
func (s *server) direct(of func(*direct) float64) []float64   { return column(s.Direct, of) }

func (s *server) rate() []float64 { return s.relayed(func(r *relayed) float64 { return r.Best.Rate }) }
func (s *server) cpu() []float64  { return s.relayed(func(r *relayed) float64 { return r.Best.CPU }) }

// others are the shares of the processors that other work had, of all turns, sorted.
func (r *report) others() (all []float64) {
	for i := range r.Servers {
		all = append(all, r.Servers[i].Others...)
	}
	slices.Sort(all)
	return all
}

// column is one figure of all rounds, sorted.
func column[T any](rounds []T, of func(*T) float64) (out []float64) {
	for i := range rounds {
		out = append(out, of(&rounds[i]))
	}
	slices.Sort(out)
	return out
}

// median of what is sorted; of an even number the mean of the two in the middle, so that it takes no side.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// write writes the page, the JSON and the picture.
func (r *report) write(prefix string) error {
	data, err := figures.JSON(r)
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	rates, costs := plot.Dots{Label: "exchanges per second"}, plot.Dots{Label: "µs of CPU per exchange"}
	for i := range r.Servers {
		s := &r.Servers[i]
		rates.Add(s.short, s.rate())
		costs.Add(s.short, s.cpu())
	}
	if err := plot.Compare(&picture, "The highest rate behind relays, and its cost", rates, costs); err != nil {
		return err
	}
	folder, name := filepath.Split(prefix)
	return figures.Write(cmp.Or(folder, "."), map[string][]byte{name + ".md": []byte(r.markdown()), name + ".json": data, name + ".svg": picture.Bytes()})
}
