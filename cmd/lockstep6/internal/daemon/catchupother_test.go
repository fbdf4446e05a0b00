package daemon

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store"
)

// serveStandard is a server of another make: it knows RFC 5460 and nothing that came later, and its messages are an independent
// library's. It tells of one client after the other, each with the prefix that keyOf gives it, heard 100 s ago; and that once ready
// returns.
func serveStandard(t *testing.T, serverID []byte, ready func(), clients ...byte) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				close(done)
				return
			}
			ready()
			err = answerStandard(conn, serverID, clients)
			if err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) { // whoever asks may go
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func answerStandard(conn net.Conn, serverID []byte, clients []byte) error {
	defer conn.Close()
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return err
	}
	q, err := dhcpv6.MessageFromBytes(question)
	if err != nil {
		return err
	}
	id, err := dhcpv6.DUIDFromBytes(serverID)
	if err != nil {
		return err
	}
	if len(clients) == 0 { // the reply is all, and nothing follows (RFC 5460, Section 7.2)
		m := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeLeaseQueryReply, TransactionID: q.TransactionID}
		m.AddOption(dhcpv6.OptServerID(id))
		m.AddOption(q.GetOneOption(dhcpv6.OptionClientID))
		return sendFrame(conn, m)
	}
	for i, client := range clients {
		m := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeLeaseQueryData, TransactionID: q.TransactionID}
		if i == 0 {
			m.MessageType = dhcpv6.MessageTypeLeaseQueryReply
			m.AddOption(dhcpv6.OptServerID(id))
			m.AddOption(q.GetOneOption(dhcpv6.OptionClientID))
		}
		key := keyOf(client)
		told := dhcpv6.Options{
			&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientID, OptionData: []byte{0, 4, client}},
			&dhcpv6.OptIAPrefix{
				PreferredLifetime: 2000 * time.Second, ValidLifetime: 3000 * time.Second,
				Prefix: &net.IPNet{IP: key.Address[:], Mask: net.CIDRMask(int(key.Length), 128)},
			},
			&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionCLTTime, OptionData: []byte{0, 0, 0, 100}},
		}
		m.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionClientData, OptionData: told.ToBytes()})
		if err := sendFrame(conn, m); err != nil {
			return err
		}
	}
	return sendFrame(conn, &dhcpv6.Message{MessageType: dhcpv6.MessageTypeLeaseQueryDone, TransactionID: q.TransactionID})
}

func sendFrame(conn net.Conn, m *dhcpv6.Message) error {
	b := m.ToBytes()
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

// TestCatchUpFromOtherMake: what a server of another make tells is observed without its IAID, as granted there; unless a peer told
// it with its IAID. All that is told, the node is up to date.
func TestCatchUpFromOtherMake(t *testing.T) {
	for _, since := range []binding.Time{0, testNow - 20} {
		r := newReturned(t)
		r.knew = since // a server that tells no time is asked for all
		a, _ := r.peers()
		a.grants = map[byte][]byte{1: a.id}
		first := func() {
			for began := time.Now(); r.table.Stats().Live == 0 && time.Since(began) < patience; {
				time.Sleep(time.Millisecond)
			}
		}
		r.catchUp(t, a.serve(t, nil), serveStandard(t, r.p.Nodes[2].ServerID, first, 1, 2, 4))
		if got := r.owners(t); len(got) != 3 || got[1] != 1 || got[2] != 2 || got[4] != 2 {
			t.Errorf("owners by client %v", got)
		}
		r.restarted(t, func(client byte, s *binding.Stored) {
			if anonymous := s.Flags&engine.FlagAnonymous != 0; anonymous != (client != 1) || s.Flags&engine.FlagHeld == 0 {
				t.Errorf("client %d: flags %#x, IAID %d", client, s.Flags, s.IAID)
			}
			if client != 1 && (s.LastTransaction != testNow-100 || s.Expires != testNow+3001) {
				t.Errorf("client %d: heard %d, until %d", client, s.LastTransaction, s.Expires)
			}
		})
		if r.gate.BackSeat(testNow) || !r.gate.Open(0, testNow) {
			t.Error("still in the back seat, or listening")
		}
		for _, want := range []string{"id=caught-up links=1 of=1 leases.new=3 ", "id=catch-up-no-iaid leases=2\n"} {
			if !strings.Contains(r.log.String(), want) {
				t.Errorf("no %q in the log:\n%s", want, r.log.String())
			}
		}
	}
}

// restarted calls f with each client's lease in a table that is loaded from the store, as after a restart.
func (r *returned) restarted(t *testing.T, f func(client byte, s *binding.Stored)) {
	t.Helper()
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.store, err = store.Open(store.Options{Path: r.path, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	table, err := binding.New(binding.Options{Capacity: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	loader := table.NewLoader()
	loader.Loaded = func(rec *binding.Record) {
		s := binding.Copy(rec)
		f(s.DUID[2], &s)
	}
	err = r.store.Load(t.Context(), 1, func(_ int, key, value []byte) error { return loader.Load(key, value) }, nil)
	if err := errors.Join(err, loader.Close()); err != nil {
		t.Fatal(err)
	}
	h := table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	if only := h.OnlyAnonymous([]byte{0, 4, 4}, wire.IAPD, testNow); !h.HasAnonymous() || only == nil || only.Key() != keyOf(4) {
		t.Errorf("after a restart client 4's only lease isn't found: %t, %t", h.HasAnonymous(), only != nil)
	}
}
