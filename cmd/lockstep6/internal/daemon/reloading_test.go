package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// patience is when a test gives up waiting for what must come: what failed for a while is tried again half a minute later by much of a node.
const patience = 2 * time.Minute

// A reloading node is one with its configuration in a file that a test may write anew.
type reloading struct {
	*Daemon
	t      *testing.T
	file   string
	hangup chan os.Signal
	log    *syncBuffer
	end    func()
}

// A syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// startNode runs a node in a folder until the test ends, or end is called.
func startNode(t *testing.T, folder, node, config string, with ...func(*Options)) *reloading {
	t.Helper()
	r := &reloading{t: t, file: filepath.Join(folder, "lockstep6.yaml"), hangup: make(chan os.Signal, 1), log: new(syncBuffer)}
	r.write(config)
	level := new(slog.LevelVar)
	var err error
	o := Options{
		ConfigFile: r.file, Node: node, Data: filepath.Join(folder, "data"), Listen: []netip.AddrPort{netip.MustParseAddrPort("[::1]:0")},
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: level})), Level: level, Hangup: r.hangup,
	}
	for _, change := range with {
		change(&o)
	}
	r.Daemon, err = Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.end)
	return r
}

func (r *reloading) write(config string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(config), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// until waits for what must come.
func (r *reloading) until(what string, holds func() bool) {
	r.t.Helper()
	for start := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			r.t.Fatalf("it never came that %s; the log:\n%s", what, r.log)
		}
	}
}

// A client is one behind a relay that says by which port it asks (RFC 8357).
type client struct {
	t          *testing.T
	conn       *net.UDPConn
	link       netip.Addr
	duid       []byte
	server     []byte
	xid        uint32
	pending    [3]byte
	asked      []byte           // the last message, as it was sent
	sent       uint64           // how many were, with those that were sent again
	deprecated []netip.Prefix   // leases of the last reply that have a valid lifetime, and no preferred one
	fqdn       []byte           // the data of the last reply's Client FQDN option; nil: it had none
	said       []byte           // that of its IA Address option outside of an IA
	kind       wire.MessageType // of the last reply
	peer       [16]byte         // to which it is to be relayed
}

func (r *reloading) client(n byte, link string) *client {
	r.t.Helper()
	conn, err := net.DialUDP("udp6", nil, net.UDPAddrFromAddrPort(r.sockets.Addresses()[0]))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return &client{t: r.t, conn: conn, link: netip.MustParseAddr(link), duid: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, n}}
}

// A lease is what a reply says of one.
type lease struct {
	prefix netip.Prefix
	valid  uint32
}

// ia appends an IA with leases in it.
func ia(dst []byte, kind wire.Kind, leases ...netip.Prefix) []byte {
	dst, mark := wire.OpenIA(dst, kind, 7)
	for _, l := range leases {
		a := l.Addr().As16()
		if kind == wire.IANA {
			dst = wire.AppendIAAddress(dst, &a, 0, 0)
		} else {
			dst = wire.AppendIAPrefix(dst, &a, uint8(l.Bits()), 0, 0, nil)
		}
	}
	return wire.CloseOption(dst, mark)
}

// send sends a message with IAs, and the server's identifier where it is to be named.
func (c *client) send(m wire.MessageType, ias []byte, named bool) {
	c.t.Helper()
	c.sendFrom([16]byte{0xfe, 0x80}, m, ias, named)
}

// sendFrom is send from another address than the link-local one.
func (c *client) sendFrom(peer [16]byte, m wire.MessageType, ias []byte, named bool) {
	c.t.Helper()
	c.xid++
	c.pending = [3]byte{byte(c.xid >> 16), byte(c.xid >> 8), byte(c.xid)}
	inner := wire.AppendOption(wire.AppendHeader(nil, m, c.pending), wire.OptionClientID, c.duid)
	if named {
		inner = wire.AppendOption(inner, wire.OptionServerID, c.server)
	}
	inner = append(inner, ias...)
	link := c.link.As16()
	packet := append([]byte{byte(wire.RelayForward), 0}, link[:]...)
	packet = append(packet, peer[:]...)
	packet = wire.AppendOption(packet, wire.OptionRelaySourcePort, []byte{0, 0})
	packet = wire.AppendOption(packet, wire.OptionRelayMessage, inner)
	c.asked = packet
	c.write()
}

func (c *client) write() {
	c.t.Helper()
	c.sent++
	if _, err := c.conn.Write(c.asked); err != nil {
		c.t.Fatal(err)
	}
}

// until waits for what must come of the last message, other than its reply, and sends that again as answer does.
func (c *client) until(r *reloading, what string, holds func() bool) {
	c.t.Helper()
	sent := time.Now()
	r.until(what, func() bool {
		if time.Since(sent) > again {
			sent = time.Now()
			c.write()
		}
		return holds()
	})
}

// wantCounted waits until the node has counted all messages that clients sent since it began: as answered, or as shed, which a busy machine's node does with
// one that waited for long, and while its disk does. It loses none, and drops none for another reason.
func (r *reloading) wantCounted(clients ...*client) {
	r.t.Helper()
	var sent, answered, shed uint64
	for _, c := range clients {
		sent += c.sent
	}
	var s admin.State
	r.until(fmt.Sprintf("%d messages are counted", sent), func() bool {
		s = newOperator(r.Daemon).State()
		answered, shed = 0, 0
		for _, n := range s.Answered {
			answered += n
		}
		for _, reason := range []wire.Drop{wire.DropOverload, wire.DropShare, wire.DropStoreBroken} {
			shed += s.Dropped[reason.String()]
			delete(s.Dropped, reason.String())
		}
		return answered+shed >= sent
	})
	if answered+shed != sent || len(s.Dropped) > 0 {
		r.t.Errorf("of %d messages %d were shed, answered %v, dropped %v", sent, shed, s.Answered, s.Dropped)
	}
}

// again is how long a client waits for a reply until it sends its message once more: on a busy machine one that waited for long is dropped.
const again = 3 * time.Second

// answer waits for the reply to the last message, as its relay gets it. Replies to earlier ones, which were sent twice, are discarded (RFC 9915, Section 16.10).
func (c *client) answer(buffer []byte) (relayed, reply []byte) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; {
		_ = c.conn.SetReadDeadline(time.Now().Add(again)) // of a UDP socket it never fails
		n, err := c.conn.Read(buffer)
		switch {
		case err == nil:
			if n < 34 {
				c.t.Fatalf("not a relay's reply: %x", buffer[:n])
			}
			if reply = option(wire.Options(buffer[34:n]), wire.OptionRelayMessage); len(reply) >= 4 && [3]byte(reply[1:4]) == c.pending {
				return buffer[:n], reply
			}
		case time.Now().After(end):
			c.t.Fatalf("no reply: %v", err)
		default:
			c.write()
		}
	}
}

// receive waits for the reply to the last message, and returns its leases.
func (c *client) receive() (leases []lease) {
	c.t.Helper()
	var space [9216]byte
	buffer, reply := c.answer(space[:])
	options := wire.Options(reply[4:])
	c.kind, c.peer, c.said = wire.MessageType(reply[0]), [16]byte(buffer[18:]), bytes.Clone(option(options, wire.OptionIAAddress))
	c.server, c.fqdn = bytes.Clone(option(options, wire.OptionServerID)), bytes.Clone(option(options, wire.OptionClientFQDN))
	c.deprecated = nil
	for code, data, rest, ok := options.Next(); ok; code, data, rest, ok = rest.Next() {
		in := wire.IA{Kind: wire.IANA}
		switch code {
		case wire.OptionIAPD:
			in.Kind = wire.IAPD
		case wire.OptionIANA:
		default:
			continue
		}
		in.Options = wire.Options(data[12:])
		for l, more, ok := in.NextLease(in.Options); ok; l, more, ok = in.NextLease(more) {
			prefix := netip.PrefixFrom(netip.AddrFrom16(l.Address), int(l.Length))
			leases = append(leases, lease{prefix, l.Valid})
			if l.Valid > 0 && l.Preferred == 0 {
				c.deprecated = append(c.deprecated, prefix)
			}
		}
	}
	return leases
}

func option(all wire.Options, code wire.OptionCode) []byte {
	for c, data, rest, ok := all.Next(); ok; c, data, rest, ok = rest.Next() {
		if c == code {
			return data
		}
	}
	return nil
}

// acquire gets an address and a prefix.
func (c *client) acquire() (address, prefix netip.Prefix) {
	c.t.Helper()
	c.send(wire.Solicit, ia(ia(nil, wire.IANA), wire.IAPD), false)
	offered := c.receive()
	if len(offered) != 2 {
		c.t.Fatalf("offered %v, want an address and a prefix", offered)
	}
	c.send(wire.Request, ia(ia(nil, wire.IANA, offered[0].prefix), wire.IAPD, offered[1].prefix), true)
	got := c.receive()
	if len(got) != 2 || got[0].valid == 0 || got[1].valid == 0 {
		c.t.Fatalf("got %v, want an address and a prefix", got)
	}
	return got[0].prefix, got[1].prefix
}

// renew renews both, and returns what the reply says.
func (c *client) renew(address, prefix netip.Prefix) []lease {
	c.t.Helper()
	c.send(wire.Renew, ia(ia(nil, wire.IANA, address), wire.IAPD, prefix), true)
	return c.receive()
}

// edited is a configuration with texts replaced, each of which must be there.
func edited(t *testing.T, config string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(config, pairs[i]) {
			t.Fatalf("the configuration has no %q", pairs[i])
		}
		config = strings.Replace(config, pairs[i], pairs[i+1], 1)
	}
	return config
}

// notifications listens as a service manager does, and returns what came, joined.
func notifications(t *testing.T) func() string {
	t.Helper()
	folder, err := os.MkdirTemp("", "l6-") // a socket's path may have 107 octets only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	out := new(syncBuffer)
	go func() {
		var b [4096]byte
		for {
			n, err := conn.Read(b[:])
			if err != nil {
				return
			}
			_, _ = out.Write(append(b[:n:n], '|')) // never fails
		}
	}()
	return out.String
}

// second is the node's time.
func (r *reloading) second() binding.Time { return worker.Time(r.clock()) }
