package udp

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A dropCount reads what the kernel dropped. Server.mutex guards it.
//
// A socket's own counter (SO_MEMINFO; /proc/net/udp6 and SO_RXQ_OVFL show the same one) is the truth where the socket
// has no filter. What a filter rejects is counted too: with four workers every multicast datagram counts three
// times as a drop. For filtered sockets the growth of their counters is therefore held against the namespace's
// count of datagrams that found a receive buffer full (Udp6RcvbufErrors, Udp6MemErrors), less what unfiltered sockets lost:
// of the two the smaller is believed. What filters rejected is known nearly: each of n sockets' filters rejects what another one
// takes, so of R multicast datagrams that were read there were n-1 times R rejections, and no more losses than what the counters
// have grown beyond that. Another process's losses can then be taken for ours only while datagrams wait to be read, or up
// to what was rejected of datagrams that we lost ourselves; which of several filtered sockets lost a datagram is a guess.
//
// While a sieve holds floods (sieve.go) all sockets are filtered ones, and what their counters have grown by beyond losses and multicast's
// rejections was thrown away as a flood's: of multicast by each socket.
type dropCount struct {
	sockets []socketCount
	read    func() uint64                        // multicast datagrams that were read so far
	sifts   func() (changes uint64, active bool) // see Server.sifts
	grown   uint64                               // of filtered sockets' counters, in all
	excused uint64                               // of it, what was believed
	others  uint64                               // how many sockets reject what one of them takes
	total   uint64
	told    uint64 // of total, in events

	changes  uint64 // of sieves, at the last update
	rejected uint64 // by multicast's filters; then

	snmp   *os.File // nil: filtered sockets' drops are unknown
	errors uint64   // the namespace's count at the last update
	credit uint64   // what remained of its growth then: sockets are read first, and a drop may fall between
	text   []byte
}

type socketCount struct {
	group   *group
	index   int    // in its group
	raw     uint32 // the kernel's counter at the last update; it wraps
	dropped uint64
}

// open begins to count. The file belongs to the calling thread's network namespace for as long as it is open.
func (d *dropCount) open(groups []*group, read func() uint64, sifts func() (uint64, bool), logger *slog.Logger) {
	d.read, d.sifts = read, sifts
	for _, g := range groups {
		if g.filtered() { // the interfaces' wildcard group: there is one
			d.others = uint64(len(g.fds) - 1)
		}
		for i, fd := range g.fds {
			raw, _ := rawDrops(fd)
			d.sockets = append(d.sockets, socketCount{group: g, index: i, raw: raw})
		}
	}
	var err error
	if d.snmp, err = os.Open("/proc/thread-self/net/snmp6"); err == nil {
		d.text = make([]byte, 64<<10)
		d.errors, err = d.bufferErrors()
	}
	if err != nil {
		logger.Warn("drops can't be told from what filters reject", "id", "drops-uncounted", "error", err)
		d.close()
	}
}

func (d *dropCount) close() {
	if d.snmp != nil {
		_ = d.snmp.Close()
		d.snmp = nil
	}
}

// forget starts the counters of a group that was bound anew.
func (d *dropCount) forget(g *group) {
	for i := range d.sockets {
		if s := &d.sockets[i]; s.group == g {
			s.raw, _ = rawDrops(g.fds[s.index])
		}
	}
}

// update adds what was dropped since the last time.
func (d *dropCount) update() {
	type claim struct {
		socket *socketCount
		grown  uint64
	}
	rejected := d.others * d.read() // before the sockets' counters, which must not lack what this has
	var claims []claim              // of filtered sockets
	var certain uint64
	_, before := d.sifts()
	counts := d.counters()
	changes, sifting := d.sifts()
	sifting = sifting || before || changes != d.changes
	d.changes = changes
	for i := range d.sockets {
		s := &d.sockets[i]
		grown := uint64(counts[i] - s.raw)
		s.raw = counts[i]
		if s.group.filtered() || sifting {
			claims = append(claims, claim{s, grown})
			d.grown += grown
			continue
		}
		s.dropped += grown
		certain += grown
	}
	d.total += certain
	budget := d.budget(certain)
	var grown, lost uint64
	for _, c := range claims {
		believed := min(c.grown, budget, d.beyond(rejected))
		grown, lost = grown+c.grown, lost+believed
		c.socket.dropped += believed
		d.total += believed
		d.excused += believed
		budget -= believed
	}
	d.credit = min(d.credit, budget)
	if known := lost + rejected - d.rejected; sifting && grown > known {
		d.excused += min(grown-known, d.beyond(rejected)) // else what isn't read yet would be excused twice
	}
	d.rejected = rejected
}

// beyond returns how far the filtered sockets' counters have grown beyond what was rejected and what was believed.
func (d *dropCount) beyond(rejected uint64) uint64 {
	return d.grown - min(d.grown, rejected+d.excused)
}

// budget returns how many datagrams filtered sockets can have lost since the last update, when others lost certain.
// What is left of this update's growth is good for the next one only.
func (d *dropCount) budget(certain uint64) uint64 {
	if d.snmp == nil {
		return 0
	}
	now, err := d.bufferErrors()
	if err != nil {
		return 0
	}
	grown := now - d.errors
	d.errors = now
	before := d.credit
	d.credit = grown - min(grown, certain)
	return before + d.credit
}

// counters reads all sockets' counters, as the kernel has them.
func (d *dropCount) counters() (counts []uint32) {
	for i := range d.sockets {
		s := &d.sockets[i]
		raw, err := rawDrops(s.group.fds[s.index])
		if err != nil {
			raw = s.raw
		}
		counts = append(counts, raw)
	}
	return counts
}

// rawDrops reads a socket's counter.
func rawDrops(fd int) (uint32, error) {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, os.NewSyscallError("getsockopt SO_MEMINFO", errno)
	}
	return info[unix.SK_MEMINFO_DROPS], nil
}

var bufferErrorNames = [][]byte{[]byte("Udp6RcvbufErrors"), []byte("Udp6MemErrors")}

// bufferErrors reads the namespace's counters: lines of a name, spaces and a number.
func (d *dropCount) bufferErrors() (total uint64, err error) {
	n, err := d.snmp.ReadAt(d.text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	found := false
	for line := range bytes.Lines(d.text[:n]) {
		for _, name := range bufferErrorNames {
			value, ok := bytes.CutPrefix(line, name)
			if !ok {
				continue
			}
			count, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 64)
			if err != nil {
				return 0, err
			}
			total += count
			found = true
		}
	}
	if !found {
		return 0, errors.New("/proc/net/snmp6: no Udp6RcvbufErrors")
	}
	return total, nil
}
