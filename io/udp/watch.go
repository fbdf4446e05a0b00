package udp

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/limit"
)

const (
	tickInterval = time.Second
	dumpAttempts = 10
)

// A watcher knows the namespace's interfaces. Its goroutine keeps the memberships and the table of interfaces
// in step with them, and looks at the drop counters once a second.
//
// When the kernel couldn't queue a notification it says ENOBUFS, and everything is listed again:
// the state is compared as a whole each time (reconcile), so that a lost notification loses nothing.
type watcher struct {
	server *Server
	socket *nl.NetlinkSocket
	links  map[uint32]link // by the kernel's index
	served []served        // by position in Config.Interfaces
	first  bool            // reconcile wasn't called yet
	home   namespace       // Open's

	floods   map[limit.Flow]int // held ones that were told of: ticks until the next time
	unsieved bool               // SieveFailed was told

	refused uint64 // replies, at the last warning
	quiet   int    // ticks until the next one may follow

	once     sync.Once
	stopping chan struct{}
	stopped  chan struct{}
}

type link struct {
	name string
	up   bool
}

// openWatcher subscribes first and lists then, so that no change falls between.
func openWatcher(s *Server) (*watcher, error) {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return nil, explainNetlink(err)
	}
	w := &watcher{server: s, socket: socket, first: true, stopping: make(chan struct{}), stopped: make(chan struct{})}
	for _, name := range s.config.Interfaces {
		w.served = append(w.served, served{name: name})
	}
	timeout := unix.NsecToTimeval(tickInterval.Nanoseconds())
	err = socket.SetReceiveTimeout(&timeout)
	if err == nil {
		err = w.list()
	}
	if err == nil {
		w.home, err = openNamespace()
	}
	if err != nil {
		socket.Close()
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	return w, nil
}

// stop ends the goroutine and waits for it.
func (w *watcher) stop() {
	w.once.Do(func() {
		close(w.stopping)
		w.socket.Close() // ends the Receive that runs
	})
	<-w.stopped
}

// close frees what the watcher holds, its socket perhaps for the second time.
func (w *watcher) close() {
	w.socket.Close()
	w.home.close()
}

func (w *watcher) run() {
	defer close(w.stopped)
	defer w.close()
	if err := w.home.enter(); err != nil {
		w.server.logger.Error("link-local listen addresses can't be bound anew later", "id", "namespace-unentered", "error", err)
	}
	ticked := time.Now()
	for {
		messages, _, err := w.socket.Receive()
		select {
		case <-w.stopping:
			return
		default:
		}
		changed := false
		switch {
		case err == nil:
			for i := range messages {
				changed = w.note(messages[i].Header.Type, messages[i].Data) || changed
			}
		case errors.Is(err, unix.ENOBUFS):
			changed = w.relist()
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
			w.server.logger.Error("interfaces can't be watched; listing them again", "id", "interfaces-unwatched", "error", err)
			w.pause()
			changed = w.relist()
		}
		tick := time.Since(ticked) >= tickInterval
		if changed || tick {
			w.reconcile()
		}
		if tick {
			ticked = time.Now()
			w.server.tick()
		}
	}
}

// pause keeps a netlink socket that fails at once from keeping a processor busy.
func (w *watcher) pause() {
	timer := time.NewTimer(tickInterval)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.stopping:
	}
}

func (w *watcher) relist() (changed bool) {
	if err := w.list(); err != nil {
		w.server.logger.Error("interfaces can't be listed", "id", "interfaces-unlisted", "error", err)
		return false
	}
	return true
}

// list asks for all interfaces and replaces what is known. Notifications that arrive between are heeded.
func (w *watcher) list() error {
	var err error
	for range dumpAttempts {
		w.links = make(map[uint32]link)
		if err = w.listOnce(); err == nil || !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return err
}

func (w *watcher) listOnce() error {
	request := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	request.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	// To the kernel alone: the socket's own Send addresses the groups as well, and only root may send to these.
	kernel := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	if err := unix.Sendto(w.socket.GetFd(), request.Serialize(), 0, kernel); err != nil {
		return err
	}
	for {
		messages, _, err := w.socket.Receive()
		if err != nil {
			return err
		}
		for _, m := range messages {
			ours := m.Header.Seq == request.Seq
			switch {
			case ours && m.Header.Flags&unix.NLM_F_DUMP_INTR != 0:
				return unix.EINTR // the list changed while it was made
			case ours && m.Header.Type == unix.NLMSG_DONE:
				return nil
			case ours && m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
				return unix.Errno(-int32(nl.NativeEndian().Uint32(m.Data)))
			}
			w.note(m.Header.Type, m.Data)
		}
	}
}

// note takes one message in, and says whether anything may have to be done. A new address is such a case:
// an interface's groups can only be joined once IPv6 runs on it.
func (w *watcher) note(kind uint16, data []byte) (changed bool) {
	switch kind {
	case unix.RTM_NEWADDR:
		return true
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		// Of another family than AF_UNSPEC it is about a bridge's port: RTM_DELLINK says that it left the bridge.
		if len(data) < unix.SizeofIfInfomsg || data[0] != unix.AF_UNSPEC {
			return false
		}
	default:
		return false
	}
	parsed, err := netlink.LinkDeserialize(nil, data)
	if err != nil {
		w.server.logger.Error("unreadable netlink message", "id", "netlink-unreadable", "error", err)
		return false
	}
	attrs := parsed.Attrs()
	index := uint32(attrs.Index)
	if kind == unix.RTM_DELLINK {
		delete(w.links, index)
		return true
	}
	const up = unix.IFF_UP | unix.IFF_RUNNING
	now := link{name: attrs.Name, up: attrs.RawFlags&up == up}
	changed = w.links[index] != now
	w.links[index] = now
	return changed
}
