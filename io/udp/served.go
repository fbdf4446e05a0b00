package udp

import (
	"slices"
)

// A served is what was done about one configured interface.
type served struct {
	name   string
	index  uint32 // under which it was found; 0: it isn't there
	up     bool
	joined bool
	failed bool // a failure to join was told
}

// reconcile compares what there is with what was done, and does the rest. Names are what counts: an interface
// that was deleted and made anew has another index, and one that was renamed is gone, or the other one has come.
func (w *watcher) reconcile() {
	indexes := make(map[string]uint32, len(w.links))
	for index, l := range w.links {
		indexes[l.name] = index
	}
	s := w.server
	s.mutex.Lock()
	if s.closed {
		s.mutex.Unlock()
		return
	}
	s.table.Store(w.table(indexes)) // before the groups are joined: no datagram comes by an unknown interface
	var events []Event
	for i := range w.served {
		events = w.follow(events, i, indexes[w.served[i].name])
	}
	for _, g := range s.groups {
		if zone := g.address.Addr().Zone(); zone != "" {
			s.followZone(g, indexes[zone])
		}
	}
	s.mutex.Unlock()
	w.first = false
	for _, e := range events {
		s.notify(e)
	}
}

// table makes the workers' table of interfaces.
func (w *watcher) table(indexes map[string]uint32) *linkTable {
	t := &linkTable{}
	listens := make(map[uint32]uint16, len(w.served))
	for i := range w.served {
		if index := indexes[w.served[i].name]; index != 0 {
			t.indexes = append(t.indexes, index)
			listens[index] = uint16(i + 1)
		}
	}
	slices.Sort(t.indexes)
	for _, index := range t.indexes {
		t.listens = append(t.listens, listens[index])
	}
	return t
}

// follow brings one configured interface up to date, index being where it is now, and adds what is to be told.
// Groups are joined anew at each coming up: a device whose MTU was below 1280 for a while has lost them.
func (w *watcher) follow(events []Event, i int, index uint32) []Event {
	was := &w.served[i]
	tell := func(kind EventKind, err error) {
		events = append(events, Event{Kind: kind, Interface: was.name, Listen: uint16(i + 1), Index: was.index, Err: err})
	}
	group := w.server.groups[0]
	if was.index != 0 && was.index != index {
		group.leave(was.index)
		tell(InterfaceGone, nil)
		*was = served{name: was.name}
	}
	if index == 0 {
		if w.first {
			tell(InterfaceMissing, nil)
		}
		return events
	}
	up := w.links[index].up
	fresh := was.index == 0
	was.index = index
	if fresh || up != was.up {
		if up {
			tell(InterfaceUp, nil)
			if !fresh {
				group.leave(index)
				was.joined = false
			}
		} else {
			tell(InterfaceDown, nil)
		}
		was.up = up
	}
	if was.joined {
		return events
	}
	err := group.join(index)
	switch {
	case err == nil:
		was.joined, was.failed = true, false
		tell(GroupsJoined, nil)
	case !was.failed:
		was.failed = true
		tell(JoinFailed, err)
	}
	return events
}

// notify logs an event and tells it on.
func (s *Server) notify(e Event) {
	switch e.Kind {
	case InterfaceMissing:
		s.logger.Warn("interface isn't there; waiting for it", "id", "interface-missing", "interface", e.Interface, "there_are", interfaceNames())
	case InterfaceUp:
		// Joining the groups follows, or why they can't be joined: that is worth a line.
		s.logger.Debug("interface is up", "id", "interface-up", "interface", e.Interface, "index", e.Index)
	case InterfaceDown:
		s.logger.Warn("interface is down", "id", "interface-down", "interface", e.Interface, "index", e.Index)
	case InterfaceGone:
		s.logger.Warn("interface is gone", "id", "interface-gone", "interface", e.Interface, "index", e.Index)
	case GroupsJoined:
		s.logger.Info("multicast groups joined", "id", "groups-joined", "interface", e.Interface, "index", e.Index)
	case JoinFailed:
		s.logger.Error("multicast groups can't be joined; trying again", "id", "groups-unjoined", "interface", e.Interface, "index", e.Index,
			"error", e.Err)
	case SieveFailed:
		s.logger.Warn("floods are held only after they were read: the kernel takes no longer filter; raise the sysctl net.core.optmem_max", "id", "flood-unheld", "error", e.Err)
	case DropsGrew:
		s.logger.Warn("the kernel dropped datagrams: receive buffer full", "id", "kernel-drops", "dropped", e.Dropped)
	}
	s.config.Notify(e)
}
