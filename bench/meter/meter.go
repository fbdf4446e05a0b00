// Package meter tells what a benchmark costs: from /proc what a server's process takes under load (CPU time, memory, threads, and the
// datagrams that the kernel dropped in its network namespace), how busy a processor is, and of this very process its CPU time, memory
// and garbage collections.
package meter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// perTick is the unit of the times in /proc/PID/stat: the kernel shows a hundredth of a second on every machine.
const perTick = 10 * time.Millisecond

// Columns of /proc/PID/stat behind the program's name, which may have blanks and brackets in it (proc_pid_stat(5)).
const (
	statUser    = 14 - 3
	statSystem  = 15 - 3
	statThreads = 20 - 3
	statRSS     = 24 - 3
)

// A Process is a process to look at. It may be used by one goroutine at a time.
type Process struct {
	folder string // /proc/PID
	pid    int
	ports  []uint16
}

// A Sample is a process at one moment. Counters only grow; two samples' difference is what was between them.
type Sample struct {
	CPU         time.Duration // in user and kernel mode, of all threads, those that have ended too; in steps of 10 ms
	RSS         int64         // octets of memory in use
	Threads     int
	SocketDrops uint64 // datagrams that the kernel dropped at sockets on the server's ports
	BufferDrops uint64 // and at any UDP socket of the process's network namespace, for want of buffer space or memory
}

// Open looks at a process whose server listens on these ports.
func Open(pid int, ports ...uint16) (*Process, error) {
	p := &Process{folder: filepath.Join("/proc", strconv.Itoa(pid)), pid: pid, ports: ports}
	_, err := p.Read()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Read reads a Sample.
func (p *Process) Read() (s Sample, err error) {
	defer func() {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = fmt.Errorf("there is no process %d (any more): give the server's, such as of pidof", p.pid)
		case errors.Is(err, fs.ErrPermission):
			err = fmt.Errorf("process %d can't be looked at: %w; run as root, or as the server's user", p.pid, err)
		}
	}()
	if err := p.stat(&s); err != nil {
		return s, err
	}
	sockets, err := os.ReadFile(filepath.Join(p.folder, "net/udp6"))
	if err != nil {
		return s, err
	}
	if s.SocketDrops, err = socketDrops(sockets, p.ports); err != nil {
		return s, fmt.Errorf("%s/net/udp6: %w", p.folder, err)
	}
	counters, err := os.ReadFile(filepath.Join(p.folder, "net/snmp6"))
	if err != nil {
		return s, err
	}
	s.BufferDrops = BufferDrops(counters)
	return s, nil
}

func (p *Process) stat(s *Sample) error {
	text, err := os.ReadFile(filepath.Join(p.folder, "stat"))
	if err != nil {
		return err
	}
	return parseStat(text, s)
}

func parseStat(text []byte, s *Sample) error {
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var numbers [4]int64
	for i, column := range [...]int{statUser, statSystem, statThreads, statRSS} {
		if column >= len(fields) {
			return fmt.Errorf("/proc/PID/stat has %d columns only", len(fields))
		}
		n, err := strconv.ParseInt(fields[column], 10, 64)
		if err != nil {
			return fmt.Errorf("/proc/PID/stat: %w", err)
		}
		numbers[i] = n
	}
	s.CPU = time.Duration(numbers[0]+numbers[1]) * perTick
	s.Threads, s.RSS = int(numbers[2]), numbers[3]*int64(os.Getpagesize())
	return nil
}

// socketDrops adds up the last column of a namespace's table of sockets, of those on some ports.
func socketDrops(table []byte, ports []uint16) (total uint64, err error) {
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) < 13 || fields[0] == "sl" {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		port, err := strconv.ParseUint(hex, 16, 16)
		if err != nil {
			return 0, err
		}
		for _, p := range ports {
			if uint16(port) != p {
				continue
			}
			drops, err := strconv.ParseUint(fields[12], 10, 64)
			if err != nil {
				return 0, err
			}
			total += drops
			break
		}
	}
	return total, nil
}

// BufferDrops adds up the namespace's counters of datagrams for which there was no room.
func BufferDrops(counters []byte) (total uint64) {
	for line := range strings.Lines(string(counters)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && (fields[0] == "Udp6RcvbufErrors" || fields[0] == "Udp6MemErrors") {
			n, _ := strconv.ParseUint(fields[1], 10, 64) // the kernel writes numbers
			total += n
		}
	}
	return total
}

// Plus adds up two processes.
func (s Sample) Plus(o Sample) Sample {
	return Sample{
		CPU: s.CPU + o.CPU, RSS: s.RSS + o.RSS, Threads: s.Threads + o.Threads,
		SocketDrops: s.SocketDrops + o.SocketDrops, BufferDrops: s.BufferDrops + o.BufferDrops,
	}
}

// Since is what has been since an earlier Sample: differences of what grows, and memory and threads as they are now.
// A counter that has shrunk, as a socket was closed, has not grown.
func (s Sample) Since(o Sample) Sample {
	s.CPU = max(s.CPU-o.CPU, 0)
	s.SocketDrops -= min(o.SocketDrops, s.SocketDrops)
	s.BufferDrops -= min(o.BufferDrops, s.BufferDrops)
	return s
}
