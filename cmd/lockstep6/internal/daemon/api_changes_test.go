package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/admin/contract"
)

// An asker asks a running node, and holds each answer against the document that the node serves.
type asker struct {
	*running
	t        *testing.T
	contract *contract.Contract
}

func askerOf(t *testing.T, r *running) *asker {
	t.Helper()
	_, _, document := r.ask(t, "GET", "/v1/openapi.yaml", "")
	c, err := contract.Read(document)
	if err != nil {
		t.Fatal(err)
	}
	return &asker{running: r, t: t, contract: c}
}

// wants sends a request that is answered with a status and a text in the body.
func (a *asker) wants(method, path, body string, status int, text string) []byte {
	a.t.Helper()
	got, header, answer := a.ask(a.t, method, path, body)
	if got != status || !strings.Contains(string(answer), text) {
		a.t.Errorf("%s %s: %d, want %d with %s: %s", method, path, got, status, text, answer)
	}
	path, _, _ = strings.Cut(path, "?")
	if err := a.contract.Check(method, path, got, header.Get("Content-Type"), answer); err != nil {
		a.t.Error(err)
	}
	return answer
}

// TestReloadByAPI: a plan, its application by digest, and what is refused.
func TestReloadByAPI(t *testing.T) {
	a := askerOf(t, serveNode(t, apiConfig, "b"))
	a.grant(t, "2001:db8:1::5", "00:03:00:01:02:00:00:00:00:01", 7, nil)
	a.wants("POST", "/v1/reload?dry_run=true", "", 200, `"changed":false,"applied":false`)
	file := filepath.Join(a.dir, "lockstep6.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(edited(t, apiConfig, `addresses: [{pool: "2001:db8:1::/64"}]`, `addresses: [{pool: "2001:db8:1::/64", exclude: ["2001:db8:1::/124"]}]`))
	var plan admin.Plan
	if err := json.Unmarshal(a.wants("POST", "/v1/reload?dry_run=true", "", 200, `"excluded":1`), &plan); err != nil {
		t.Fatal(err)
	}
	a.wants("POST", "/v1/reload?digest=x", "", 409, "dry_run=true")
	force := ""
	if !plan.Safe {
		a.wants("POST", "/v1/reload?digest="+plan.Digest, "", 409, `"unsafe":true`)
		force = "&force=true"
	}
	a.wants("POST", "/v1/reload?digest="+plan.Digest+force, "", 200, `"applied":true`)
	write("links: 7")
	a.wants("POST", "/v1/reload", "", 422, `"faults":["`)
	a.wants("GET", "/v1/config", "", 200, `"exclude":["2001:db8:1::/124"]`)
}

// TestReservationsByAPI: a stored reservation comes, is listed and goes, and what is refused says why.
func TestReservationsByAPI(t *testing.T) {
	a := askerOf(t, serveNode(t, apiConfig, "b"))
	const all = "/v1/links/lan/reservations"
	line := all + "/remote-id/" + url.PathEscape("slot 1/2")
	a.wants("PUT", line+"?enterprise=4491", `{"addresses":["2001:db8:1::10"]}`, 200, admin.ReservationNote)
	a.wants("GET", all, "", 200, `"client":"remote-id","value":"slot 1/2","enterprise":4491,"addresses":["2001:db8:1::10"],"prefixes":[],"hostname":"","options":0,"stored":true`)
	a.wants("GET", all, "", 200, `"client":"duid","value":"00:04:99"`)
	a.wants("PUT", line, `{"prefixes":["2001:db8:8000:700::/56"]}`, 409, `"unsafe":true`)
	a.wants("PUT", line, `{"addresses":["2001:db8:1::99"]}`, 422, "already")
	a.wants("PUT", line, `{"addresses":`, 400, "isn't JSON")
	a.wants("PUT", line+"?enterprise=x", `{}`, 400, "enterprise number")
	a.wants("PUT", "/v1/links/wan/reservations/duid/00:04:01", `{}`, 404, "GET /v1/links")
	a.wants("GET", "/v1/links/wan/reservations", "", 404, "GET /v1/links")
	a.wants("DELETE", line+"?enterprise=4491", "", 200, `"applied":true`)
	a.wants("DELETE", line+"?enterprise=4491", "", 404, "reservations list")
}

// TestBackupAndHistoryByAPI: a copy is made once, and what a client had is told.
func TestBackupAndHistoryByAPI(t *testing.T) {
	a := askerOf(t, serveNode(t, apiConfig, "b"))
	a.grant(t, "2001:db8:1::5", "00:03:00:01:02:00:00:00:00:01", 7, nil)
	a.wants("DELETE", "/v1/bindings/2001:db8:1::5", "", 200, `"state":"released"`)
	a.wants("GET", "/v1/history?lease=2001:db8:1::5", "", 200, `"lasts":false,"ended":"released"`)
	a.wants("GET", "/v1/history?lease=2001:db8:1::6", "", 200, "")
	a.wants("GET", "/v1/history?from=now&to=-1h", "", 400, "before it begins")
	dir := filepath.Join(a.dir, "copy")
	a.wants("POST", "/v1/backup?dir="+url.QueryEscape(dir), "", 200, `"done":true}`)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		t.Errorf("the copy has %d files, %v", len(entries), err)
	}
	a.wants("POST", "/v1/backup?dir="+url.QueryEscape(dir), "", 409, "there")
	_, rest, _ := strings.Cut(apiConfig, "history: {keep: 400d}\n")
	askerOf(t, serveNode(t, rest, "b")).wants("GET", "/v1/history", "", 404, "write history")
}

// TestRefusalsByAPI: what came and got nothing is told.
func TestRefusalsByAPI(t *testing.T) {
	a := askerOf(t, serveNode(t, apiConfig, "b"))
	conn, err := net.DialUDP("udp6", nil, net.UDPAddrFromAddrPort(a.sockets.Addresses()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	total := uint64(0) // more than one on a busy machine: what waited for long is refused as that
	for truncated := false; !truncated; {
		if _, err := conn.Write([]byte{1, 0, 0}); err != nil { // a Solicit that is cut short
			t.Fatal(err)
		}
		all := newOperator(a.Daemon).Refusals()
		for start := time.Now(); all.Total == total; all = newOperator(a.Daemon).Refusals() {
			if time.Since(start) > patience {
				t.Fatal("a message that is cut short is no refusal")
			}
			time.Sleep(time.Millisecond)
		}
		total, truncated = all.Total, all.Refusals[0].Reason != wire.DropOverload.String()
	}
	a.wants("GET", "/v1/refusals?limit=1", "", 200, `"reason":"truncated"`)
	a.wants("GET", "/v1/refusals?client=00:04:01", "", 200, fmt.Sprintf(`"refusals":[],"total":%d`, total))
	a.wants("GET", "/v1/refusals?client=x", "", 400, "neither a DUID")
}

// TestEventsByAPI: who follows the log gets what there was and what comes, and the node's end is the end of it.
func TestEventsByAPI(t *testing.T) {
	a := askerOf(t, serveNode(t, apiConfig, "b"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://localhost/v1/events?follow", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", a.socket)
	}}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	seen := map[string]bool{}
	for s := bufio.NewScanner(answer.Body); s.Scan(); {
		if err := a.contract.Check("GET", "/v1/events", answer.StatusCode, answer.Header.Get("Content-Type"), s.Bytes()); err != nil {
			t.Error(err)
		}
		var e admin.Event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		switch seen[e.ID] = true; e.ID {
		case "serving":
			a.wants("POST", "/v1/reload", "", 200, `"applied":true`)
		case "configuration-reloaded":
			a.wants("GET", "/v1/events?after=0", "", 200, `"id":"serving"`)
			a.wants("POST", "/v1/drain", "", 202, "stop")
		}
	}
	if !seen["serving"] || !seen["configuration-reloaded"] || !seen["stopping"] {
		t.Errorf("followed %v", seen)
	}
}
