package udp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/core/limit"
)

// A sieve has the kernel throw away a share of what floods send, before it takes room in a socket's buffer: a classic BPF program in front of the
// socket's own filter, with a random number for each datagram. It needs no rights. What is thrown away costs the sender's path through the
// kernel and nothing of the worker's time.
//
// What a filter rejects the kernel counts as the socket's drops, so the drop counts must know of sieves (drops.go).
type sieve struct {
	config *Config

	mu      sync.Mutex
	sockets []sieved
	held    []limit.Flood // what may be in place
	changes uint64        // how often it was changed
	renewed int           // ticks for which it stays if Sift isn't called
	failed  error         // the newest refusal of the kernel's
}

const sieveTicks = 3 // for which a sieve stays that isn't renewed: the worker hears nobody, or what it hears is thrown away

// A sieved is one socket: what its own filter is.
type sieved struct {
	fd       int
	index    int // in its group
	filtered bool
	later    bool // it is for what may wait
}

// Sift implements worker.Sieve.
func (e *endpoint) Sift(floods []limit.Flood) bool {
	if e.sieve.config.GRO || !e.receive.gate.enter() { // of what the kernel has merged a filter sees the first
		return false
	}
	defer e.receive.gate.leave()
	return e.sieve.put(floods)
}

// put puts a sieve for these floods in place, or else none.
func (s *sieve) put(floods []limit.Flood) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.renewed = slices.Clone(floods), sieveTicks
	if err := s.each(floods); err != nil {
		s.failed = err
		s.remove()
		return false
	}
	return true
}

// remove takes the sieve away. Where the kernel refuses even that, the next tick tries again.
func (s *sieve) remove() {
	if s.each(nil) == nil {
		s.held = nil
	}
}

func (s *sieve) each(floods []limit.Flood) error {
	s.changes++
	var errs []error
	for i := range s.sockets {
		errs = append(errs, s.set(&s.sockets[i], floods))
	}
	return errors.Join(errs...)
}

// tick takes a sieve away that the worker doesn't renew. It returns what is held, and the newest refusal of the kernel's since the last time.
func (s *sieve) tick() (held []limit.Flood, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewed--; len(s.held) > 0 && (s.renewed <= 0 || s.failed != nil) {
		s.remove()
	}
	failed, s.failed = s.failed, nil
	return s.held, failed
}

// sifts tells how often sieves were changed, and whether one is in place: while that is so, and where it has changed, sockets' counters have
// grown by what they rejected.
func (s *Server) sifts() (changes uint64, active bool) {
	for _, w := range s.workers {
		w.sieve.mu.Lock()
		changes += w.sieve.changes
		active = active || len(w.sieve.held) > 0
		w.sieve.mu.Unlock()
	}
	return changes, active
}

func (s *sieve) set(to *sieved, floods []limit.Flood) error {
	var a assembler
	for i := range floods {
		if floods[i].Later == to.later {
			a.sift(&floods[i], fmt.Sprint("other ", i))
		}
	}
	if len(a.code) == 0 && !to.filtered {
		err := unix.SetsockoptInt(to.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
		if err == unix.ENOENT {
			err = nil
		}
		return err
	}
	code := a.assemble()
	if to.filtered {
		code = append(code, filterProgram(to.index, s.config.Workers, s.config.classes())...)
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
		a.emit(unix.BPF_LD|unix.BPF_B|unix.BPF_ABS, udpHeader+relayHops)
		is(0)
		address(&f.Peer, udpHeader+relayPeer)
	}
	a.emit(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, ancillaryRandom)
	a.jump(unix.BPF_JGE|unix.BPF_K, f.Keep, "", other)
	a.emit(unix.BPF_RET|unix.BPF_K, 0)
	a.label(other)
}

const (
	floodTicks = 60 // between two events of one flood
	floodsTold = 16 // of which there are events at most in that time
)

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
		held, failed := e.sieve.tick()
		if failed != nil && !w.unsieved {
			w.unsieved = true
			w.server.notify(Event{Kind: SieveFailed, Err: failed})
		}
		for _, f := range held {
			if w.floods[f.Flow] > 0 || len(w.floods) >= floodsTold {
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
