package admin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/io/admin/web"
)

// TestPage: everybody may have the page's files, at each kind of listener, and they open nothing else.
func TestPage(t *testing.T) {
	token := []byte(testToken)
	for name, test := range map[string]struct {
		config Config
		tls    bool
		state  int // without a token
	}{
		"open":             {Config{Open: true}, false, 200},
		"closed, no token": {Config{}, false, 401},
		"token":            {Config{Token: token}, false, 401},
		"TLS and token":    {Config{Token: token}, true, 401},
	} {
		url, roots := openTCP(t, test.config, test.tls)
		for path, status := range map[string]int{web.Path: 200, web.Path + "app.js": 200, "/v1/state": test.state} {
			if answer, _ := fetch(t, roots, "GET", url+path, nil); answer.StatusCode != status || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %s: %d %v, want %d and nosniff", name, path, answer.StatusCode, answer.Header, status)
			}
		}
		if answer, _ := fetch(t, roots, "GET", url+"/", nil); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != web.Path {
			t.Errorf("%s: / leads to %d %s", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}

// TestPageRefuses: what isn't a file of the page is refused as everywhere, in the interface's words.
func TestPageRefuses(t *testing.T) {
	url, _ := openTCP(t, Config{Open: true}, false)
	for _, test := range []struct {
		method, path, host string
		status             int
		words              string
	}{
		{"GET", "/ui/none.js", "", 404, "there is no GET /ui/none.js"},
		{"GET", "/ui/page/app.js", "", 404, "there is no"},
		{"GET", "/ui/%2e%2e/%2e%2e/etc/passwd", "", 404, "there is no"},
		{"GET", "/ui/web.go", "", 404, "there is no"},
		{"GET", "/ui/?x=1", "", 400, "there is no parameter"},
		{"POST", "/ui/", "", 405, "doesn't take POST"},
		{"GET", "/ui/", "evil.example", 403, "isn't a name of this machine's own"},
	} {
		answer, p := fetch(t, nil, test.method, url+test.path, map[string]string{"Host": test.host})
		if answer.StatusCode != test.status || !strings.Contains(p.Error, test.words) {
			t.Errorf("%s %s: %d %q, want %d and %q", test.method, test.path, answer.StatusCode, p.Error, test.status, test.words)
		}
	}
}
