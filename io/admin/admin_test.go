package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/history"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A fake is a node that has some leases.
type fake struct {
	recent
	fakeDNS
	mu       sync.Mutex
	broken   error
	stored   []binding.Stored
	released []netip.Prefix
	endless  bool          // Leases yields for ever
	gone     chan struct{} // closed when Leases was left
	control  fakeControl
	periods  []history.Period
	noPast   bool  // no history is kept
	torn     error // ends History
}

func (f *fake) Ready() error { f.mu.Lock(); defer f.mu.Unlock(); return f.broken }

func (f *fake) State() State {
	return State{Version: "v9", Node: "a", Bindings: 2, Answered: map[string]uint64{"Solicit": 3}, Dropped: map[string]uint64{}}
}

func (f *fake) Peers() Peers {
	return Peers{Node: "a", Peers: []Peer{{Name: "b", State: "silent"}}}
}

func (f *fake) Hooks() []Hook {
	return []Hook{{Name: "routes", Target: "/bin/true", Up: true}}
}

func (f *fake) ResendHook(name string) error {
	if name != "routes" {
		return ErrNoHook
	}
	return nil
}

func (f *fake) Outbox() Outbox { return Outbox{On: true, Cluster: "ber1"} }

func (f *fake) ResendOutbox(context.Context) error { return nil }

func (f *fake) Pools() []Pool {
	return []Pool{{Link: "lan", Pool: "2001:db8:1::/64", Kind: "IA_NA", Length: 128, Slots: "18446744073709551616", Own: 1}}
}

func (f *fake) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "lockstep6_ready 1\n") })
}

func (f *fake) Leases(_ context.Context, filter Filter, after Position) iter.Seq2[Position, Lease] {
	return func(yield func(Position, Lease) bool) {
		if f.gone != nil {
			defer close(f.gone)
		}
		for again := true; again; again = f.endless {
			for i := range f.stored {
				s := &f.stored[i]
				if after.Precedes(i, &s.Key) && filter.Match(s, testNow, testPlaces) && !yield(Position{i, s.Key}, NewLease(s, testOwner, testNow)) {
					return
				}
			}
		}
	}
}

func (f *fake) History(_ context.Context, q HistoryQuery) (HistoryState, iter.Seq2[Period, error], error) {
	if f.noPast {
		return HistoryState{}, nil, ErrNoHistory
	}
	return HistoryState{On: true, Since: unix(testNow - 1000)}, func(yield func(Period, error) bool) {
		for i := range f.periods {
			if q.Match(&f.periods[i]) && !yield(NewPeriod(&f.periods[i], "a"), nil) {
				return
			}
		}
		if f.torn != nil {
			yield(Period{}, f.torn)
		}
	}, nil
}

func (f *fake) Backup(_ context.Context, dir string, progress func(done, total int64)) (int64, error) {
	switch filepath.Base(dir) {
	case "there":
		return 0, fmt.Errorf("there is %w", fs.ErrExist)
	case "late":
		progress(5, 10)
		return 0, errors.New("the disk is full")
	}
	progress(5, 10)
	return 9, nil
}

func (f *fake) Release(_ context.Context, lease netip.Prefix, whose Whose) (Lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return Lease{}, f.broken
	}
	for i := range f.stored {
		if s := &f.stored[i]; s.Key.Address == lease.Addr().As16() && int(s.Key.Length) == lease.Bits() {
			if !whose.Check(observed(s)) {
				return Lease{}, &OwnerError{Lease: LeaseText(s.Key), Owner: NewLease(s, testOwner, testNow).Owner}
			}
			f.released = append(f.released, lease)
			return NewLease(s, testOwner, testNow), nil
		}
	}
	return Lease{}, ErrNoLease
}

const (
	testNow   = binding.Time(800_000_000)
	testOwner = "b"
)

func testLeases() []binding.Stored {
	e := binding.AppendExtension(nil, binding.ExtInterfaceID, []byte("port 7"))
	e = binding.AppendExtension(e, binding.ExtRemoteID, []byte{0, 0, 0, 9, 0xff})
	return []binding.Stored{
		{
			Key:  binding.Key{Address: netip.MustParseAddr("2001:db8:1::5").As16(), Length: 128},
			Kind: wire.IANA, IAID: 7, DUID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}, State: binding.Bound,
			Preferred: 3000, Valid: wire.Infinity, LastTransaction: testNow, Expires: testNow + 10, Since: testNow - 10, Extension: e,
		},
		{
			Key:  binding.Key{Address: netip.MustParseAddr("2001:db8:8000::").As16(), Length: 56},
			Kind: wire.IAPD, IAID: 8, DUID: []byte{0, 4, 1}, State: binding.Bound,
			Preferred: 1, Valid: 2, Expires: testNow - 1,
		},
		{
			Key:  binding.Key{Address: netip.MustParseAddr("2001:db8:1::6").As16(), Length: 128},
			Kind: wire.IANA, IAID: 9, DUID: []byte{0, 4, 2}, State: binding.Bound, Owner: 1, Flags: engine.FlagStrong | engine.FlagConfirmed,
			Expires: testNow + 10, Extension: named(naming.FlagS, "\x02pc\x07example\x03net\x00"),
		},
	}
}

// serve runs an interface over a fake node, by TCP and by a Unix socket.
func serve(t *testing.T, node Node) (tcp, socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "admin.sock")
	s, err := Open(Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Open: true, Socket: socket, Node: node, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String(), socket
}

// ask sends one request by TCP and returns status and body.
func ask(t *testing.T, method, addr, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestEndpoints(t *testing.T) {
	node := &fake{stored: testLeases()}
	addr, _ := serve(t, node)
	for _, test := range []struct {
		method, path string
		status       int
		body         string // in the answer
	}{
		{"GET", "/live", 200, `"live":true`},
		{"GET", "/ready", 200, `"ready":true`},
		{"GET", "/v1/state", 200, `"answered":{"Solicit":3}`},
		{"GET", "/v1/peers", 200, `"peers":[{"name":"b","duid":"","preference":0,"state":"silent"`},
		{"GET", "/v1/bindings/export", 200, `"lease":"2001:db8:8000::/56","kind":"IA_PD","state":"expired"`},
		{"GET", "/v1/bindings", 200, `"lease":"2001:db8:8000::/56","kind":"IA_PD","state":"expired"`},
		{"GET", "/v1/bindings?whose=observed", 200, `"owner":"b","claim":"strong","confirmed":true`},
		{"GET", "/v1/bindings?whose=mine", 400, "none of own, observed and all"},
		{"GET", "/v1/bindings?within=2001:db8:1::7/64&live=true", 200, `"interface_id":"port 7","remote_id":"9:0xff"`},
		{"GET", "/v1/bindings?duid=00-04-01", 200, `"duid":"00:04:01"`},
		{"GET", "/v1/bindings?name=*.example.NET.&whose=all", 200, `"name":"pc.example.net","name_flags":"S","owner":"b"`},
		{"GET", "/v1/bindings?name=a*b", 400, "a star stands first or last"},
		{"GET", "/v1/bindings?duid=00-04-01&duid=00-04-02", 400, `duid is given twice`},
		{"GET", "/v1/bindings?within=nowhere", 400, `"remedy":"GET /v1/openapi.yaml lists`},
		{"GET", "/v1/bindings?within=192.0.2.0/24", 400, "isn't an IPv6 prefix"},
		{"GET", "/v1/bindings?within=192.0.2.1", 400, "isn't an IPv6 address"},
		{"GET", "/v1/bindings?live=perhaps", 400, "neither true nor false"},
		{"GET", "/v1/bindings?duid=xyz", 400, "isn't a DUID"},
		{"GET", "/v1/bindings?lives=true", 400, "there is no parameter"},
		{"GET", "/v1/bindings?link=nowhere", 400, "there is no link"},
		{"GET", "/v1/bindings?pool=none", 400, "there is no pool"},
		{"GET", "/v1/bindings?link=lan&pool=2001:db8:1::/64", 200, `"lease":"2001:db8:1::5"`},
		{"GET", "/v1/bindings/export?limit=3", 400, "there is no parameter"},
		{"GET", "/v1/bindings/export?format=xml", 400, "neither ndjson nor csv"},
		{"DELETE", "/v1/bindings/2001:db8:1::5", 403, "admin.sock"},
		{"POST", "/v1/bindings", 405, "it takes DELETE, GET, HEAD"},
		{"GET", "/v1/pools", 200, `{"pools":[{"link":"lan","pool":"2001:db8:1::/64","kind":"IA_NA","length":128,"slots":"18446744073709551616","own":1`},
		{"GET", "/metrics", 200, "lockstep6_ready 1"},
		{"GET", "/", 303, "/ui/"},
		{"GET", "/nowhere", 404, "there is no GET /nowhere"},
	} {
		status, body := ask(t, test.method, addr, test.path)
		if status != test.status || !strings.Contains(body, test.body) {
			t.Errorf("%s %s: %d %s, want %d and %s in it", test.method, test.path, status, body, test.status, test.body)
		}
	}
	if len(node.released) > 0 {
		t.Errorf("%v was released over TCP", node.released)
	}
	node.mu.Lock()
	node.broken = errors.New("the disk is full")
	node.mu.Unlock()
	if status, body := ask(t, "GET", addr, "/ready"); status != 503 || !strings.Contains(body, "the disk is full") {
		t.Errorf("/ready of a broken node: %d %s", status, body)
	}
	if status, _ := ask(t, "GET", addr, "/live"); status != 200 {
		t.Errorf("/live of a broken node: %d", status)
	}
}

func TestListIsOneObjectALine(t *testing.T) {
	addr, _ := serve(t, &fake{stored: testLeases()})
	_, body := ask(t, "GET", addr, "/v1/bindings/export")
	var got []Lease
	for line := range strings.Lines(body) {
		var l Lease
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, l)
	}
	stored := testLeases()
	if diff := cmp.Diff([]Lease{NewLease(&stored[0], "", testNow), NewLease(&stored[1], "", testNow)}, got); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
}

func TestSocketBelongsToItsOwner(t *testing.T) {
	_, socket := serve(t, &fake{})
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode is %v (%v), want 0600", info.Mode(), err)
	}
}

// TestSocketIsNeverOpenToOthers: the file has its mode from the beginning; nobody changes it afterwards.
func TestSocketIsNeverOpenToOthers(t *testing.T) {
	dir := t.TempDir()
	watch, err := syscall.InotifyInit1(syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(watch)
	if _, err := syscall.InotifyAddWatch(watch, dir, syscall.IN_ATTRIB); err != nil {
		t.Fatal(err)
	}
	l, err := listenUnix(filepath.Join(dir, "admin.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if n, err := syscall.Read(watch, make([]byte, 4096)); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("the socket's attributes were changed after it was made (%d octets of events, %v)", n, err)
	}
}

func TestClient(t *testing.T) {
	node := &fake{stored: testLeases()}
	_, socket := serve(t, node)
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err := c.State(t.Context()); err != nil || s.Node != "a" || s.Answered["Solicit"] != 3 {
		t.Errorf("state %+v, %v", s, err)
	}
	for _, test := range []struct {
		filter Filter
		want   []string
	}{
		{Filter{}, []string{"2001:db8:1::5", "2001:db8:8000::/56"}},
		{Filter{Live: true}, []string{"2001:db8:1::5"}},
		{Filter{Whose: Observed}, []string{"2001:db8:1::6"}},
		{Filter{Whose: All, Live: true}, []string{"2001:db8:1::5", "2001:db8:1::6"}},
		{Filter{DUID: "00:04:01"}, []string{"2001:db8:8000::/56"}},
		{Filter{Within: netip.MustParsePrefix("2001:db8:8000::/40")}, []string{"2001:db8:8000::/56"}},
		{Filter{Within: netip.MustParsePrefix("2001:db8:8000::/64")}, nil}, // a longer prefix than the lease
	} {
		var got []string
		for l, err := range c.List(t.Context(), test.filter) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, l.Lease)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.filter, diff)
		}
	}
	prefix := netip.MustParsePrefix("2001:db8:8000::/56")
	if l, err := c.Release(t.Context(), prefix, Own); err != nil || l.Lease != prefix.String() {
		t.Errorf("released %+v, %v", l, err)
	}
	if diff := cmp.Diff([]string{prefix.String()}, []string{node.released[0].String()}); diff != "" {
		t.Errorf("released (-want +got):\n%s", diff)
	}
	if _, err := c.Release(t.Context(), netip.MustParsePrefix("2001:db8::1/128"), All); !errors.Is(err, ErrNoLease) {
		t.Errorf("releasing what nobody holds: %v, want %v", err, ErrNoLease)
	}
	node.mu.Lock()
	node.broken = errors.New("the disk is full")
	node.mu.Unlock()
	if _, err := c.Release(t.Context(), prefix, Own); err == nil || err.Error() != "the disk is full" {
		t.Errorf("releasing at a broken node: %v, want its reason", err)
	}
}

// TestReleaseTellsWhose: a lease that isn't whose it is said to be isn't touched, and the answer tells whose it is.
func TestReleaseTellsWhose(t *testing.T) {
	node := &fake{stored: testLeases()}
	_, socket := serve(t, node)
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	observed, own := netip.MustParsePrefix("2001:db8:1::6/128"), netip.MustParsePrefix("2001:db8:1::5/128")
	for _, test := range []struct {
		lease netip.Prefix
		whose Whose
		want  OwnerError
	}{
		{observed, Own, OwnerError{"2001:db8:1::6", "b"}},
		{own, Observed, OwnerError{"2001:db8:1::5", ""}},
	} {
		_, err := c.Release(t.Context(), test.lease, test.whose)
		var got *OwnerError
		if !errors.As(err, &got) || *got != test.want {
			t.Errorf("releasing %v as %v: %v, want %v", test.lease, test.whose, err, &test.want)
		}
	}
	if len(node.released) > 0 {
		t.Errorf("released %v", node.released)
	}
	if l, err := c.Release(t.Context(), observed, Observed); err != nil || l.Owner != "b" {
		t.Errorf("dropped %+v, %v", l, err)
	}
}

func TestPeersOfClient(t *testing.T) {
	_, socket := serve(t, &fake{})
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Peers(t.Context())
	if diff := cmp.Diff((&fake{}).Peers(), got); diff != "" || err != nil {
		t.Errorf("peers (-want +got), %v:\n%s", err, diff)
	}
}

func TestClientNoticesATruncatedList(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"lease":"2001:db8::1"}` + "\n" + `{"lease":`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // the node dies
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	c, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	leases, last := 0, error(nil)
	for _, err := range c.List(t.Context(), Filter{}) {
		if last = err; err == nil {
			leases++
		}
	}
	if leases != 1 || last == nil {
		t.Errorf("%d leases and then %v, want 1 and an error", leases, last)
	}
}

func TestDialNobody(t *testing.T) {
	if _, err := Dial(filepath.Join(t.TempDir(), "admin.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want that the socket isn't there", err)
	}
}

// TestReaderThatLeaves: when a reader goes, or never reads, its list ends and others are served.
func TestReaderThatLeaves(t *testing.T) {
	node := &fake{stored: testLeases(), endless: true, gone: make(chan struct{})}
	addr, _ := serve(t, node)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET /v1/bindings/export HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // the list has begun
		t.Fatal(err)
	}
	if status, _ := ask(t, "GET", addr, "/live"); status != 200 {
		t.Errorf("/live beside a slow reader: %d", status)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-node.gone:
	case <-time.After(time.Minute):
		t.Fatal("the list goes on without a reader")
	}
}

// TestSlowReaderDoesNotKeepTheNode: a reader that never reads doesn't keep Serve from ending.
func TestSlowReaderDoesNotKeepTheNode(t *testing.T) {
	node := &fake{stored: testLeases(), endless: true, gone: make(chan struct{})}
	s, err := Open(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Open: true, Node: node, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /v1/bindings/export HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	<-node.gone
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	logger := slog.New(slog.DiscardHandler)
	_, err = Open(Config{Listen: l.Addr().(*net.TCPAddr).AddrPort(), Logger: logger})
	if err == nil || !strings.Contains(err.Error(), "--admin") {
		t.Errorf("an address in use: %v, want a remedy", err)
	}
	_, err = Open(Config{Socket: filepath.Join(t.TempDir(), strings.Repeat("x", 120)), Logger: logger})
	if err == nil || !strings.Contains(err.Error(), "107 octets") {
		t.Errorf("a path that is too long: %v, want the reason", err)
	}
}

// TestSocketOfADeadNodeIsReplaced: after a kill the file is still there.
func TestSocketOfADeadNodeIsReplaced(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Socket: socket, Node: &fake{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
