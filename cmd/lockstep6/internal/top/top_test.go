package top

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/admin"
)

var began = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func buckets(counts ...uint64) (l admin.Latency) {
	for i, n := range counts {
		l.Buckets = append(l.Buckets, admin.LatencyBucket{Bound: 0.001 * float64(int(1)<<i), Count: n})
		l.Count = n
	}
	return l
}

// first and second are two answers of a node, two seconds apart.
func first() Snapshot {
	return Snapshot{At: began.Add(time.Hour), State: admin.State{
		Version: "v9", Node: "a", Started: began, Ready: true, Bindings: 900, Capacity: 1000,
		Answered: map[string]uint64{"Solicit": 10, "Renew": 5}, Dropped: map[string]uint64{"for-peer": 7},
		Sent: 15, Syncs: 3, Latency: buckets(5, 10, 10),
	}, Events: []admin.Event{{Sequence: 7, At: began, Level: "INFO", ID: "serving", Message: "serving"}}}
}

func second() Snapshot {
	heard := began.Add(30 * time.Minute)
	s := first()
	s.At = s.At.Add(2 * time.Second)
	s.State.Answered = map[string]uint64{"Solicit": 1010, "Renew": 25, "Rebind": 1}
	s.State.Dropped = map[string]uint64{"for-peer": 7, "no-link": 30}
	s.State.Sent, s.State.Syncs, s.State.Latency = 1035, 203, buckets(5, 60, 110)
	s.Events = []admin.Event{{Sequence: 8, At: began, Level: "WARN", ID: "kernel-drops", Message: "dropped", Attributes: map[string]any{"dropped": 3e6, "by": "the kernel"}}}
	s.Pools = []admin.Pool{
		{Link: "lan", Pool: "2001:db8:1::/64", Used: 0.1, Own: 4},
		{Link: "lan", Pool: "2001:db8:8000::/40", Used: 0.95, Own: 3, Observed: 9, Stripes: []admin.Stripe{{Own: true, Used: 1, Size: 2}, {Stripe: 1, Used: 1, Size: 2}}},
	}
	s.Peers = &admin.Peers{
		Node: "a", BackSeat: true,
		Peers: []admin.Peer{{Name: "b", State: "silent", LastHeard: &heard}, {Name: "c", State: "alive", Divergence: []admin.Divergence{{}}}},
		Gates: []admin.Gate{{Link: "lan", Open: true}, {Link: "wlan", Reason: "the node was away", Progress: 0.25}},
	}
	return s
}

// shown is a model that has seen both answers.
func shown(t *testing.T) Model {
	t.Helper()
	m := New(nil, time.Second)
	for _, s := range []Snapshot{first(), second()} {
		m = send(t, m, answer{snapshot: s})
	}
	return m
}

func send(t *testing.T, m Model, msg tea.Msg) Model {
	t.Helper()
	next, _ := m.Update(msg)
	return next.(Model)
}

func press(code rune, mod tea.KeyMod, text string) tea.KeyPressMsg {
	return tea.KeyPressMsg{Code: code, Mod: mod, Text: text}
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

func TestPlain(t *testing.T) {
	m := shown(t)
	want := `lockstep6 v9, node a, up 1h0m2s, ready

overview
answered/s   510          Solicit 500 Renew 10 Rebind 0.5
dropped/s    15           no-link 15
sent/s       510          kernel drops/s -
syncs/s      100          spared writes/s -
latency      p50 2ms  p99 4ms
sync         -
bindings     900 of 1000  [##################..]  90.0 %

pools
[###################.]  95.0 %  lan          2001:db8:8000::/40           3 own, 9 observed
[##########..........]  50.0 %    own share, stripe 0: 1 of 2
[##..................]  10.0 %  lan          2001:db8:1::/64              4 own, 0 observed

peers
b                silent    0 leases observed, its clients last heard at 09:30:00
c                alive     0 leases observed, never heard of, ANOTHER CONFIGURATION
listening on link wlan, 25 % of T1: the node was away
in the back seat: new clients are left to other nodes

events
09:00:00 INFO  serving            serving
09:00:00 WARN  kernel-drops       dropped  by="the kernel"  dropped=3000000
`
	if diff := cmp.Diff(want, m.plain()); diff != "" {
		t.Errorf("plain text (-want +got):\n%s", diff)
	}
}

// TestFirstLook: without a second answer there are no rates, and a node that tells little is shown all the same.
func TestFirstLook(t *testing.T) {
	m := send(t, New(nil, time.Second), answer{snapshot: first()})
	wantLines(t, m.plain(), "answered/s   -", "latency      -", "bindings     900 of 1000")
	if text := m.plain(); strings.Contains(text, "pools") || strings.Contains(text, "peers") {
		t.Errorf("views without content are shown:\n%s", text)
	}
	wantLines(t, New(nil, time.Second).View().Content, "asking the node")
}

// TestScreenFits: every view fits in every terminal, line by line, and the smallest that is promised shows the essentials.
func TestScreenFits(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 200, Height: 60}, {Width: 20, Height: 5}, {Width: 1, Height: 1}} {
		m := send(t, shown(t), size)
		for range pageCount {
			for _, help := range []bool{false, true} {
				m.help = help
				lines := strings.Split(m.View().Content, "\n")
				if len(lines) > max(2, size.Height) {
					t.Errorf("%dx%d, view %s: %d lines", size.Width, size.Height, pageNames[m.page], len(lines))
				}
				for _, line := range lines {
					if n := lipgloss.Width(line); n > size.Width {
						t.Errorf("%dx%d, view %s: a line of %d columns: %s", size.Width, size.Height, pageNames[m.page], n, line)
					}
				}
			}
			m.help = false
			m = send(t, m, press(tea.KeyTab, 0, ""))
		}
	}
	m := shown(t)
	if v := m.View(); !v.AltScreen {
		t.Error("it doesn't use a screen of its own")
	} else {
		wantLines(t, v.Content, "lockstep6", "Solicit 500", "p99 4ms", "900 of 1000", "95.0 %", "kernel-drops", "q quit")
	}
}

func TestKeys(t *testing.T) {
	m := shown(t)
	m = send(t, m, press(tea.KeyTab, 0, ""))
	if m.page != pools {
		t.Errorf("tab leads to %s", pageNames[m.page])
	}
	m = send(t, m, press(tea.KeyTab, 0, ""))
	wantLines(t, m.View().Content, "listening on link wlan")
	m = send(t, m, press(tea.KeyTab, tea.ModShift, ""))
	m = send(t, m, press(tea.KeyTab, tea.ModShift, ""))
	m = send(t, m, press(tea.KeyTab, tea.ModShift, ""))
	if m.page != log {
		t.Errorf("shift+tab leads from the first view to %s", pageNames[m.page])
	}
	m = send(t, m, press('?', 0, "?"))
	wantLines(t, m.View().Content, "shift+tab", "lockstep6 why CLIENT")
	m = send(t, m, press(tea.KeyEscape, 0, ""))
	if m.help {
		t.Error("the help stays")
	}
	if _, quit := m.Update(press('q', 0, "q")); quit == nil || quit() != (tea.QuitMsg{}) {
		t.Error("q doesn't quit")
	}
}

// TestPause: while it is paused nothing changes and nobody is asked.
func TestPause(t *testing.T) {
	node := &fake{}
	m := New(node, time.Nanosecond)
	m = send(t, m, answer{snapshot: first()})
	m = send(t, m, press('p', 0, "p"))
	wantLines(t, m.View().Content, "PAUSED")
	m = send(t, m, answer{snapshot: second()})
	if m.now.State.Sent != 15 {
		t.Error("what came while it was paused is shown")
	}
	_, next := m.Update(tick{})
	if got := next(); got != (tick{}) || node.asked > 0 {
		t.Errorf("the node was asked %d times; the next message is %v", node.asked, got)
	}
	m = send(t, m, press('p', 0, "p"))
	_, next = m.Update(tick{})
	if got, ok := next().(answer); !ok || got.err != nil || node.asked != 1 || node.after != 7 {
		t.Errorf("after the pause: %v, asked %d times for what is new after %d", got, node.asked, node.after)
	}
}

// TestTrouble: a node that stops answering is told of, beside what it said last; one that was restarted begins anew.
func TestTrouble(t *testing.T) {
	m := send(t, shown(t), answer{err: errors.New("connection refused")})
	m = send(t, m, tea.WindowSizeMsg{Width: 120, Height: 24})
	wantLines(t, m.View().Content, "doesn't answer: connection refused", "900 of 1000")
	fresh := first()
	fresh.State.Started, fresh.State.Ready, fresh.State.NotReady = began.Add(time.Hour), false, "the disk is full"
	fresh.Events[0].Sequence = 1
	m = send(t, m, answer{snapshot: fresh})
	wantLines(t, m.View().Content, "NOT READY: the disk is full", "answered/s   -")
	if m.lastEvent() != 1 {
		t.Errorf("goes on from event %d of the process before", m.lastEvent())
	}
}

// A fake node answers with an answer, or without pools as an older one.
type fake struct {
	asked, peers int
	after        uint64
	err          error
}

func (f *fake) State(context.Context) (admin.State, error) {
	f.asked++
	if f.asked > 1 {
		return second().State, f.err
	}
	return first().State, f.err
}

func (f *fake) Peers(context.Context) (admin.Peers, error) { f.peers++; return *second().Peers, nil }

func (f *fake) Pools(context.Context) ([]admin.Pool, error) {
	return nil, errors.New("there is no GET /v1/pools")
}

func (f *fake) Events(_ context.Context, after uint64) ([]admin.Event, error) {
	f.after = after
	return first().Events, nil
}

func TestOnce(t *testing.T) {
	node := &fake{}
	text, err := Once(t.Context(), node, time.Millisecond)
	if err != nil || node.asked != 2 || node.after != 7 {
		t.Fatalf("asked %d times, at last for what is new after %d: %v", node.asked, node.after, err)
	}
	wantLines(t, text, "Solicit ", "listening on link wlan", "serving")
	if strings.ContainsRune(text, '\x1b') {
		t.Errorf("there are escape sequences in %q", text)
	}
	node.err = errors.New("gone")
	if _, err := Once(t.Context(), node, time.Millisecond); err == nil {
		t.Error("a node that doesn't answer was shown")
	}
}

// TestPeersAreAskedSeldom: the node goes through all its bindings for that answer.
func TestPeersAreAskedSeldom(t *testing.T) {
	node := &fake{}
	m := New(node, time.Nanosecond)
	for range 2 * peersEvery {
		m = send(t, m, m.ask()())
	}
	if node.asked != 2*peersEvery || node.peers != 2 {
		t.Errorf("asked %d times, of these %d times for peers; want %d and 2", node.asked, node.peers, 2*peersEvery)
	}
}

// TestRun: in a terminal without colours none are used, and q ends it.
func TestRun(t *testing.T) {
	in, out := keys{}, new(strings.Builder)
	err := Run(t.Context(), &fake{}, time.Second, tea.WithInput(in), tea.WithOutput(out), tea.WithWindowSize(80, 24),
		tea.WithEnvironment([]string{"TERM=xterm-256color", "NO_COLOR=1"}))
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, out.String(), "lockstep6")
	for _, colour := range []string{"\x1b[31", "\x1b[32", "\x1b[33", "\x1b[1;31"} {
		if strings.Contains(out.String(), colour) {
			t.Errorf("colour %q in %q", colour, out.String())
		}
	}
}

// keys is q after a moment in which something can be drawn.
type keys struct{}

func (keys) Read(b []byte) (int, error) {
	time.Sleep(200 * time.Millisecond)
	return copy(b, "q"), nil
}
