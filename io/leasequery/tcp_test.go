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

// all asks in bulk and returns the clients' DUIDs, and the error that ended it.
func all(r *Requestor, q *query.Question) (duids []string, err error) {
	for a, e := range r.Bulk(context.Background(), q) {
		if e != nil {
			return duids, e
		}
		for _, c := range a.Clients {
			duids = append(duids, string(c.DUID))
		}
	}
	return duids, nil
}

func TestBulk(t *testing.T) {
	_, r := start(t, &fake{found: crowd(5000)}, rules(), Config{})
	for _, c := range []struct {
		q    query.Question
		want int
	}{
		{query.Question{Type: query.ByLink, LinkAddress: links[0]}, 5000},
		{query.Question{Type: query.ByRelayID, DUID: []byte{0, 3, 0, 1, 9, 1}}, 2500},
		{query.Question{Type: query.ByRemoteID, RemoteID: []byte{0, 0, 0, 9, 7}}, 20},
		{query.Question{Type: query.ByClientID, DUID: client(7, 0).Client.DUID()}, 1},
		{query.Question{Type: query.ByClientID, DUID: requestor}, 0},
		{query.Question{Type: query.ByLink, LinkAddress: links[1]}, 0},
		{query.Question{Type: query.ByLink, LinkAddress: links[0], Start: 200, HasStart: true, End: 299, HasEnd: true}, 100},
	} {
		got, err := all(r, &c.q)
		if err != nil || len(got) != c.want {
			t.Errorf("%v: %d clients, %v; want %d", c.q.Type, len(got), err, c.want)
		}
	}
	var refused *StatusError
	if _, err := all(r, &query.Question{Type: query.ByLink, LinkAddress: addr("2001:db8:9::1")}); !errors.As(err, &refused) || refused.Code != wire.StatusNotConfigured {
		t.Errorf("a link that isn't there: %v", err)
	}
}

// A node that catches up is told identity associations, and whether the server knows of a gap in what it knows; nobody else is.
func TestBulkAssociations(t *testing.T) {
	f := &fake{found: crowd(3), now: 1000, gap: true}
	_, r := start(t, f, rules(), Config{})
	for _, c := range []struct {
		options []byte
		missing bool
		want    int
	}{{nil, false, 0}, {[]byte{0, byte(wire.OptionIANA), 0, byte(wire.OptionIAPD)}, true, 3}} {
		associations := 0
		var err error
		var last query.Answer
		for a, e := range r.Bulk(context.Background(), &query.Question{Type: query.ByLink, LinkAddress: links[0], Options: c.options, BaseTime: true}) {
			if err = e; e != nil {
				break
			}
			last = a
			for i := range a.Clients {
				associations += len(a.Clients[i].Associations)
			}
		}
		var refused *StatusError
		missing := errors.As(err, &refused) && refused.Code == wire.StatusDataMissing
		if missing != c.missing || !missing && err != nil || associations != c.want || last.BaseTime != 1000 {
			t.Errorf("asked for %v: %d associations at %d, %v; want %d", c.options, associations, last.BaseTime, err, c.want)
		}
	}
}

// Several queries come one after the other on one connection, refused ones among them, and one that finds nobody, which a
// reply alone answers (RFC 5460, Sections 6.3 and 7.2). In LEASEQUERY-DATA there are no identifiers and no status (Section 5.2.1),
// and nowhere is an Authentication option (RFC 7653, Section 10) or an OPTION_LQ_CLIENT_LINK (RFC 5460, Section 4).
func TestSeveralQueries(t *testing.T) {
	_, r := start(t, &fake{found: crowd(3)}, rules(), Config{})
	conn, err := net.Dial("tcp6", r.Server.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	out := writer{conn: conn, limit: patience}
	for n, q := range []query.Question{
		{Type: query.ByLink, LinkAddress: links[0]},
		{Type: 99},
		{Type: query.ByClientID, DUID: requestor},
		{Type: query.ByClientID, DUID: client(2, 0).Client.DUID()},
	} {
		if err := out.add(func(dst []byte) []byte {
			return query.AppendQuestion(dst, wire.Leasequery, [3]byte{0, 0, byte(n)}, requestor, &q)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 9 {
		b, err := readFrame(conn, nil, patience)
		if err != nil {
			t.Fatal(err)
		}
		a, err := query.ReadAnswer(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, secured := wire.Options(b[4:]).Find(wire.OptionAuthentication); secured || len(a.Links) > 0 ||
			a.Type == wire.LeasequeryData && (a.ServerID != nil || a.Requestor != nil || a.HasStatus) {
			t.Errorf("a %s has what has no place there: %x", a.Type, b)
		}
		got = append(got, string('0'+rune(a.TransactionID[2]))+strings.TrimPrefix(a.Type.String(), "Leasequery-"))
		if len(got) == 8 {
			break
		}
	}
	want := "0reply 0data 0data 0done 1reply 2reply 3reply 3done"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("the server sent\n%s\nwant\n%s", s, want)
	}
}

// An error after the first reply ends the query and the connection (RFC 5460, Section 7.2).
func TestBrokenQuery(t *testing.T) {
	_, r := start(t, &fake{found: crowd(2), broken: errors.New("the disk is gone")}, rules(), Config{})
	got, err := all(r, &query.Question{Type: query.ByLink, LinkAddress: links[0]})
	var refused *StatusError
	if len(got) != 2 || !errors.As(err, &refused) || refused.Code != wire.StatusQueryTerminated || !strings.Contains(refused.Text, "disk") {
		t.Errorf("%d clients, then %v", len(got), err)
	}
}

// All places are taken by who is being answered, however long that takes: nobody makes room for a fourth.
func TestLimits(t *testing.T) {
	limits := rules()
	limits.Limits.Connections = 3
	f := &fake{found: crowd(1), gate: make(chan struct{})}
	s, r := start(t, f, limits, Config{})
	q := query.Question{Type: query.ByLink, LinkAddress: links[0]}
	ended := make(chan error, 3)
	for range 3 {
		go func() { _, err := all(r, &q); ended <- err }()
	}
	waitFor(t, func() bool {
		n := s.responder.Counters.Read()
		return n.Connections == 3 && n.Queries[query.ByLink.String()] == 3
	})
	if _, err := all(r, &q); err == nil {
		t.Error("a fourth connection was served")
	}
	close(f.gate)
	for range 3 {
		if err := <-ended; err != nil {
			t.Errorf("one of the three: %v", err)
		}
	}
	waitFor(t, func() bool { got, err := all(r, &q); return err == nil && len(got) == 1 })
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("it didn't come to pass within %v", patience)
		}
	}
}

func TestStrangersAreClosed(t *testing.T) {
	r := rules()
	r.Requestors = []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}
	s, who := start(t, &fake{found: crowd(1)}, r, Config{})
	if _, err := all(who, &query.Question{Type: query.ByLink, LinkAddress: links[0]}); err == nil {
		t.Error("a stranger was served")
	}
	if n := s.responder.Counters.Read().Rejected; n != 1 {
		t.Errorf("%d rejections counted, want 1", n)
	}
}

// A requestor that doesn't read is given up, and holds up nobody.
func TestSlowReader(t *testing.T) {
	limits := rules()
	limits.Limits.Data = 200 * time.Millisecond
	s, _ := open(t, &fake{found: crowd(200_000)}, limits, Config{})
	conn, err := net.Dial("tcp6", s.Addresses()[0].String()) // the kernel takes it, and the query, which has that limit too
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	out := writer{conn: conn, limit: patience}
	q := query.Question{Type: query.ByLink, LinkAddress: links[0]}
	_ = out.add(func(dst []byte) []byte { return query.AppendQuestion(dst, wire.Leasequery, [3]byte{}, requestor, &q) })
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	serveToTheEnd(t, s)
	waitFor(t, func() bool { return s.responder.Counters.Read().Slow == 1 })
	waitFor(t, func() bool { return s.responder.Counters.Read().Connections == 0 })
}

// A server that ends says so in the middle of an answer.
func TestServerEnds(t *testing.T) {
	f := &fake{found: crowd(3), gate: make(chan struct{}), now: 1000}
	s, err := Open(NewResponder(f, rules()), Config{Listen: []netip.AddrPort{netip.MustParseAddrPort("[::1]:0")}, Logger: discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	r := &Requestor{DUID: requestor, Server: s.Addresses()[0], Limit: patience}
	var refused *StatusError
	n := 0
	for a, err := range r.Bulk(context.Background(), &query.Question{Type: query.ByLink, LinkAddress: links[0]}) {
		if err != nil {
			if !errors.As(err, &refused) || refused.Code != wire.StatusQueryTerminated {
				t.Errorf("it ended with %v, want QueryTerminated", err)
			}
			break
		}
		if n += len(a.Clients); n == 1 {
			cancel()
		}
	}
	if refused == nil {
		t.Error("the answer ended as if it were whole")
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	cancel()
}
