package daemon

import (
	"cmp"
	"slices"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// Refusals that all workers together remember, of each of two classes (see worker.Refusals), and at least each of them.
const (
	keptRefusals  = 4096
	leastRefusals = 64
)

func newRefusals(workers int) *worker.Refusals {
	return worker.NewRefusals(max(leastRefusals, keptRefusals/workers))
}

// Refusals implements admin.Observer.
func (o *operator) Refusals() admin.Refusals {
	p := o.d.site.Load().Policy
	out := admin.Refusals{Refusals: []admin.Refusal{}}
	for _, w := range o.d.workers {
		out.Total += w.Refusals.Total()
		out.Skipped += w.Refusals.Skipped()
		w.Refusals.Each(func(f *worker.Refusal) bool {
			link, iface := "", ""
			if f.Asker.Link >= 0 && f.Asker.Link < len(p.Links) {
				link = p.Links[f.Asker.Link].Name
			}
			if f.Listen > 0 && int(f.Listen) <= len(p.Interfaces) {
				iface = p.Interfaces[f.Listen-1]
			}
			out.Refusals = append(out.Refusals, admin.NewRefusal(f, link, iface))
			return true
		})
	}
	slices.SortStableFunc(out.Refusals, func(a, b admin.Refusal) int { return cmp.Compare(b.At.UnixNano(), a.At.UnixNano()) })
	return out
}

// Events implements admin.Observer.
func (o *operator) Events(after uint64) ([]admin.Event, <-chan struct{}) {
	return o.d.events.after(after)
}
