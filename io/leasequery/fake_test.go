package leasequery

import (
	"bytes"
	"context"
	"io"
	"iter"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

var (
	serverID  = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	requestor = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0xfe, 0x99}
	links     = [][16]byte{addr("2001:db8:1::1"), addr("2001:db8:2::1")}
)

func addr(text string) [16]byte { return netip.MustParseAddr(text).As16() }

var discard = slog.New(slog.NewTextHandler(io.Discard, nil))

// A fake has clients and time.
type fake struct {
	found   []query.Found
	now     binding.Time
	oldest  binding.Time // before which Since knows nothing
	changes chan query.Found
	gate    chan struct{} // if not nil, Find waits for it after each client
	broken  error
	gap     bool
}

func (f *fake) ServerID() []byte { return serverID }

func (f *fake) Now() binding.Time { return f.now }

func (f *fake) Granter(owner uint8) []byte {
	if owner > 1 {
		return nil
	}
	return []byte{0, 4, owner}
}

func (f *fake) Whole(*query.Question) bool { return !f.gap }

func (f *fake) OnLink(address [16]byte) bool {
	for _, l := range links {
		if bytes.Equal(l[:6], address[:6]) {
			return true
		}
	}
	return false
}

func (f *fake) matches(q *query.Question, found *query.Found) bool {
	if q.LinkAddress != [16]byte{} && !bytes.Equal(q.LinkAddress[:6], found.Link[:6]) {
		return false
	}
	switch q.Type {
	case query.ByAddress:
		return found.Client[0].Key.Address == q.Address
	case query.ByClientID:
		return bytes.Equal(found.Client.DUID(), q.DUID)
	case query.ByRelayID:
		v, _ := found.Client[0].Extension.Find(binding.ExtRelayID)
		return bytes.Equal(v, q.DUID)
	case query.ByRemoteID:
		v, _ := found.Client[0].Extension.Find(binding.ExtRemoteID)
		return bytes.Equal(v, q.RemoteID)
	}
	return true
}

func (f *fake) Find(ctx context.Context, q *query.Question) iter.Seq2[query.Found, error] {
	return func(yield func(query.Found, error) bool) {
		for i := range f.found {
			if f.matches(q, &f.found[i]) && !yield(f.found[i], nil) {
				return
			}
			if f.gate != nil {
				select {
				case <-f.gate:
				case <-ctx.Done():
					return
				}
			}
		}
		if f.broken != nil {
			yield(query.Found{}, f.broken)
		}
	}
}

func (f *fake) Watch(ctx context.Context, q *query.Question) iter.Seq2[query.Found, error] {
	return func(yield func(query.Found, error) bool) {
		for {
			select {
			case c, ok := <-f.changes:
				if !ok {
					yield(query.Found{}, ErrSlow)
					return
				}
				if f.matches(q, &c) && !yield(c, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (f *fake) Since(ctx context.Context, q *query.Question) iter.Seq2[query.Found, error] {
	return func(yield func(query.Found, error) bool) {
		if binding.Time(q.Start) < f.oldest {
			yield(query.Found{}, ErrMissing)
			return
		}
		for c, err := range f.Find(ctx, q) {
			if (err != nil || changed(q, c.Client)) && !yield(c, err) {
				return
			}
		}
	}
}

// client is number n with an address on a link.
func client(n, link int) query.Found {
	duid := []byte{0, 3, 0, 1, 2, 0, 0, 0, byte(n >> 8), byte(n)}
	a := links[link]
	a[14], a[15] = byte(n>>8), byte(n)
	e := binding.AppendExtension(nil, binding.ExtRelayID, []byte{0, 3, 0, 1, 9, byte(n % 2)})
	e = binding.AppendExtension(e, binding.ExtRemoteID, []byte{0, 0, 0, 9, byte(n)})
	return query.Found{Link: links[link], Client: query.Client{{
		Key: binding.Key{Address: a, Length: 128}, Kind: wire.IANA, IAID: 1, DUID: duid, State: binding.Bound,
		Preferred: 1000, Valid: 2000, LastTransaction: binding.Time(100 + n), Since: 100, Expires: binding.Time(2100 + n), Extension: e,
	}}}
}

// crowd is so many clients on the first link.
func crowd(n int) (out []query.Found) {
	for i := range n {
		out = append(out, client(i+1, 0))
	}
	return out
}

// patience is when a test gives up waiting for what must come. No limit of a server is shorter but where a test wants it to end something.
const patience = time.Minute

// rules have places enough for requestors whose last connection the server hasn't seen end yet.
func rules() Rules {
	return Rules{Requestors: []netip.Prefix{netip.MustParsePrefix("::1/128")}, Limits: Limits{
		Connections: 30, Data: patience, Query: patience, Send: patience, Idle: patience,
	}}
}

// start runs a server until the test ends, and returns who asks it.
func start(t *testing.T, f Source, r Rules, c Config) (*Server, *Requestor) {
	t.Helper()
	s, who := open(t, f, r, c)
	serveToTheEnd(t, s)
	return s, who
}

// open opens a server that nobody runs yet, and returns who may ask it.
func open(t *testing.T, f Source, r Rules, c Config) (*Server, *Requestor) {
	t.Helper()
	if f, ok := f.(*fake); ok {
		f.now = 1000
	}
	c.Listen = []netip.AddrPort{netip.MustParseAddrPort("[::1]:0")}
	c.Logger = discard
	s, err := Open(NewResponder(f, r), c)
	if err != nil {
		t.Fatal(err)
	}
	return s, &Requestor{DUID: requestor, Server: s.Addresses()[0], Limit: patience}
}

// serveToTheEnd runs a server until the test ends.
func serveToTheEnd(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}
