package udp

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/limit"
)

// A sieve has the kernel throw away a share of what floods send, before it takes room in a socket's buffer: a classic BPF program in front of the
// socket's own filter, with a random number for each datagram. It needs no rights. What is thrown away costs the sender's path through the
// kernel and nothing of the worker's time.
//
// What a filter rejects the kernel counts as the socket's drops, so the drop counts must know of sieves (drops.go).
type sieve struct {
	sockets []sieved
	workers int
	classes int
	held    atomic.Pointer[[]limit.Flood] // since the last call of Sift; nil: none
	changes atomic.Uint64                 // how often Sift was begun and ended
	failed  atomic.Pointer[error]         // the newest refusal of the kernel's
}

// A sieved is one socket: what its own filter is.
type sieved struct {
	fd       int
	index    int // in its group
	filtered bool
}

// Sift implements worker.Sieve.
func (e *endpoint) Sift(floods []limit.Flood) {
	if !e.receive.gate.enter() {
		return
	}
	defer e.receive.gate.leave()
	s := &e.sieve
	s.changes.Add(1)
	for i := range s.sockets {
		if err := s.set(&s.sockets[i], floods); err != nil {
			s.failed.Store(&err)
		}
	}
	if s.held.Store(nil); len(floods) > 0 {
		held := slices.Clone(floods)
		s.held.Store(&held)
	}
	s.changes.Add(1)
}

// sifts tells how often sieves were changed, and whether one is in place: while that is so, and where it has changed, sockets' counters have
// grown by what they rejected.
func (s *Server) sifts() (changes uint64, active bool) {
	for _, w := range s.workers {
		changes += w.sieve.changes.Load()
		active = active || w.sieve.held.Load() != nil
	}
	return changes, active
}

func (s *sieve) set(to *sieved, floods []limit.Flood) error {
	if len(floods) == 0 && !to.filtered {
		err := unix.SetsockoptInt(to.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
		if err == unix.ENOENT {
			err = nil
		}
		return err
	}
	var a assembler
	for i := range floods {
		a.sift(&floods[i], fmt.Sprint("other ", i))
	}
	code := a.assemble()
	if to.filtered {
		code = append(code, filterProgram(to.index, s.workers, s.classes)...)
	} else {
		code = append(code, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: acceptAll})
	}
	return attach(to.fd, unix.SO_ATTACH_FILTER, code)
}

// Loads that aren't of the packet (linux/filter.h): SKF_AD_OFF, and what stands behind it.
const (
	ancillary          = 0xfffff000
	ancillaryInterface = ancillary + 8
	ancillaryRandom    = ancillary + 56
	ipSource           = 8  // offset in the IPv6 header
	relayPeer          = 18 // offset of peer-address (RFC 9915, Section 9)
)

// sift rejects a flood's datagrams, but for the share that is kept. Others' go on at the label.
func (a *assembler) sift(f *limit.Flood, other string) {
	is := func(k uint32) { a.jump(unix.BPF_JEQ|unix.BPF_K, k, "", other) }
	address := func(of *[16]byte, at uint32) {
		for i := uint32(0); i < 16; i += 4 {
			a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, at+i)
			is(binary.BigEndian.Uint32(of[i:]))
		}
	}
	address(&f.Source, networkOffset+ipSource)
	if f.Interface != 0 {
		a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, ancillaryInterface)
		is(f.Interface)
	}
	if f.Relayed {
		a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_LEN, 0)
		a.jump(unix.BPF_JGE|unix.BPF_K, udpHeader+relayHeader, "", other)
		a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_ABS, udpHeader)
		is(relayForward)
		address(&f.Peer, udpHeader+relayPeer)
	}
	a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, ancillaryRandom)
	a.jump(unix.BPF_JGE|unix.BPF_K, f.Keep, "", other)
	a.emit(unix.BPF_RET|unix.BPF_K, 0)
	a.label(other)
}

const floodTicks = 60 // between two events of one flood

// tellFloods tells of floods that are held, and once of a kernel that doesn't hold them.
func (w *watcher) tellFloods() {
	for flow, ticks := range w.floods {
		if ticks--; ticks > 0 {
			w.floods[flow] = ticks
		} else {
			delete(w.floods, flow)
		}
	}
	for _, e := range w.server.workers {
		if err := e.sieve.failed.Load(); err != nil && !w.unsieved {
			w.unsieved = true
			w.server.notify(Event{Kind: SieveFailed, Err: *err})
		}
		held := e.sieve.held.Load()
		if held == nil {
			continue
		}
		for _, f := range *held {
			if w.floods[f.Flow] > 0 {
				continue
			}
			if w.floods == nil {
				w.floods = map[limit.Flow]int{}
			}
			w.floods[f.Flow] = floodTicks
			w.server.notify(Event{Kind: FloodHeld, Flood: f})
		}
	}
}
