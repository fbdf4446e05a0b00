package worker

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// handle answers a batch into a flight: one time, one policy, one mark.
func (w *Worker) handle(f *flight, batch []Datagram, writable bool) {
	w.batches.Add(1) // before the site is taken: see Batches
	unixNano, wall := w.Clock(), w.Wall()
	f.now, f.durable = f.now[:0], f.durable[:0]
	f.nowArrivals, f.durableArrivals = f.nowArrivals[:0], f.durableArrivals[:0]
	f.mark, f.begun = engine.NewMark(w.ID, w.sequence+1), unixNano
	e, site := w.Engine, w.Site.Load()
	w.press(unixNano)
	w.holding = w.sieve != nil && w.Limits != nil && !site.Policy.Config().Limits.NoShares
	e.Begin(site, binding.MomentOf(unixNano), f.mark, writable, f.write.Changes[:0])
	e.Ahead(len(batch), func(i int) []byte { return batch[i].Data })
	arena := f.arena
	for i := range batch {
		d := &batch[i]
		if drop := w.unheard(d, &site.Policy.Config().Limits, unixNano, wall); drop != wire.DropNone {
			w.Counters.dropped(0, drop)
			w.noteUnread(d, drop, unixNano)
			w.flow(d, drop, unixNano)
			continue
		}
		result := e.Handle(&engine.Input{
			Data: d.Data, Source: d.Source, SourcePort: d.SourcePort,
			Multicast: d.Destination[0] == 0xff, Listen: d.Listen,
		}, arena[:0:engine.MaxReply])
		w.flow(d, result.Drop, unixNano)
		if result.Lack != engine.LackNone {
			bump(&w.Counters.lacks[result.Lack], 1)
		}
		if result.Drop != wire.DropNone {
			if aside := w.aside(result.Type); aside == nil || result.Drop == wire.DropForeignRelay {
				w.Counters.dropped(result.Type, result.Drop)
				w.note(d, &result, unixNano)
			} else if !aside(d) {
				w.Counters.dropped(result.Type, wire.DropOverload)
			}
			continue
		}
		w.Counters.answered(result.Type)
		if result.Registering != engine.RegisteringNone {
			bump(&w.Counters.registrations[result.Registering], 1)
		}
		if result.Status != wire.StatusSuccess {
			w.note(d, &result, unixNano)
		}
		arena = arena[min(len(result.Reply), engine.MaxReply):]
		reply := Reply{
			Data: result.Reply, Destination: d.Source, Port: result.Port,
			Socket: d.Socket, Interface: d.Interface,
		}
		if d.Destination[0] != 0xff {
			reply.Source = d.Destination
		}
		if result.Durable {
			f.durable, f.durableArrivals = append(f.durable, reply), append(f.durableArrivals, d.Arrival)
		} else {
			f.now, f.nowArrivals = append(f.now, reply), append(f.nowArrivals, d.Arrival)
		}
	}
	f.write.Changes, f.write.Count = e.Changes, e.Count
	bump(&w.Counters.spared, uint64(e.Spared))
	e.End()
	w.batches.Add(1)
	w.sift(unixNano)
	if f.write.Count > 0 {
		w.sequence++
	}
}

// aside is who takes messages of a type that aren't answered on the packet path; nil: nobody.
func (w *Worker) aside(t wire.MessageType) func(*Datagram) bool {
	switch t {
	case wire.Leasequery:
		return w.Aside
	case wire.ReconfigureRequest:
		return w.Requests
	default:
		return nil
	}
}
