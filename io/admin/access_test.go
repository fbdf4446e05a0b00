package admin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/io/admin/contract"
)

const testToken = "0123456789abcdef0123456789abcdef"

// open serves by TCP with these rights, and returns how to ask and whom to trust.
func openTCP(t *testing.T, c Config, certified bool) (url string, roots *x509.CertPool) {
	t.Helper()
	c.Listen, c.Node, c.Logger = netip.MustParseAddrPort("127.0.0.1:0"), &fake{stored: testLeases()}, slog.New(slog.DiscardHandler)
	if certified {
		dir := t.TempDir()
		c.Certificate, c.Key = filepath.Join(dir, "crt"), filepath.Join(dir, "key")
		roots = certify(t, c.Certificate, c.Key, 1)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	if certified {
		return "https://" + s.Addr().String(), roots
	}
	return "http://" + s.Addr().String(), nil
}

func certify(t *testing.T, certificate, key string, serial int64) *x509.CertPool {
	t.Helper()
	if err := contract.WriteCertificate(certificate, key, serial); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots
}

// run serves until the test ends.
func run(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
}

// fetch sends a request with some header fields; Host among them.
func fetch(t *testing.T, roots *x509.CertPool, method, url string, header map[string]string) (*http.Response, problem) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"level":"warn"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if host := header["Host"]; host != "" {
		r.Host = host
	}
	answer, err := (&http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var p problem
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= 400 {
		if err := json.Unmarshal(body, &p); err != nil || p.Error == "" || p.Remedy == "" {
			t.Errorf("%s %s: %d %s: want an error and a remedy", method, url, answer.StatusCode, body)
		}
	}
	return answer, p
}

// TestRights: who may do what, at each kind of listener, with no token, a wrong one and the right one.
func TestRights(t *testing.T) {
	token := []byte(testToken)
	for name, test := range map[string]struct {
		config            Config
		tls               bool
		live, read, write [3]int // statuses
	}{
		"open":               {Config{Open: true}, false, [3]int{200, 200, 200}, [3]int{200, 401, 401}, [3]int{403, 401, 401}},
		"closed, no token":   {Config{}, false, [3]int{200, 200, 200}, [3]int{401, 401, 401}, [3]int{403, 401, 401}},
		"token in the clear": {Config{Token: token}, false, [3]int{200, 200, 200}, [3]int{401, 401, 200}, [3]int{403, 401, 403}},
		"open, clear token":  {Config{Token: token, Open: true}, false, [3]int{200, 200, 200}, [3]int{200, 401, 200}, [3]int{403, 401, 403}},
		"TLS only":           {Config{Open: true}, true, [3]int{200, 200, 200}, [3]int{200, 401, 401}, [3]int{403, 401, 401}},
		"TLS and token":      {Config{Token: token}, true, [3]int{200, 200, 200}, [3]int{401, 401, 200}, [3]int{401, 401, 200}},
		"TLS, token, open":   {Config{Token: token, Open: true}, true, [3]int{200, 200, 200}, [3]int{200, 401, 200}, [3]int{401, 401, 200}},
	} {
		url, roots := openTCP(t, test.config, test.tls)
		for i, sent := range []string{"", "Bearer " + testToken[:31] + "x", "bearer " + testToken} {
			header := map[string]string{}
			if sent != "" {
				header["Authorization"] = sent
			}
			for _, x := range []struct {
				method, path string
				want         int
			}{{"GET", "/live", test.live[i]}, {"GET", "/v1/state", test.read[i]}, {"PUT", "/v1/log-level", test.write[i]}, {"GET", "/debug/pprof/goroutine", test.write[i]}} {
				answer, _ := fetch(t, roots, x.method, url+x.path, header)
				if answer.StatusCode != x.want {
					t.Errorf("%s: %s %s with %q: %d, want %d", name, x.method, x.path, sent, answer.StatusCode, x.want)
				}
				if challenge := answer.Header.Get("WWW-Authenticate"); (challenge != "") != (x.want == 401) {
					t.Errorf("%s: %s %s with %q: %d with WWW-Authenticate %q", name, x.method, x.path, sent, x.want, challenge)
				}
			}
		}
	}
}

// TestBrowsers: what a page of another site could make a browser send is refused.
func TestBrowsers(t *testing.T) {
	guarded, roots := openTCP(t, Config{Token: []byte(testToken)}, true)
	for _, test := range []struct {
		method string
		header map[string]string
		want   int
	}{
		{"PUT", map[string]string{"Host": "node-a.example"}, 200},
		{"PUT", map[string]string{"Host": "whatever.example"}, 200}, // the page of that name hasn't got the token
		{"PUT", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"PUT", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"PUT", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		{"PUT", map[string]string{"Origin": "https://evil.example"}, 403},
		{"PUT", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 403}, // a form
		{"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403},
		{"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403},
		{"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200}, // a link
		{"GET", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
	} {
		test.header["Authorization"] = "Bearer " + testToken
		if answer, _ := fetch(t, roots, test.method, guarded+"/v1/log-level", test.header); answer.StatusCode != test.want {
			t.Errorf("%s %v: %d, want %d", test.method, test.header, answer.StatusCode, test.want)
		}
	}
}

// TestCertificateIsReadAgain: a certificate that is renewed on disk is in use at the next connection; one that can't be read isn't.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	crt, key := filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	certify(t, crt, key, 1)
	s, err := Open(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Certificate: crt, Key: key, Node: &fake{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	serial := func() int64 {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if v := conn.ConnectionState().Version; v != tls.VersionTLS13 {
			t.Errorf("TLS version %x", v)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("serial number %d at first", got)
	}
	certify(t, crt, key, 2)
	later(t, crt, key)
	if got := serial(); got != 2 {
		t.Errorf("serial number %d after a change, want 2", got)
	}
	if err := os.WriteFile(crt, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("serial number %d after damage, want the former 2", got)
	}
	certify(t, crt, key, 3)
	later(t, crt, key)
	if got := serial(); got != 3 {
		t.Errorf("serial number %d after the damage was mended, want 3", got)
	}
	if _, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 was taken")
	}
}

// later makes sure that a change shows in the files' times, however coarse the file system's clock is.
func later(t *testing.T, files ...string) {
	t.Helper()
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f, time.Time{}, info.ModTime().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefusesACertificate(t *testing.T) {
	_, err := Open(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Certificate: "/none", Key: "/none", Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "admin.tls") || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("a certificate that isn't there: %v", err)
	}
}

// TestConnect: what a client refuses by itself.
func TestConnect(t *testing.T) {
	for url, want := range map[string]string{
		"https://node.example:8067": "", "https://node.example/": "", "http://127.0.0.1:8067": "", "http://node.example": "in the clear",
		"node.example:8067": "isn't a URL", "https://user@node.example": "isn't a URL", "https://node.example/v1": "isn't a URL", "ftp://node": "isn't a URL",
	} {
		_, err := Connect(Remote{URL: url, Token: testToken})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	url, roots := openTCP(t, Config{Token: []byte(testToken)}, true)
	plain, err := Connect(Remote{URL: strings.Replace(url, "https", "http", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.State(t.Context()); err == nil || !strings.Contains(err.Error(), "speaks TLS; ask it by "+url) {
		t.Errorf("in the clear at a port with TLS: %v, want the right URL", err)
	}
	c, err := Connect(Remote{URL: url, Token: testToken, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := c.SetLogLevel(t.Context(), "warn"); err != nil || l.Level != "warn" {
		t.Errorf("log level %+v, %v", l, err)
	}
	if c, err = Connect(Remote{URL: url, Roots: roots}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.State(t.Context()); err == nil || !strings.Contains(err.Error(), "wants a token; send") {
		t.Errorf("without token: %v, want what to do", err)
	}
}
