package ceiling

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/bench/meter"
)

// The generator's measures.
const (
	window    = 1024 // packets under way at most
	superSize = 32   // packets of one super-packet
	warmUp    = 300 * time.Millisecond
	patience  = 50 * time.Millisecond // after that what is under way counts as lost
	giveUp    = 20 * time.Second      // after that no packet is coming back
	smallest  = 32                    // octets of a payload
	largest   = 1232                  // what fits the smallest path MTU
)

// A generatorTask is what the generator's process gets.
type generatorTask struct {
	EchoOptions
	Server netip.AddrPort
	PID    int // the server's process
	Core   int // the server's processor
}

// A blaster is the generator: one relay's socket, that sends super-packets (UDP_SEGMENT) and receives merged ones
// (UDP_GRO), so that it isn't what limits the echo.
type blaster struct {
	fd       int
	flying   int
	received uint64
	lost     uint64
	turn     int
	sizes    [2]int
	segment  int // what the socket's UDP_SEGMENT is set to
	data     []byte
	buffer   []byte
	control  [64]byte
	vector   unix.Iovec
	header   unix.Msghdr
}

func generator(in json.RawMessage, tell func(any) error, _ <-chan struct{}) error {
	var t generatorTask
	if err := json.Unmarshal(in, &t); err != nil {
		return err
	}
	runtime.LockOSThread()
	b, err := openBlaster(t)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(b.fd) }()
	if err := b.blast(warmUp); err != nil {
		return err
	}
	received, lost := b.received, b.lost
	server, err := meter.Open(t.PID)
	if err != nil {
		return err
	}
	before, err := readUsage(server, t.Core)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := b.blast(t.Duration); err != nil {
		return err
	}
	// On a machine that is busy with other things a short run may end before the server had its turn.
	for b.received == received && time.Since(began) < giveUp {
		if err := b.blast(patience); err != nil {
			return err
		}
	}
	after, err := readUsage(server, t.Core)
	if err != nil {
		return err
	}
	e := Echo{Packets: b.received - received, Lost: b.lost - lost, Seconds: time.Since(began).Seconds()}
	if e.Packets == 0 {
		return fmt.Errorf("no packet came back from %v", t.Server)
	}
	e.Rate = float64(e.Packets) / e.Seconds
	e.CoreCPU = (after.core - before.core).Seconds() * 1e6 / float64(e.Packets)
	e.ProcessCPU = (after.process - before.process).Seconds() * 1e6 / float64(e.Packets)
	return tell(e)
}

// A usage is what a processor and a process have done so far.
type usage struct{ core, process time.Duration }

func readUsage(p *meter.Process, core int) (u usage, err error) {
	if u.core, err = meter.CoreTime(core); err != nil {
		return u, err
	}
	s, err := p.Read()
	u.process = s.CPU
	return u, err
}

func openBlaster(t generatorTask) (*blaster, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	b := &blaster{fd: fd, sizes: [2]int{t.Sizes.Solicit, t.Sizes.Request}, data: make([]byte, superSize*largest), buffer: make([]byte, 1<<16)}
	b.vector.Base = &b.buffer[0]
	b.vector.SetLen(len(b.buffer))
	b.header.Iov = &b.vector
	b.header.SetIovlen(1)
	wait := unix.NsecToTimeval(patience.Nanoseconds())
	for _, set := range []func() error{
		func() error {
			return unix.Connect(fd, &unix.SockaddrInet6{Addr: t.Server.Addr().As16(), Port: int(t.Server.Port())})
		},
		func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1) },
		func() error { return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait) },
		func() error { return growBuffer(fd) },
	} {
		if err := set(); err != nil {
			return nil, fmt.Errorf("the generator's socket: %w; it needs Linux 5.0 or later", err)
		}
	}
	return b, nil
}

// growBuffer makes room for the whole window; only with CAP_NET_ADMIN is it more than net.core.rmem_max.
func growBuffer(fd int) error {
	const size = 8 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) == nil {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
}

// blast keeps the window full for so long. What is under way at the end stays so.
func (b *blaster) blast(long time.Duration) error {
	for end := time.Now().Add(long); time.Now().Before(end); {
		for b.flying+superSize <= window {
			if err := b.send(); err != nil {
				return err
			}
		}
		if err := b.receive(); err != nil {
			return err
		}
	}
	return nil
}

// send sends one super-packet, of Solicits and Requests in turn.
func (b *blaster) send() error {
	size := b.sizes[b.turn%2]
	b.turn++
	if b.segment != size {
		if err := unix.SetsockoptInt(b.fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, size); err != nil {
			return os.NewSyscallError("setsockopt UDP_SEGMENT", err)
		}
		b.segment = size
	}
	if _, err := unix.Write(b.fd, b.data[:size*superSize]); err != nil {
		return os.NewSyscallError("write", err)
	}
	b.flying += superSize
	return nil
}

// receive waits for one message, merged or not, and counts its packets.
func (b *blaster) receive() error {
	b.header.Control = &b.control[0]
	b.header.SetControllen(len(b.control))
	n, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(b.fd), uintptr(unsafe.Pointer(&b.header)), 0)
	switch errno {
	case 0:
	case unix.EINTR:
		return nil
	case unix.EAGAIN:
		b.lost += uint64(b.flying)
		b.flying = 0
		return nil
	default:
		return os.NewSyscallError("recvmsg", errno)
	}
	packets := 1
	if segment := mergedSize(b.control[:b.header.Controllen]); segment > 0 {
		packets = (int(n) + segment - 1) / segment
	}
	b.received += uint64(packets)
	b.flying = max(0, b.flying-packets)
	return nil
}

// mergedSize reads UDP_GRO's ancillary data: the size of each packet; 0: nothing was merged.
func mergedSize(control []byte) int {
	if len(control) < unix.SizeofCmsghdr+4 || binary.NativeEndian.Uint32(control[8:]) != unix.IPPROTO_UDP ||
		binary.NativeEndian.Uint32(control[12:]) != unix.UDP_GRO {
		return 0
	}
	return int(binary.NativeEndian.Uint32(control[unix.SizeofCmsghdr:]))
}
