package admin

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// foreignHosts are what a browser sends that was led here by a name of somebody else's.
var foreignHosts = []string{
	"evil.example", "evil.example:8067", "localhost.evil.example", "127.0.0.1.evil.example", "node", "xlocalhost", "::1.evil.example", "[::1].evil.example:1",
}

// ownHosts are what nobody else can claim.
var ownHosts = []string{"localhost", "LOCALHOST:8067", "localhost.", "127.0.0.1:1", "[::1]:8067", "[::1]", "127.9.9.9", "192.0.2.1", "192.0.2.1:8067", "[2001:db8::1]:8067"}

// TestHosts: by TCP nothing is read without token where the Host is a name that isn't the node's own; what everybody may ask for is.
func TestHosts(t *testing.T) {
	named := Config{Open: true, Names: []string{"Node-A.Example."}}
	token := Config{Open: true, Token: []byte(testToken)}
	for name, test := range map[string]struct {
		config Config
		tls    bool
		more   map[string]int
	}{
		"no token":           {Config{Open: true}, false, map[string]int{"node-a.example": 403}},
		"names":              {named, false, map[string]int{"node-a.example": 200, "NODE-A.example.:8067": 200, "b.node-a.example": 403}},
		"names of the TLS":   {Config{Open: true}, true, map[string]int{"node-a.example": 200, "NODE-A.example.:8067": 200, "": 200}},
		"a token, and names": {token, true, map[string]int{"node-b.example": 403}},
	} {
		url, roots := openTCP(t, test.config, test.tls)
		wants := map[string]int{}
		for _, host := range ownHosts {
			wants[host] = 200
		}
		for _, host := range foreignHosts {
			wants[host] = 403
		}
		for host, want := range test.more {
			wants[host] = want
		}
		for host, want := range wants {
			askAs(t, name, roots, url, host, want)
		}
	}
	url, roots := openTCP(t, token, true)
	for sent, want := range map[string]int{"Bearer " + testToken: 200, "Bearer x": 403, "": 403} {
		header := map[string]string{"Host": "evil.example", "Authorization": sent}
		if answer, _ := fetch(t, roots, "GET", url+"/v1/state", header); answer.StatusCode != want {
			t.Errorf("a Host of somebody else's and %q: %d, want %d", sent, answer.StatusCode, want)
		}
	}
}

// askAs asks by a Host for what must have a status, for the page's files, which have the same, and for what is everybody's.
func askAs(t *testing.T, name string, roots *x509.CertPool, url, host string, want int) {
	t.Helper()
	header := map[string]string{"Host": host}
	for _, path := range []string{"/v1/state", "/metrics", "/ui/"} {
		answer, p := fetch(t, roots, "GET", url+path, header)
		if answer.StatusCode != want {
			t.Errorf("%s: %s by Host %s: %d, want %d", name, path, host, answer.StatusCode, want)
		}
		if want == 403 && !strings.Contains(p.Remedy, "admin.names") {
			t.Errorf("%s: Host %s: the remedy is %q", name, host, p.Remedy)
		}
	}
	for _, path := range open {
		if answer, _ := fetch(t, roots, "GET", url+path, header); answer.StatusCode != 200 {
			t.Errorf("%s: Host %s: %s has %d", name, host, path, answer.StatusCode)
		}
	}
}

// TestHostsOfTheSocket: a port that is forwarded to admin.sock gives a page in a browser no more than another port does, whoever's rights the
// socket has; it could change the node else.
func TestHostsOfTheSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	s, err := Open(Config{Socket: socket, Names: []string{"node-a.example"}, Node: &fake{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	ask := func(method, host string, header string) int {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, method+" /v1/log-level HTTP/1.1\r\nHost: "+host+"\r\n"+header+"Content-Length: 16\r\nConnection: close\r\n\r\n"+`{"level":"warn"}`); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var p problem
		if err := json.NewDecoder(answer.Body).Decode(&p); answer.StatusCode == 403 && (err != nil || p.Error == "" || p.Remedy == "") {
			t.Errorf("Host %s: %+v, %v: want an error and a remedy", host, p, err)
		}
		return answer.StatusCode
	}
	for _, method := range []string{"GET", "PUT"} {
		for _, host := range append([]string{"node-a.example"}, ownHosts...) {
			if got := ask(method, host, ""); got != 200 {
				t.Errorf("%s by Host %s: %d", method, host, got)
			}
			if got := ask(method, host, "Sec-Fetch-Site: cross-site\r\n"); got != 403 {
				t.Errorf("%s by Host %s from a page of another site: %d, want 403", method, host, got)
			}
		}
		for _, host := range foreignHosts {
			if got := ask(method, host, ""); got != 403 {
				t.Errorf("%s by Host %s: %d, want 403", method, host, got)
			}
		}
	}
}
