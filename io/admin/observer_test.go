package admin

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// Recent is what a fake node remembers.
type recent struct {
	refusals []Refusal
	lock     sync.Mutex
	lines    []Event
	more     chan struct{}
	ended    bool
}

func (o *recent) Refusals() Refusals {
	return Refusals{Refusals: append([]Refusal{}, o.refusals...), Total: 9, Skipped: 2}
}

func (o *recent) Events(after uint64) (lines []Event, more <-chan struct{}) {
	o.lock.Lock()
	defer o.lock.Unlock()
	for _, e := range o.lines {
		if e.Sequence > after {
			lines = append(lines, e)
		}
	}
	if o.ended {
		return lines, nil
	}
	return lines, o.more
}

func (o *recent) say(id string, end bool) {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.lines = append(o.lines, Event{Sequence: uint64(len(o.lines) + 1), ID: id, Level: "INFO"})
	o.ended = end
	if o.more != nil {
		close(o.more)
	}
	o.more = make(chan struct{})
}

func testRefusals() []Refusal {
	at := testNow.Unix() * 1e9
	asker := engine.Asker{DUID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}, Peer: [16]byte{0xfe, 0x80, 15: 9}, Link: -1}
	relayed := engine.Asker{
		DUID: []byte{0, 4, 9}, LinkLayer: []byte{0, 1, 2, 0, 0, 0, 0, 7}, Peer: [16]byte{0xfe, 0x80, 8: 0, 11: 0xff, 12: 0xfe, 15: 8},
		LinkAddress: [16]byte{0x20, 1, 15: 1}, InterfaceID: []byte("port 7"), PoolName: []byte("gold"), Length: 48, Relayed: true, Link: 0,
	}
	return []Refusal{
		NewRefusal(&worker.Refusal{At: at, Type: wire.Solicit, Status: wire.StatusNoAddrsAvail, Lack: engine.LackPort, Source: [16]byte{0x20, 2, 15: 3}, Asker: relayed}, "lan", ""),
		NewRefusal(&worker.Refusal{At: at - 1e9, Type: wire.Request, Drop: wire.DropNoLink, Listen: 1, Asker: asker}, "", "eth0"),
	}
}

func TestNewRefusal(t *testing.T) {
	at := time.Unix(testNow.Unix(), 0).UTC()
	want := []Refusal{
		{
			At: at, Message: "Solicit", DUID: "00:04:09", HardwareAddress: "02:00:00:00:00:07", PeerAddress: "fe80::ff:fe00:8", Relay: "2002::3",
			LinkAddress: "2001::1", InterfaceID: "port 7", PoolName: "gold", PrefixLength: 48, Link: "lan", Status: "NoAddrsAvail", Reason: "port-limit",
			Why: lackReasons[engine.LackPort].words, Remedy: lackReasons[engine.LackPort].remedy,
		},
		{
			At: at.Add(-time.Second), Message: "Request", DUID: "00:03:00:01:02:00:00:00:00:01", HardwareAddress: "02:00:00:00:00:01",
			PeerAddress: "fe80::9", Interface: "eth0", Reason: "no-link", Why: dropReasons[wire.DropNoLink].words, Remedy: dropReasons[wire.DropNoLink].remedy,
		},
	}
	if diff := cmp.Diff(want, testRefusals()); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

// TestReasons: whatever a client can be refused for has words and a remedy, and a name of its own.
func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	check := func(f worker.Refusal) {
		r := NewRefusal(&f, "", "")
		if r.Reason == "" || r.Why == "" || r.Remedy == "" || seen[r.Reason+r.Status] {
			t.Errorf("%+v is explained as %+v", f, r)
		}
		seen[r.Reason+r.Status] = true
	}
	for d := wire.DropNone + 1; d < wire.DropCount; d++ {
		check(worker.Refusal{Drop: d})
	}
	for l := engine.LackNone; l < engine.LackCount; l++ {
		check(worker.Refusal{Status: wire.StatusNoAddrsAvail, Lack: l})
		check(worker.Refusal{Status: wire.StatusNoPrefixAvail, Lack: l})
	}
	silence := NewRefusal(&worker.Refusal{Drop: wire.DropExhausted, Lack: engine.LackPort}, "", "")
	if silence.Reason != "exhausted" || !strings.Contains(silence.Why, lackReasons[engine.LackPort].words) {
		t.Errorf("silence for want of a lease is explained as %+v", silence)
	}
	for _, s := range []wire.StatusCode{wire.StatusUnspecFail, wire.StatusNoBinding, wire.StatusNotOnLink} {
		check(worker.Refusal{Status: s})
	}
}

func TestRefusalsEndpoint(t *testing.T) {
	node := &fake{recent: recent{refusals: testRefusals()}}
	tcp, _ := serve(t, node)
	for query, want := range map[string]string{
		"":                                      "port-limit no-link",
		"?limit=1":                              "port-limit",
		"?client=00:03:00:01:02:00:00:00:00:01": "no-link",
		"?client=000409":                        "port-limit",
		"?client=02-00-00-00-00-07":             "port-limit",
		"?client=0200.0000.0008":                "port-limit", // of which its link-local address is made
		"?client=fe80::9":                       "no-link",
		"?client=2002::3":                       "port-limit", // its relay
		"?client=00:04:0a":                      "",
	} {
		status, body := ask(t, "GET", tcp, "/v1/refusals"+query)
		var got Refusals
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK || got.Total != 9 || got.Skipped != 2 {
			t.Errorf("%s: %d %s, %v", query, status, body, err)
		}
		var reasons []string
		for _, r := range got.Refusals {
			reasons = append(reasons, r.Reason)
		}
		if strings.Join(reasons, " ") != want {
			t.Errorf("%s: %v, want %s", query, reasons, want)
		}
	}
	for _, query := range []string{"?client=x", "?client=0102", "?limit=-1", "?clients=1"} {
		if status, body := ask(t, "GET", tcp, "/v1/refusals"+query); status != http.StatusBadRequest || !strings.Contains(body, "remedy") {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

func TestEventsEndpoint(t *testing.T) {
	node := &fake{}
	tcp, socket := serve(t, node)
	for _, id := range []string{"a", "b", "c"} {
		node.say(id, false)
	}
	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	lines, err := client.Events(t.Context(), 1)
	if err != nil || len(lines) != 2 || lines[0].ID != "b" || lines[1].Sequence != 3 {
		t.Errorf("events after the first: %+v, %v", lines, err)
	}
	for _, query := range []string{"?after=x", "?after=-1", "?follow=x", "?newest"} {
		if status, body := ask(t, "GET", tcp, "/v1/events"+query); status != http.StatusBadRequest || !strings.Contains(body, "remedy") || strings.Contains(body, "strconv") {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

// TestEventsFollow: who follows gets each line once, as it comes, until the node ends.
func TestEventsFollow(t *testing.T) {
	node := &fake{}
	node.say("first", false)
	tcp, _ := serve(t, node)
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+tcp+"/v1/events?follow", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got []string
	for s := bufio.NewScanner(answer.Body); s.Scan(); {
		var e Event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if got = append(got, e.ID); e.ID == "first" {
			node.say("second", false)
		} else if e.ID == "second" {
			node.say("last", true)
		}
	}
	if !slices.Equal(got, []string{"first", "second", "last"}) {
		t.Errorf("got %v", got)
	}
}
