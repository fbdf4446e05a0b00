package hook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// example has something in every field.
func example() Event {
	until := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	return Event{
		Event: Add, Hook: "routes", Node: "a", List: 7, Lease: "2001:db8:8000:100::/56", Kind: "IA_PD", DUID: "00:03", IAID: "9", IAIDUnknown: true, ValidUntil: &until,
		PeerAddress: "fe80::1", LinkAddress: "2001:db8:1::1", Interface: "eth0", InterfaceID: "ge-0/0/1; rm -rf $HOME `id`", RemoteID: "9:x", SubscriberID: "s",
		RelayID: "00:04", Hardware: "02:00", Hostname: "h.example", Link: "lan", Owner: "b", Reason: "released",
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hook.sh")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// A program gets all there is, as variables and as JSON, and no shell reads what clients say.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SECRET", "of the node")
	p := Program{Path: script(t, `env | grep -e ^LOCKSTEP6_ -e ^SECRET | sort >"$1/env"; cat >"$1/json"`), Arguments: []string{dir}}
	e := example()
	if err := p.Send(t.Context(), []Event{e}); err != nil {
		t.Fatal(err)
	}
	var got Event
	text, err := os.ReadFile(filepath.Join(dir, "json"))
	if err != nil || json.Unmarshal(text, &got) != nil {
		t.Fatalf("%s, %v", text, err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	want := `LOCKSTEP6_DUID=00:03
LOCKSTEP6_EVENT=add
LOCKSTEP6_HARDWARE_ADDRESS=02:00
LOCKSTEP6_HOOK=routes
LOCKSTEP6_HOSTNAME=h.example
LOCKSTEP6_IAID=9
LOCKSTEP6_IAID_UNKNOWN=true
LOCKSTEP6_INTERFACE=eth0
LOCKSTEP6_INTERFACE_ID=ge-0/0/1; rm -rf $HOME ` + "`id`" + `
LOCKSTEP6_KIND=IA_PD
LOCKSTEP6_LEASE=2001:db8:8000:100::/56
LOCKSTEP6_LINK=lan
LOCKSTEP6_LINK_ADDRESS=2001:db8:1::1
LOCKSTEP6_LIST=7
LOCKSTEP6_NODE=a
LOCKSTEP6_OWNER=b
LOCKSTEP6_PEER_ADDRESS=fe80::1
LOCKSTEP6_REASON=released
LOCKSTEP6_RELAY_ID=00:04
LOCKSTEP6_REMOTE_ID=9:x
LOCKSTEP6_SUBSCRIBER_ID=s
LOCKSTEP6_VALID_UNTIL=2027-01-02T03:04:05Z
`
	if diff := cmp.Diff(want, string(env)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	for t.Context().Err() == nil {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A program that fails, hangs, says much or isn't there is told of; one that leaves a child behind isn't waited for.
func TestProgramFails(t *testing.T) {
	for text, want := range map[string]string{
		"echo no route; exit 3":                         "exit status 3: no route",
		"head -c 100000 /dev/zero | tr '\\0' x; exit 1": "exit status 1: xxx",
		"sleep 1000 & echo $! >\"$1/child\"; wait":      "took too long and was killed",
		"exit 0 <&-": "",
		"sleep 1000 & echo $! >\"$1/child\"; exit 0": "",
	} {
		dir, limit := t.TempDir(), time.Minute // less than what is left behind lasts
		if strings.Contains(want, "too long") {
			limit = 3 * time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		err := (&Program{Path: script(t, text), Arguments: []string{dir}}).Send(ctx, []Event{example()})
		cancel()
		if child, failed := os.ReadFile(filepath.Join(dir, "child")); failed == nil {
			pid, _ := strconv.Atoi(strings.TrimSpace(string(child)))
			if want == "" {
				_ = syscall.Kill(pid, syscall.SIGKILL) // who is left behind on purpose
			}
			gone(t, pid)
		}
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || len(err.Error()) > 2*saidMost) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if err := (&Program{Path: "/nowhere/at/all"}).Send(t.Context(), []Event{example()}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A batch is taken by an answer of 2xx only, with the token, which no redirection gets.
func TestPost(t *testing.T) {
	status, asked := 204, 0
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		body, _ = io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/leases" || r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		if status != 204 {
			_, _ = io.WriteString(w, "because")
		}
	}))
	defer server.Close()
	p := NewPost(server.URL+"/leases", 1, func() (string, error) { return "secret", nil })
	defer p.Close()
	second := example()
	second.Event, second.ValidUntil = ListItem, nil
	for code, ok := range map[int]bool{200: true, 204: true, 307: false, 404: false, 503: false} {
		status = code
		err := p.Send(t.Context(), []Event{example(), second})
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "because") {
			t.Errorf("%d: %v", code, err)
		}
	}
	var got struct{ Events []Event }
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Event{example(), second}, got.Events); diff != "" || asked != 5 {
		t.Errorf("asked %d times, body (-want +got):\n%s", asked, diff)
	}
	none := NewPost(server.URL+"/leases", 1, func() (string, error) { return "", os.ErrNotExist })
	if err := none.Send(t.Context(), []Event{second}); !errors.Is(err, os.ErrNotExist) || asked != 5 {
		t.Errorf("without its token: %v", err)
	}
}
