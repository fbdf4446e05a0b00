package daemon

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// leaseLogDepth is how many writes' events wait for the log at most.
const leaseLogDepth = 1024

// A leaseLog writes one line per lease event, behind the packet path: whoever hands changes over never waits. Where the
// log can't follow, events are left out and counted.
//
// What this node does for its clients is told at level info; at debug what it observes of peers, which they log
// themselves, and that ended bindings were reclaimed, which may be either's.
type leaseLog struct {
	log   *slog.Logger
	owner func(uint8) string // names a peer by its number
	queue chan []byte
	spare chan []byte
	lost  atomic.Uint64
	on    atomic.Bool // events are logged
}

func newLeaseLog(log *slog.Logger, owner func(uint8) string) *leaseLog {
	l := &leaseLog{log: log, owner: owner, queue: make(chan []byte, leaseLogDepth), spare: make(chan []byte, leaseLogDepth)}
	l.on.Store(true)
	return l
}

// observe takes a copy of a write's changes. Any goroutine may call it.
func (l *leaseLog) observe(changes []byte) {
	if !l.on.Load() {
		return
	}
	var copied []byte
	select {
	case copied = <-l.spare:
	default:
	}
	copied = append(copied[:0], changes...)
	select {
	case l.queue <- copied:
	default:
		l.lost.Add(1)
	}
}

// run writes events until the context ends, and then those that wait already.
func (l *leaseLog) run(ctx context.Context) {
	for {
		select {
		case changes := <-l.queue:
			l.take(changes)
		case <-ctx.Done():
			for len(l.queue) > 0 {
				l.take(<-l.queue)
			}
			return
		}
	}
}

func (l *leaseLog) take(changes []byte) {
	if lost := l.lost.Swap(0); lost > 0 {
		l.log.Warn("lease events were left out: the log is too slow", "id", "lease-events-lost", "batches", lost)
	}
	l.write(changes)
	select {
	case l.spare <- changes:
	default:
	}
}

func (l *leaseLog) write(changes []byte) {
	for len(changes) > 0 {
		key, value, rest, err := binding.NextChange(changes)
		if err != nil {
			l.unreadable(err)
			return
		}
		changes = rest
		stored, err := binding.DecodeValue(key, value)
		if err != nil {
			l.unreadable(err)
			return
		}
		l.event(&stored)
	}
}

func (l *leaseLog) unreadable(err error) {
	l.log.Error("a change of a binding can't be read back", "id", "lease-event-unreadable", "error", err)
}

func (l *leaseLog) event(s *binding.Stored) {
	if s.Removed {
		l.log.Debug("lease reclaimed", "id", "lease-reclaimed", "lease", privacy.Lease(s.Key.Address, s.Key.Length))
		return
	}
	if s.Kind == wire.Registered {
		l.registration(s)
		return
	}
	m := leaseEvent(s)
	if !l.log.Enabled(context.Background(), m.level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("id", m.id),
		slog.Any("lease", privacy.Lease(s.Key.Address, s.Key.Length)), slog.Any("duid", privacy.DUID(s.DUID)),
		loggedIAID(s.IAID, s.Flags&engine.FlagAnonymous != 0), slog.Uint64("valid", uint64(s.Valid)),
	}
	if s.Owner != peer.Self {
		attrs = append(attrs, slog.String("peer", l.owner(s.Owner)))
	}
	if m == leaseUnseen {
		attrs = append(attrs, slog.String("state", s.State.String()))
	}
	l.log.LogAttrs(context.Background(), m.level, m.text, attrs...)
}

// registration tells of an address that its client registered (RFC 9686, Section 4.2.1).
func (l *leaseLog) registration(s *binding.Stored) {
	m := addressEnded
	switch {
	case s.State == binding.Bound && s.Flags&engine.FlagMoved != 0:
		m = addressMoved
	case s.State == binding.Bound && s.Since == s.LastTransaction:
		m = addressRegistered
	case s.State == binding.Bound:
		m = addressRefreshed
	}
	attrs := []slog.Attr{
		slog.String("id", m.id), slog.Any("lease", privacy.Lease(s.Key.Address, s.Key.Length)), slog.Any("duid", privacy.DUID(s.DUID)),
		slog.String("valid", admin.LifetimeText(s.Valid)),
	}
	if hardware, err := net.ParseMAC(admin.HardwareText(s)); err == nil {
		attrs = append(attrs, slog.Any("hardware", privacy.Hardware(hardware)))
	}
	l.log.LogAttrs(context.Background(), m.level, m.text, attrs...)
}

func loggedIAID(iaid uint32, unknown bool) slog.Attr {
	if unknown {
		return slog.Any("iaid", privacy.Public("unknown"))
	}
	return slog.Any("iaid", privacy.IAID(iaid))
}

// leaseEvent names what a change of a binding means to an operator.
func leaseEvent(s *binding.Stored) message {
	switch {
	case s.Owner != peer.Self && s.State == binding.Bound:
		return leaseObserved
	case s.Owner != peer.Self:
		return leaseUnseen
	case s.State == binding.Bound && s.Since == s.LastTransaction:
		return leaseGranted
	case s.State == binding.Bound:
		return leaseExtended
	case s.State == binding.Released:
		return leaseReleased
	case s.State == binding.Declined:
		return leaseDeclined
	default:
		return leaseReplaced
	}
}
