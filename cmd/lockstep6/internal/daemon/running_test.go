package daemon

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/admin/contract"
)

// A running is a node that serves.
type running struct {
	*Daemon
	dir    string // of the configuration, and of the data
	socket string
	ended  chan error
}

// serveNode runs node b of a configuration until the test ends, or it ends itself.
func serveNode(t *testing.T, text, node string) *running {
	t.Helper()
	// A socket's path may have 107 octets only, and the test's own folder is deep.
	dir, err := os.MkdirTemp("", "l6-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, content := range map[string]string{"lockstep6.yaml": text, "admin.token": apiToken + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := contract.WriteCertificate(filepath.Join(dir, "admin.crt"), filepath.Join(dir, "admin.key"), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	d, err := Open(ctx, Options{
		ConfigFile: filepath.Join(dir, "lockstep6.yaml"), Node: node, Data: filepath.Join(dir, "data"),
		Listen: []netip.AddrPort{netip.MustParseAddrPort("[::1]:0")}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Level: new(slog.LevelVar),
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	r := &running{Daemon: d, dir: dir, socket: filepath.Join(dir, "data", "admin.sock"), ended: make(chan error, 1)}
	go func() { r.ended <- d.Run(ctx); close(r.ended) }()
	t.Cleanup(func() {
		cancel()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
	})
	return r
}

// grant puts a lease into the running node's table.
func (r *running) grant(t *testing.T, lease, duid string, iaid uint32, extension []byte) {
	t.Helper()
	prefix, err := admin.ParseLease(lease)
	if err != nil {
		t.Fatal(err)
	}
	now := worker.Time(r.clock())
	d := binding.Draft{
		Key: binding.Key{Address: prefix.Addr().As16(), Length: uint8(prefix.Bits())}, Kind: wire.IAPD, IAID: iaid, State: binding.Bound,
		Valid: 3600, LastTransaction: now, Since: now, Expires: now + 3600, Extension: extension,
	}
	if prefix.Bits() == 128 {
		d.Kind = wire.IANA
	}
	if d.DUID, err = admin.ParseDUID(duid); err != nil {
		t.Fatal(err)
	}
	h := r.table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	if _, outcome := h.Publish(nil, &d); outcome != binding.Published {
		t.Fatal(outcome)
	}
}

// transport leads to the socket, whatever host a URL has.
func (r *running) transport() *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.socket)
	}}
}

// ask sends a request through the socket.
func (r *running) ask(t *testing.T, method, path, body string) (int, http.Header, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := r.transport().RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, text
}

// page is a page's leases and its cursor.
func (r *running) page(t *testing.T, query string) (leases []string, next string) {
	t.Helper()
	status, _, body := r.ask(t, "GET", "/v1/bindings?"+query, "")
	var p struct {
		Bindings []admin.Lease
		Next     string
	}
	if err := json.Unmarshal(body, &p); err != nil || status != 200 {
		t.Fatalf("%s: %d %s", query, status, body)
	}
	for _, l := range p.Bindings {
		leases = append(leases, l.Lease)
	}
	return leases, p.Next
}
