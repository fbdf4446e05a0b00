package daemon

import (
	"net"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// An asking is what became of an attempt to ask a client.
type asking uint8

const (
	askSent    asking = iota
	askRefused        // the kernel didn't take it
	askLater          // it can't be asked now
	askCame           // it has renewed since the run began, of itself or for another lease of it
	askGone           // it has no lease of ours with a key any more
	askFailed         // there is no way to it
)

// ask sends a Reconfigure to a client.
func (d *Daemon) ask(h *binding.Handle, c *picked) asking {
	p := d.site.Load().Policy
	if p.Reconfigure == nil {
		return askLater // a reload has just ended it
	}
	h.Enter()
	r := h.Find(&c.key)
	if r == nil || r.State() != binding.Bound || !r.Live(worker.Time(d.clock())) || engine.Observed(r) ||
		reconfigure.Hash(d.shared.Seed, r.DUID()) != c.hash {
		h.Leave()
		return askGone
	}
	kept := binding.Copy(r)
	h.Leave()
	if kept.LastTransaction > c.since && c.ask != wire.InformationRequest {
		return askCame
	}
	piece, _ := kept.Extension.Find(binding.ExtReconfigure)
	if len(piece) != reconfigure.AcceptanceSize {
		return askGone
	}
	replay, ok := d.shared.Replay.Next(d.clock() / 1e6)
	if !ok {
		return askLater
	}
	acceptance := reconfigure.Acceptance(piece)
	key := reconfigure.KeyOf(&p.Reconfigure.Secret, kept.DUID, &acceptance)
	message := reconfigure.AppendMessage(nil, c.ask, kept.DUID, p.ServerID, &key, replay)
	way, datagram, ok := reconfigure.WayTo(nil, kept.Extension, message)
	if !ok {
		return askFailed
	}
	return d.send(&way, datagram)
}

// send sends a datagram that nobody asked for. Where the node listens at several addresses, the first one counts from which the kernel
// takes it.
func (d *Daemon) send(way *reconfigure.Way, datagram []byte) asking {
	index, ok := d.interfaceOf(way)
	if !ok {
		return askFailed
	}
	for _, from := range d.sockets.Ways() {
		if d.reconfigure.send(d, &worker.Reply{Data: datagram, Destination: way.Destination, Port: way.Port, Socket: from, Interface: index}) {
			return askSent
		}
	}
	return askRefused
}

// send sends a datagram; false: the kernel didn't take it. Runs, and answers to relays, have one lane together.
func (r *reconfigurer) send(d *Daemon, reply *worker.Reply) bool {
	r.sending.Lock()
	defer r.sending.Unlock()
	return d.workers[0].Socket.Send(worker.LaneFirst, []worker.Reply{*reply}) == 0
}

// interfaceOf is the kernel's index of the interface by which a link-local address is reached: the one that was kept, or the only one
// that the node listens on. Other addresses need none. False: it isn't known, or isn't there.
func (d *Daemon) interfaceOf(way *reconfigure.Way) (index uint32, ok bool) {
	if !reconfigure.LinkLocal(&way.Destination) {
		return 0, true
	}
	name, all := way.Interface, d.site.Load().Policy.Interfaces
	if name == "" && len(all) == 1 {
		name = all[0]
	}
	if name == "" {
		return 0, false
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, false
	}
	return uint32(i.Index), true
}
