package leasequery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// datagrams answers what comes by UDP with what answer makes of it; nil: not at all.
func datagrams(t *testing.T, answer func(n int, b []byte) []byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 1<<16)
		for n := 0; ; n++ {
			size, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if reply := answer(n, b[:size]); reply != nil {
				_, _ = conn.WriteToUDPAddrPort(reply, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// The first datagram is lost, and what comes for others is not taken for the answer.
func TestAsk(t *testing.T) {
	responder := NewResponder(&fake{now: 1000, found: crowd(3)}, rules())
	q := query.Question{Type: query.ByClientID, DUID: client(2, 0).Client.DUID()}
	server := datagrams(t, func(n int, b []byte) []byte {
		if n == 0 {
			return wire.AppendHeader(nil, wire.LeasequeryReply, [3]byte{9, 9, 9})
		}
		reply, _ := responder.UDP(b, asker)
		return reply
	})
	r := &Requestor{DUID: requestor, Server: server}
	a, err := r.Ask(context.Background(), &q)
	if err != nil || len(a.Clients) != 1 || string(a.Clients[0].DUID) != string(q.DUID) {
		t.Errorf("%+v, %v", a, err)
	}
	var refused *StatusError
	if _, err := r.Ask(context.Background(), &query.Question{Type: query.ByRemoteID, RemoteID: []byte{0, 0, 0, 1, 2}}); !errors.As(err, &refused) || refused.Code != wire.StatusNotAllowed {
		t.Errorf("a query that only TCP answers: %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	r := &Requestor{DUID: requestor, Server: datagrams(t, func(int, []byte) []byte { return nil })}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := r.Ask(ctx, &query.Question{Type: query.ByClientID, DUID: requestor}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the context's end", err)
	}
}

// stream serves one TCP connection with octets, whatever is asked.
func stream(t *testing.T, answer func(xid [3]byte) []byte) netip.AddrPort {
	t.Helper()
	return serving(t, func(conn net.Conn, xid [3]byte) { _, _ = conn.Write(answer(xid)) })
}

// serving serves one TCP connection when something has been asked.
func serving(t *testing.T, serve func(conn net.Conn, xid [3]byte)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if b, err := readFrame(conn, nil, patience); err == nil && len(b) > 4 {
			serve(conn, [3]byte(b[1:]))
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func framed(b []byte) []byte { return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...) }

// identified begins a server's message.
func identified(of wire.MessageType, xid [3]byte, to []byte) []byte {
	return wire.AppendOption(wire.AppendOption(wire.AppendHeader(nil, of, xid), wire.OptionServerID, serverID), wire.OptionClientID, to)
}

// Servers that do what they mustn't end a query with an error, never with an answer that seems whole.
func TestBadServers(t *testing.T) {
	data := func(of wire.MessageType, xid [3]byte) []byte {
		return framed(query.AppendClient(identified(of, xid, requestor), client(1, 0).Client, &query.Question{}, 1000, nil))
	}
	stray := [3]byte{0xff, 0xff, 0xff} // another query's, but for one run in 16 million
	for name, c := range map[string]struct {
		answer func(xid [3]byte) []byte
		want   string
	}{
		"ends early":     {func(xid [3]byte) []byte { return data(wire.LeasequeryReply, xid) }, "before the answer did"},
		"cuts a message": {func(xid [3]byte) []byte { return data(wire.LeasequeryReply, xid)[:20] }, "before the answer did"},
		"data first":     {func(xid [3]byte) []byte { return data(wire.LeasequeryData, xid) }, "out of turn"},
		"reply twice": {func(xid [3]byte) []byte {
			return append(data(wire.LeasequeryReply, xid), data(wire.LeasequeryReply, xid)...)
		}, "out of turn"},
		"nonsense": {func([3]byte) []byte { return framed([]byte("hello")) }, "isn't a DHCPv6 message"},
		"malformed data": {func(xid [3]byte) []byte {
			return framed(wire.AppendOption(identified(wire.LeasequeryReply, xid, requestor), wire.OptionClientData, []byte{1}))
		}, "malformed client data"},
		"answers somebody else": {func(xid [3]byte) []byte {
			return framed(identified(wire.LeasequeryReply, xid, serverID))
		}, "isn't to this requestor"},
		"doesn't say who it is": {func(xid [3]byte) []byte {
			return framed(wire.AppendOption(wire.AppendHeader(nil, wire.LeasequeryReply, xid), wire.OptionClientID, requestor))
		}, "isn't to this requestor"},
		"ends another query": {func([3]byte) []byte { return framed(wire.AppendHeader(nil, wire.LeasequeryDone, stray)) }, "wasn't asked"},
	} {
		_, err := all(&Requestor{DUID: requestor, Server: stream(t, c.answer), Limit: patience}, &query.Question{Type: query.ByLink, LinkAddress: links[0]})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("a server that %s: %v", name, err)
		}
	}
}

// Messages of other queries are skipped, wherever they stand.
func TestStrayMessages(t *testing.T) {
	server := stream(t, func(xid [3]byte) []byte {
		stray := framed(identified(wire.LeasequeryReply, [3]byte{0xff, 0xff, 0xff}, requestor))
		answer := framed(query.AppendClient(identified(wire.LeasequeryReply, xid, requestor), client(1, 0).Client, &query.Question{}, 1000, nil))
		answer = append(append(append(stray, answer...), stray...), framed(wire.AppendHeader(nil, wire.LeasequeryDone, xid))...)
		return answer
	})
	got, err := all(&Requestor{DUID: requestor, Server: server, Limit: patience}, &query.Question{Type: query.ByLink, LinkAddress: links[0]})
	if err != nil || len(got) != 1 {
		t.Errorf("%d clients, %v; want 1", len(got), err)
	}
}

// A server that sends nothing but messages of other queries isn't listened to for ever.
func TestNothingButStrayMessages(t *testing.T) {
	server := serving(t, func(conn net.Conn, _ [3]byte) {
		stray := framed(identified(wire.LeasequeryReply, [3]byte{0xff, 0xff, 0xff}, requestor))
		for err := error(nil); err == nil; {
			_, err = conn.Write(stray)
		}
	})
	r := &Requestor{DUID: requestor, Server: server, Limit: 300 * time.Millisecond}
	_, err := all(r, &query.Question{Type: query.ByLink, LinkAddress: links[0]})
	if err == nil || !strings.Contains(err.Error(), "nothing for too long") {
		t.Errorf("the query ended with %v", err)
	}
}
