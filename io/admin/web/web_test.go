package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// get asks for a file, with some header fields.
func get(t *testing.T, method, name string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, Path+name, nil)
	for field, values := range header {
		r.Header[field] = values
	}
	w := httptest.NewRecorder()
	Handler(http.NotFound).ServeHTTP(w, r)
	return w.Result()
}

// TestFiles: each file has its type, the policy, and is kept by browsers as long as it stays the same.
func TestFiles(t *testing.T) {
	all := load()
	if len(all) < 10 {
		t.Errorf("only %d files", len(all))
	}
	size := 0
	for name, f := range all {
		size += len(f.content)
		answer := get(t, "GET", name, nil)
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 || string(body) != string(f.content) || len(body) == 0 {
			t.Errorf("%s: %d, %d octets, %v", name, answer.StatusCode, len(body), err)
		}
		h := answer.Header
		if h.Get("Content-Type") == "" || h.Get("Content-Security-Policy") != policy || h.Get("Cache-Control") != "no-cache" || len(h.Get("ETag")) != 18 {
			t.Errorf("%s: %v", name, h)
		}
		again := get(t, "GET", name, http.Header{"If-None-Match": {h.Get("ETag")}})
		if body, _ := io.ReadAll(again.Body); again.StatusCode != http.StatusNotModified || len(body) > 0 || again.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s again: %d, %d octets", name, again.StatusCode, len(body))
		}
		if other := get(t, "GET", name, http.Header{"If-None-Match": {`"0000000000000000"`}}); other.StatusCode != 200 {
			t.Errorf("%s after a change: %d", name, other.StatusCode)
		}
	}
	if size > 96<<10 {
		t.Errorf("the page has %d octets: it is to stay under 96 KiB, as it is part of the program", size)
	}
	index := get(t, "GET", "", nil)
	if body, _ := io.ReadAll(index.Body); !strings.HasPrefix(string(body), "<!doctype html>") || index.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%s is %q %.40q", Path, index.Header.Get("Content-Type"), body)
	}
	if missing := get(t, "GET", "none", nil); missing.StatusCode != 404 || missing.Header.Get("ETag") != "" {
		t.Errorf("what there isn't: %d %v", missing.StatusCode, missing.Header)
	}
}

// TestPolicy: nothing but the node's own files may run, style, be asked or frame the page.
func TestPolicy(t *testing.T) {
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy has no %s", want)
		}
	}
	for _, never := range []string{"unsafe", "*", "http:", "https:", "data:", "blob:"} {
		if strings.Contains(policy, never) {
			t.Errorf("the policy has %s", never)
		}
	}
}

var (
	refers  = regexp.MustCompile(`(?:src|href)="([^"#]+)"|from '\./([^']+)'`)
	outside = regexp.MustCompile(`https?://[a-z0-9.]+|@import|url\(`)
	parses  = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b|new Function|\bstyle=|\son[a-z]+=`)
)

// TestSources: the page refers only to files that there are, to nothing elsewhere, and takes no text for HTML, style or a program.
func TestSources(t *testing.T) {
	all := load()
	referred := map[string]bool{"index.html": true}
	for name, f := range all {
		text := string(f.content)
		for _, m := range refers.FindAllStringSubmatch(text, -1) {
			to := m[1] + m[2]
			referred[to] = true
			if _, found := all[to]; !found && to != "../v1/openapi.yaml" {
				t.Errorf("%s refers to %s, which isn't there", name, to)
			}
		}
		for _, m := range outside.FindAllString(text, -1) {
			if m != "http://www.w3.org" { // names of XML, which nobody asks
				t.Errorf("%s has %s", name, m)
			}
		}
		if m := parses.FindString(text); m != "" {
			t.Errorf("%s has %q: build elements with h of dom.js", name, m)
		}
	}
	for name := range all {
		if !referred[name] {
			t.Errorf("nothing refers to %s", name)
		}
	}
}
