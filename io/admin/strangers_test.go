package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestStrangers: no operation bears a method, a parameter or a query that it doesn't know, and each says what it would.
func TestStrangers(t *testing.T) {
	_, socket := serve(t, &full{fake{stored: testLeases()}})
	segments := strings.NewReplacer("{lease}", "2001:db8:1::5", "{profile}", "heap", "{link}", "lan", "{client}", "duid", "{value}", "00:03:01")
	for _, r := range table() {
		path := segments.Replace(strings.ReplaceAll(r.path, "...}", "}"))
		if !slices.Contains(open, path) {
			queries := []string{"?strange=1", "?a=1;b=2", "?a=%zz"}
			for _, p := range r.takes {
				queries = append(queries, "?"+p+"=1&"+p+"=1")
			}
			for _, query := range queries {
				refusedFor(t, socket, r.method, path, query, http.StatusBadRequest)
			}
		}
		header := refusedFor(t, socket, "PATCH", path, "", http.StatusMethodNotAllowed)
		if !slices.Contains(strings.Split(header.Get("Allow"), ", "), r.method) {
			t.Errorf("PATCH %s: Allow %q, want %s among them", path, header.Get("Allow"), r.method)
		}
	}
}

// refusedFor sends what must be refused, with words and a remedy.
func refusedFor(t *testing.T, socket, method, path, query string, want int) http.Header {
	t.Helper()
	status, header, body := send(t, socket, method, path+query, "", nil)
	var p problem
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil || status != want || p.Error == "" || p.Remedy == "" {
		t.Errorf("%s %s%s: %d %s, %v, want %d with a remedy", method, path, query, status, body, err, want)
	}
	return header
}
