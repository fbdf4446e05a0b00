package daemon

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A relay asks a node to have clients asked (RFC 6977).
type relay struct {
	t     *testing.T
	node  *reloading
	conn  *net.UDPConn
	xid   byte
	asked []byte // the last message
	shed  uint64 // messages that the node dropped, when that was sent
}

func (r *reloading) relay() *relay {
	r.t.Helper()
	conn, err := net.DialUDP("udp6", nil, net.UDPAddrFromAddrPort(r.sockets.Addresses()[0]))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return &relay{t: r.t, node: r, conn: conn}
}

// request makes a Reconfigure-request with some options before the clients.
func (r *relay) request(link string, options []byte, duids ...[]byte) []byte {
	r.xid++
	m := wire.AppendHeader(nil, wire.ReconfigureRequest, [3]byte{0, 0, r.xid})
	if link != "" {
		address := netip.MustParseAddr(link).As16()
		m = wire.AppendOption(m, wire.OptionLinkAddress, address[:])
	}
	m = append(m, options...)
	for _, duid := range duids {
		m = wire.AppendOption(m, wire.OptionClientID, duid)
	}
	return m
}

func (r *relay) send(m []byte) {
	r.t.Helper()
	r.asked, r.shed = m, r.node.overload()
	if _, err := r.conn.Write(m); err != nil {
		r.t.Fatal(err)
	}
}

// overload is how many messages the node dropped since they waited for long, as they do on a busy machine.
func (r *reloading) overload() uint64 {
	return newOperator(r.Daemon).State().Dropped[wire.DropOverload.String()]
}

// until waits for what must come of the last message other than its reply. Only where the node dropped that it is sent again, for requests are counted.
func (r *relay) until(what string, holds func() bool) {
	r.t.Helper()
	r.node.until(what, func() bool {
		if r.node.overload() > r.shed {
			r.send(r.asked)
		}
		return holds()
	})
}

// receive waits for the reply to the last message, as until does.
func (r *relay) receive() []byte {
	r.t.Helper()
	var buffer [9216]byte
	n := 0
	r.until("the relay is answered", func() bool {
		_ = r.conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // of a UDP socket it never fails
		var err error
		if n, err = r.conn.Read(buffer[:]); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			r.t.Fatal(err)
		}
		return err == nil
	})
	return buffer[:n]
}

// An answer is a Reconfigure-reply.
type answer struct {
	Status   wire.StatusCode
	NotAsked []string
}

// answered waits for the Reconfigure-reply to the last request, and holds it against RFC 6977, Section 6.2.2.
func (r *relay) answered() answer {
	r.t.Helper()
	return r.read(r.receive())
}

func (r *relay) read(m []byte) (a answer) {
	r.t.Helper()
	if len(m) < 4 || m[0] != byte(wire.ReconfigureReply) || [3]byte(m[1:4]) != [3]byte{0, 0, r.xid} {
		r.t.Fatalf("not the Reconfigure-reply to the last request: %x", m)
	}
	options := wire.Options(m[4:])
	status := option(options, wire.OptionStatusCode)
	if option(options, wire.OptionServerID) == nil || len(status) < 2 {
		r.t.Fatalf("no server or no status: %x", m)
	}
	a.Status = wire.StatusCode(status[0])<<8 | wire.StatusCode(status[1])
	for code, data, rest, ok := options.Next(); ok; code, data, rest, ok = rest.Next() {
		if code == wire.OptionClientID {
			a.NotAsked = append(a.NotAsked, string(data))
		}
	}
	return a
}

func (r *relay) ask(want answer, m []byte) {
	r.t.Helper()
	r.send(m)
	if diff := cmp.Diff(want, r.answered()); diff != "" {
		r.t.Errorf("(-want +got):\n%s", diff)
	}
}

const relaysMayAsk = "reconfigure: {requestors: [\"::1\"], request-rate: 1000, timeout: 1m}" + askedLinks

// TestRelayAsks: the clients that a relay names and that can be asked are asked, for what it says, and it is told of the others; while an
// operator's run goes on too. A request that it sends again asks nobody twice.
func TestRelayAsks(t *testing.T) {
	r := startNode(t, t.TempDir(), "", relaysMayAsk)
	one, other, elsewhere := r.accepting(1, "2001:db8:1::1"), r.accepting(2, "2001:db8:1::1"), r.accepting(3, "2001:db8:2::1")
	plain := r.client(4, "2001:db8:1::1")
	plain.send(wire.Solicit, ia(nil, wire.IANA), false)
	plain.send(wire.Request, ia(nil, wire.IANA, plain.receive()[0].prefix), true)
	plain.receive()
	r.ask(admin.ReconfigureRequest{Link: "pop1"})
	elsewhere.reconfigured()

	relay := r.relay()
	nobody := []byte{0, 3, 0, 1, 9}
	want := answer{Status: wire.StatusSuccess, NotAsked: []string{string(elsewhere.duid), string(plain.duid), string(nobody)}}
	relay.ask(want, relay.request("2001:db8:1::1", nil, elsewhere.duid, one.duid, plain.duid, other.duid, nobody))
	for _, a := range []*accepting{one, other} {
		if got := a.reconfigured(); got != wire.Renew {
			t.Errorf("asked for %s", got)
		}
	}
	relay.ask(answer{}, relay.request("2001:db8:1::fe", nil, one.duid))
	one.send(wire.Renew, ia(nil, wire.IANA, one.address), true)
	one.receive()
	other.send(wire.Renew, ia(nil, wire.IANA, other.address), true)
	other.receive()
	elsewhere.send(wire.Renew, ia(nil, wire.IANA, elsewhere.address), true)
	elsewhere.receive()
	r.until("all have answered", func() bool { return r.reconfigureTotals().Outcomes["answered"] == 3 && !r.reconfigureTotals().Running })

	inform := wire.AppendUint8Option(nil, wire.OptionReconfigureMessage, byte(wire.InformationRequest))
	relay.ask(answer{}, relay.request("2001:db8:1::1", inform, one.duid))
	if got := one.reconfigured(); got != wire.InformationRequest {
		t.Errorf("asked for %s", got)
	}
	totals := r.reconfigureTotals()
	if totals.Sent != 4 || totals.Waiting != 1 {
		t.Errorf("%+v", totals)
	}
	if diff := cmp.Diff(map[string]uint64{"asked": 4, "not-asked": 3}, totals.Requested); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
	// Who may not have them asked any more hasn't them asked on.
	r.changed("reconfigure: {}" + askedLinks)
	r.until("the run for relays ends", func() bool { return !r.reconfigureTotals().Running })
	relay.ask(answer{Status: wire.StatusNotAllowed}, relay.request("2001:db8:1::1", nil, one.duid))
}

// TestRelayIsRefused: what a relay is told that doesn't get what it wants, and what is dropped (RFC 6977, Sections 6.2.1, 6.5 and 9).
func TestRelayIsRefused(t *testing.T) {
	duid := []byte{0, 3, 0, 1, 1}
	r := startNode(t, t.TempDir(), "", askedLinks)
	relay := r.relay()
	relay.ask(answer{Status: wire.StatusNotAllowed}, relay.request("2001:db8:1::1", nil, duid))
	r.changed("reconfigure: {requestors: [\"2001:db8:ffff::/48\"]}" + askedLinks)
	relay.send(relay.request("2001:db8:1::1", nil, duid))
	relay.until("the stranger is ignored", func() bool { return r.reconfigureTotals().Requests[requestStranger] == 1 })
	r.changed(relaysMayAsk)
	foreign := wire.AppendOption(nil, wire.OptionServerID, duid)
	for i, m := range [][]byte{relay.request("2001:db8:1::1", nil), relay.request("", nil, duid), relay.request("2001:db8:1::1", foreign, duid)} {
		relay.send(m)
		relay.until("it is dropped", func() bool { return r.reconfigureTotals().Requests[requestInvalid] == uint64(i+1) })
	}
	relay.ask(answer{Status: wire.StatusNotConfigured}, relay.request("2001:db8:99::1", nil, duid))
	relay.ask(answer{Status: wire.StatusUnspecFail}, relay.request("2001:db8:1::1", nil, duid[:2]))
	relay.ask(answer{NotAsked: []string{string(duid)}}, relay.request("2001:db8:1::1", nil, duid))
	want := map[string]uint64{
		requestNotAllowed: 1, requestStranger: 1, requestInvalid: 3, requestNotConfigured: 1, requestMalformed: 1, requestTaken: 1,
	}
	if diff := cmp.Diff(want, r.reconfigureTotals().Requests); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRelaysOfRelays: a request that relays pass on comes from whom the first of them heard, and is answered the way back: a client's isn't
// taken, though its relay may ask.
func TestRelaysOfRelays(t *testing.T) {
	r := startNode(t, t.TempDir(), "", "reconfigure: {requestors: [\"::1\", \"2001:db8:ff::/64\"]}"+askedLinks)
	one := r.accepting(1, "2001:db8:1::1")
	relay := r.relay()
	forward := func(peer string) []byte {
		address := netip.MustParseAddr(peer).As16()
		m := append(append([]byte{byte(wire.RelayForward), 0}, make([]byte, 16)...), address[:]...)
		m = wire.AppendOption(m, wire.OptionInterfaceID, []byte("port"))
		m = wire.AppendOption(m, wire.OptionRelaySourcePort, []byte{0, 0})
		return wire.AppendOption(m, wire.OptionRelayMessage, relay.request("2001:db8:1::1", nil, one.duid))
	}
	relay.send(forward("fe80::c"))
	relay.until("the client is ignored", func() bool { return r.reconfigureTotals().Requests[requestStranger] == 1 })
	relay.send(forward("2001:db8:ff::9"))
	reply := relay.receive()
	options := wire.Options(reply[34:])
	if reply[0] != byte(wire.RelayReply) || string(option(options, wire.OptionInterfaceID)) != "port" {
		t.Errorf("answered by %x", reply)
	}
	if diff := cmp.Diff(answer{}, relay.read(option(options, wire.OptionRelayMessage))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	one.reconfigured()
}

// TestRelaysArePaced: of one relay no more requests are taken than the configuration says, and of another one still some; what waits is bounded.
func TestRelaysArePaced(t *testing.T) {
	c := config.Reconfigure{RequestRate: 2}
	now := int64(0)
	q := requests{d: &Daemon{clock: func() int64 { return now }}}
	one, other := netip.MustParseAddr("::1"), netip.MustParseAddr("::2")
	for i, want := range []bool{true, true, false} {
		if got := q.paces(one, &c); got != want {
			t.Errorf("request %d: %v", i, got)
		}
	}
	if !q.paces(other, &c) {
		t.Error("another relay isn't taken")
	}
	now = 1e9
	if !q.paces(one, &c) {
		t.Error("a second later it isn't taken")
	}
	for i := range sourcesMost {
		q.paces(netip.AddrFrom16([16]byte{1, 14: byte(i >> 8), 15: byte(i)}), &c)
	}
	if q.paces(other, &c) || len(q.sources) != sourcesMost {
		t.Errorf("%d relays are remembered", len(q.sources))
	}
	for i := range requestsMost + 1 {
		if got := q.take(&worker.Datagram{}); got != (i < requestsMost) {
			t.Fatalf("datagram %d: %v", i, got)
		}
	}
}
