package takeover

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// A fake is a server that tells what it hears, and answers as it is told.
type fake struct {
	conn *net.UDPConn
	at   netip.AddrPort
	id   dhcpv6.DUID
	done chan struct{}
}

// stop ends the server. What it heard may be looked at then.
func (f *fake) stop() {
	_ = f.conn.Close() // a second time, at the test's end, it says that it is closed
	<-f.done
}

func newFake(t *testing.T, number byte, answer func(*dhcpv6.Message) *dhcpv6.Message) *fake {
	t.Helper()
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{conn: conn, at: conn.LocalAddr().(*net.UDPAddr).AddrPort(), id: &dhcpv6.DUIDOpaque{Type: 9, Data: []byte{number}}, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.serve(answer)
	}()
	t.Cleanup(f.stop)
	return f
}

func (f *fake) serve(answer func(*dhcpv6.Message) *dhcpv6.Message) {
	buffer := make([]byte, 4096)
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		parsed, err := dhcpv6.FromBytes(slices.Clone(buffer[:n]))
		forward, ok := parsed.(*dhcpv6.RelayMessage)
		if err != nil || !ok {
			continue
		}
		asked, err := forward.GetInnerMessage()
		if err != nil {
			continue
		}
		m := answer(asked)
		if m == nil {
			continue
		}
		m.TransactionID = asked.TransactionID
		m.AddOption(dhcpv6.OptServerID(f.id))
		back, err := dhcpv6.EncapsulateRelay(m, dhcpv6.MessageTypeRelayReply, forward.LinkAddr, forward.PeerAddr)
		if err == nil {
			_, _ = f.conn.WriteToUDPAddrPort(back.ToBytes(), from)
		}
	}
}

// play makes a client of these servers, whose messages are repeated soon.
func play(t *testing.T, servers ...*fake) *client {
	t.Helper()
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	var at []netip.AddrPort
	for _, s := range servers {
		at = append(at, s.at)
	}
	r := newRelay(conn, at, 5)
	t.Cleanup(r.close)
	return newClient(4, r, &times{ask: 20 * time.Millisecond, rebind: 20 * time.Millisecond, silence: 20 * time.Second}, 1)
}

// TestBindAtTheFirst: the client takes the first server's offer, whoever else makes one, and renews there.
func TestBindAtTheFirst(t *testing.T) {
	var asked []dhcpv6.MessageType
	other := newFake(t, 1, func(m *dhcpv6.Message) *dhcpv6.Message {
		if m.MessageType != dhcpv6.MessageTypeSolicit {
			return nil
		}
		r := reply(t, map[string]time.Duration{"2001:db8:1::9": time.Hour}, nil)
		r.MessageType = dhcpv6.MessageTypeAdvertise
		return r
	})
	first := newFake(t, 0, func(m *dhcpv6.Message) *dhcpv6.Message {
		asked = append(asked, m.MessageType)
		r := reply(t, map[string]time.Duration{"2001:db8:1::5": time.Hour}, map[string]time.Duration{"2001:db8:8000:500::/56": time.Hour})
		if m.MessageType == dhcpv6.MessageTypeSolicit {
			r.MessageType = dhcpv6.MessageTypeAdvertise
		}
		return r
	})
	c := play(t, first, other)
	if err := c.bind(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	first.stop()
	if c.leases != had {
		t.Errorf("want %v, got %v", had, c.leases)
	}
	want := []dhcpv6.MessageType{dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew}
	if asked = slices.Compact(asked); !slices.Equal(asked, want) {
		t.Errorf("want it to send %v, got %v", want, asked)
	}
}

// TestRebindIsRepeated: the first Rebind says that no time has passed, later ones how much.
func TestRebindIsRepeated(t *testing.T) {
	var elapsed []time.Duration
	survivor := newFake(t, 1, func(m *dhcpv6.Message) *dhcpv6.Message {
		elapsed = append(elapsed, m.Options.ElapsedTime())
		if len(elapsed) < 3 {
			return nil
		}
		return reply(t, map[string]time.Duration{"2001:db8:1::5": time.Hour}, nil)
	})
	dead := newFake(t, 0, nil)
	dead.stop()
	c := play(t, dead, survivor)
	c.leases = had
	m, sent, err := c.rebind(t.Context())
	if err != nil || m == nil || sent < 3 {
		t.Fatalf("want an answer to the third Rebind or a later one, got %v after %d: %v", m, sent, err)
	}
	survivor.stop()
	if elapsed[0] != 0 || elapsed[1] == 0 || elapsed[2] <= elapsed[1] {
		t.Errorf("elapsed times %v: want 0 and then what has passed", elapsed)
	}
}

// TestSilence: a client that nobody answers gives up, or is told to.
func TestSilence(t *testing.T) {
	c := play(t, newFake(t, 0, func(*dhcpv6.Message) *dhcpv6.Message { return nil }))
	c.leases = had
	c.times.silence = 100 * time.Millisecond
	for sent := 0; sent < 2; c.times.silence *= 2 { // where the machine stands still there is time for one Rebind only
		var m *dhcpv6.Message
		var err error
		if m, sent, err = c.rebind(t.Context()); m != nil || err != nil || c.times.silence > time.Minute {
			t.Fatalf("want silence after some Rebinds, got %v after %d: %v", m, sent, err)
		}
	}
	c.times.silence = time.Hour
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if _, _, err := c.rebind(ctx); !errors.Is(err, enough) {
		t.Errorf("want the context's cause, got %v", err)
	}
}
