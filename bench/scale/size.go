package scale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/core/wire"
)

// newClients is how many clients without a binding ask once the bindings are there.
const newClients = 200_000

// Options bound one run.
type Options struct {
	Dir     string        // a folder on the disk in question; each size has one below it for its time
	Workers int           // of the node, 1 to 16
	Renew   time.Duration // how long each size renews
	New     int           // new clients at each size, 1 to newClients; 0: all
}

// Memory is what the bindings take of the process, in octets each.
type Memory struct {
	Resident float64 `json:"resident"` // VmRSS when the node can serve, less VmRSS when its process began, divided by the bindings
	Traffic  float64 `json:"traffic"`  // the same after the phases, divided by the bindings then
	Records  float64 `json:"records"`  // of Resident, by the table's own count: slots of records
	Entries  float64 `json:"entries"`  // of the clients' index
	Extended float64 `json:"extended"` // slots of extensions
}

// A Size is what was measured with so many bindings.
type Size struct {
	Bindings int     `json:"bindings"`
	Fill     Phase   `json:"fill"` // the Requests that made the bindings, from none on
	Start    Start   `json:"start"`
	Cold     Start   `json:"cold_start"` // the files weren't in the kernel's cache
	Memory   Memory  `json:"memory_per_binding"`
	Disk     float64 `json:"disk_per_binding"` // octets of the store's folder after the fill
	GC       float64 `json:"forced_gc_ms"`     // one whole collection, with all bindings
	Renew    Phase   `json:"renew"`            // of random bindings
	Request  Phase   `json:"request"`          // of new clients
}

// job is what a child gets.
type job struct {
	Options
	Bindings int
}

// Parts are what this package runs in processes of their own: for child.Main.
func Parts() map[string]child.Part {
	return map[string]child.Part{"scale-fill": part(fill), "scale-serve": part(serve), "scale-cold": part(cold)}
}

func part(f func(job) (Size, error)) child.Part {
	return func(in json.RawMessage, tell func(any) error, _ <-chan struct{}) error {
		var j job
		if err := json.Unmarshal(in, &j); err != nil {
			return err
		}
		// The daemon leaves the store's background work a processor beside the workers.
		runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), j.Workers+1))
		s, err := f(j)
		if err != nil {
			return err
		}
		return tell(s)
	}
}

// Measure measures one size: a process fills the store, a second one starts from it, renews and takes new clients, a
// third one starts from files that the kernel has forgotten.
func Measure(ctx context.Context, o Options, bindings int) (s Size, err error) {
	if bindings < 1 || o.Workers < 1 || o.Workers > 16 || o.New < 0 || o.New > newClients {
		return s, fmt.Errorf("%d bindings, %d workers, %d new clients: there must be a binding, 1 to 16 workers, at most %d new clients", bindings, o.Workers, o.New, newClients)
	}
	if o.New == 0 {
		o.New = newClients
	}
	if o.Dir, err = os.MkdirTemp(o.Dir, "scale-"); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	j := job{o, bindings}
	var filled, restarted Size
	if err = child.Run(ctx, "scale-fill", child.AnyCore, j, &filled); err != nil {
		return s, err
	}
	// Before the other one: what that renews isn't merged by its end.
	if err = child.Run(ctx, "scale-cold", child.AnyCore, j, &restarted); err != nil {
		return s, err
	}
	if err = child.Run(ctx, "scale-serve", child.AnyCore, j, &s); err != nil {
		return s, err
	}
	s.Bindings, s.Fill, s.Disk, s.Cold = bindings, filled.Fill, filled.Disk, restarted.Start
	return s, nil
}

// fill makes the bindings, by Requests.
func fill(j job) (s Size, err error) {
	n, _, err := openNode(context.Background(), j.Dir, capacityFor(j.Bindings))
	if err != nil {
		return s, err
	}
	s.Fill, err = n.play(task{kind: wire.Request, to: uint64(j.Bindings), workers: j.Workers})
	if live := n.Table.Stats().Live; err == nil && live != int64(j.Bindings) {
		err = fmt.Errorf("%d bindings after the fill, want %d", live, j.Bindings)
	}
	if err = errors.Join(err, n.close()); err != nil {
		return s, err
	}
	size, err := meter.FolderSize(j.Dir)
	s.Disk = float64(size) / float64(j.Bindings)
	return s, err
}

// cold starts from files that aren't in the kernel's cache, and ends.
func cold(j job) (s Size, err error) {
	if err = meter.Forget(j.Dir); err != nil {
		return s, err
	}
	n, took, err := openNode(context.Background(), j.Dir, capacityFor(j.Bindings))
	if err != nil {
		return s, err
	}
	s.Start = took
	return s, n.close()
}

// serve starts from the store and plays the phases.
func serve(j job) (s Size, err error) {
	runtime.GC()
	before, err := meter.Resident()
	if err != nil {
		return s, err
	}
	n, took, err := openNode(context.Background(), j.Dir, capacityFor(j.Bindings))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	s.Start = took
	if err = s.weigh(n, before, j.Bindings); err != nil {
		return s, err
	}
	began := time.Now()
	runtime.GC()
	s.GC = milliseconds(time.Since(began))
	bindings := uint64(j.Bindings)
	if s.Renew, err = n.play(task{kind: wire.Renew, to: bindings, limit: j.Renew, workers: j.Workers}); err != nil {
		return s, err
	}
	s.Request, err = n.play(task{kind: wire.Request, from: bindings, to: bindings + uint64(j.New), workers: j.Workers})
	if err != nil {
		return s, err
	}
	after, err := meter.Resident()
	s.Memory.Traffic = float64(after-before) / float64(n.Table.Stats().Live)
	return s, err
}

// weigh takes the memory of a node that can serve and hasn't yet.
func (s *Size) weigh(n *server, before int64, bindings int) error {
	after, err := meter.Resident()
	if err != nil {
		return err
	}
	stats := n.Table.Stats()
	if stats.Live != int64(bindings) {
		return fmt.Errorf("%d bindings after the start, want %d", stats.Live, bindings)
	}
	each := 1 / float64(bindings)
	s.Memory = Memory{
		Resident: float64(after-before) * each,
		Records:  float64(stats.Records*recordOctets) * each, Entries: float64(stats.Entries*entryOctets) * each,
		Extended: float64(stats.ExtensionBytes) * each,
	}
	return nil
}

// Octets of a record's slot and of an entry's in the clients' index: core/binding's doc.go.
const (
	recordOctets = 96
	entryOctets  = 32
)
