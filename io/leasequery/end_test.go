package leasequery

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A server that ends doesn't wait for a requestor that has stopped reading.
func TestServerEndsBesideSlowReader(t *testing.T) {
	limits := rules()
	limits.Limits.Data, limits.Limits.Query = time.Hour, time.Hour
	s, err := Open(NewResponder(&fake{found: crowd(200_000), now: 1000}, limits), Config{Listen: []netip.AddrPort{netip.MustParseAddrPort("[::1]:0")}, Logger: discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	conn, err := net.Dial("tcp6", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	out := writer{conn: conn, limit: patience}
	q := query.Question{Type: query.ByLink, LinkAddress: links[0]}
	_ = out.add(func(dst []byte) []byte {
		return query.AppendQuestion(dst, wire.Leasequery, [3]byte{}, requestor, &q)
	})
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	var told uint64 // until nothing goes any more: what the kernel takes is full
	waitFor(t, func() bool {
		before := told
		told = s.responder.Counters.Read().Clients
		return told > 0 && told == before
	})
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the server waits for a requestor that doesn't read")
	}
}

// An active query's requestor that stops reading is given up after ACTIVE_LQ_SEND_TIMEOUT, also where a bulk query's has longer.
func TestActiveSendTimeout(t *testing.T) {
	limits := rules()
	limits.Limits.Data, limits.Limits.Send = time.Hour, 50*time.Millisecond
	found := crowd(3000)
	wide := binding.AppendExtension(nil, binding.ExtInterfaceID, make([]byte, 8000))
	for i := range found {
		found[i].Client[0].Extension = wide // the kernel takes some megaoctets
	}
	s, r := start(t, &fake{found: found, changes: make(chan query.Found), oldest: 90}, limits, Config{Active: true, Insecure: true})
	conn, err := net.Dial("tcp6", r.Server.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	q := query.Question{Type: query.ByLink, LinkAddress: links[0], Options: []byte{0, byte(wire.OptionInterfaceID)}, Start: 95, HasStart: true}
	if _, err := conn.Write(framed(query.AppendQuestion(nil, wire.ActiveLeasequery, [3]byte{}, requestor, &q))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return s.responder.Counters.Read().Slow == 1 })
}

// Where the catch-up can't go on the requestor is told, with the time to come back with (RFC 7653, Sections 8.4 and 9.3).
func TestBrokenCatchUp(t *testing.T) {
	f := &fake{found: crowd(1), changes: make(chan query.Found), oldest: 90, broken: errors.New("the disk is gone")}
	_, r := start(t, f, rules(), Config{Active: true, Insecure: true})
	conn, err := net.Dial("tcp6", r.Server.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(framed(query.AppendQuestion(nil, wire.ActiveLeasequery, [3]byte{}, requestor, &query.Question{Start: 95, HasStart: true}))); err != nil {
		t.Fatal(err)
	}
	var last query.Answer
	for {
		b, err := readFrame(conn, nil, patience)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if last, err = query.ReadAnswer(b); err != nil {
			t.Fatal(err)
		}
	}
	if last.Type != wire.LeasequeryDone || last.Status != wire.StatusQueryTerminated || !strings.Contains(last.Text, "disk") || last.BaseTime != 1000 {
		t.Errorf("the last message is %+v", last)
	}
}

// A query that is refused, or breaks off, ends the connection where the standard says so: an active one always (RFC 7653, Sections 9.2
// and 9.3), one in bulk behind its first answer (RFC 5460, Section 7.2).
func TestErrorsEndConnections(t *testing.T) {
	active := Config{Active: true, Insecure: true}
	for name, c := range map[string]struct {
		config Config
		kind   wire.MessageType
		q      query.Question
		want   wire.StatusCode
	}{
		"active queries are off": {Config{}, wire.ActiveLeasequery, query.Question{}, wire.StatusNotSupported},
		"an end time":            {active, wire.ActiveLeasequery, query.Question{End: 9, HasEnd: true}, wire.StatusMalformedQuery},
		"bulk breaks off":        {active, wire.Leasequery, query.Question{Type: query.ByLink, LinkAddress: links[0]}, wire.StatusQueryTerminated},
	} {
		f := &fake{found: crowd(1), changes: make(chan query.Found), broken: errors.New("the disk is gone")}
		_, r := start(t, f, rules(), c.config)
		conn, err := net.Dial("tcp6", r.Server.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(framed(query.AppendQuestion(nil, c.kind, [3]byte{}, requestor, &c.q))); err != nil {
			t.Fatal(err)
		}
		var last query.Answer
		for {
			b, err := readFrame(conn, nil, patience)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if last, err = query.ReadAnswer(b); err != nil {
				t.Fatal(err)
			}
		}
		if last.Status != c.want {
			t.Errorf("%s: the last message is %+v", name, last)
		}
	}
}

// Who only connects, or sends half a query, keeps nobody out for long.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	limits := rules()
	limits.Limits.Data, limits.Limits.Connections = time.Hour, 3
	s, r := start(t, &fake{found: crowd(1)}, limits, Config{})
	for n := range 200 { // far more than there are places
		conn, err := net.Dial("tcp6", r.Server.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if n%2 == 0 {
			_, _ = conn.Write([]byte{0, 99, byte(wire.Leasequery)})
		}
	}
	waitFor(t, func() bool {
		got, err := all(r, &query.Question{Type: query.ByLink, LinkAddress: links[0]})
		return err == nil && len(got) == 1
	})
	if n := s.responder.Counters.Read().Connections; n > 3 {
		t.Errorf("%d connections stand, 3 may", n)
	}
}

// What was cut short isn't taken for whole: a catch-up would seem complete.
func TestPumpCutShort(t *testing.T) {
	for range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		items := pump(ctx, func(yield func(query.Found, error) bool) {
			yield(client(1, 0), nil)
			cancel()
			time.Sleep(time.Millisecond) // until somebody waits for the next item
		})
		for i := range items {
			if i.end {
				t.Fatal("the end of all was told")
			}
		}
	}
}
