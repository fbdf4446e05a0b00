package demo

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/promise"
	"github.com/lockstep6/lockstep6/core/wire"
)

// round enters what three nodes that agree tell two clients, and that both get a prefix.
func round(l *promise.Ledger) promise.Agreement {
	for client := range 2 {
		for server := range 3 {
			hear(l, wire.Advertise, client, server, byte(client+1))
		}
		delegate(l, client, byte(client+1), true)
	}
	return l.NewRound()
}

// delegate enters that a client got a prefix, which it had asked for or not.
func delegate(l *promise.Ledger, client int, number byte, named bool) {
	l.Heard(&load.Answer{
		Client: client, Type: wire.Reply, Kind: wire.IAPD, Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 6: number}, Length: 56, Valid: 100, Named: named,
	})
}

func hear(l *promise.Ledger, kind wire.MessageType, client, server int, host byte) {
	l.Heard(&load.Answer{
		Client: client, Server: server, Type: kind, Kind: wire.IANA,
		Address: [16]byte{0x20, 1, 0xd, 0xb8, 15: host}, Length: 128, Valid: 100,
	})
}

// TestVerdict: the verdict fails for every way in which a promise can break, and for every way in which nothing was shown.
func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		name                   string
		spoil                  func(*promise.Ledger)
		clients, orphans, kept int
		held                   bool
	}{
		{"all is well", func(*promise.Ledger) {}, 2, 1, 1, true},
		{"a duplicate", func(l *promise.Ledger) { hear(l, wire.Reply, 1, 0, 1) }, 2, 1, 1, false},
		{"another address at another node", func(l *promise.Ledger) { hear(l, wire.Advertise, 0, 2, 9) }, 2, 1, 1, false},
		{"a move", func(l *promise.Ledger) { hear(l, wire.Reply, 0, 1, 9); hear(l, wire.Reply, 0, 1, 1) }, 2, 1, 1, false},
		{"a loss", func(l *promise.Ledger) { hear(l, wire.Reply, 0, 0, 1); l.Inspect(0, nil) }, 2, 1, 1, false},
		{"no renewal", func(l *promise.Ledger) { l.Silent(0, 0) }, 2, 1, 1, false},
		{"a client of which nothing was heard", func(*promise.Ledger) {}, 3, 1, 1, false},
		{"nobody was bound when the node was killed", func(*promise.Ledger) {}, 2, 0, 1, false},
		{"a prefix for two clients", func(l *promise.Ledger) { delegate(l, 1, 1, true) }, 2, 1, 1, false},
		{"a client that didn't keep what it had", func(*promise.Ledger) {}, 2, 1, 0, false},
		{"a prefix that nobody could know", func(l *promise.Ledger) { delegate(l, 0, 9, false) }, 2, 1, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := promise.New(names...)
			test.spoil(l)
			text, held := judge(l, &outcome{last: round(l), clients: test.clients, orphans: test.orphans, kept: test.kept, turned: 1, took: time.Second})
			if held != test.held {
				t.Errorf("held: %t, want %t\n%s", held, test.held, text)
			}
			if strings.Contains(text, "BROKEN") == held {
				t.Errorf("the words don't say so:\n%s", text)
			}
			if !l.Whole() && !strings.Contains(text, "evidence") {
				t.Errorf("no evidence:\n%s", text)
			}
		})
	}
}

func TestVerdictWithoutTheLastRound(t *testing.T) {
	l := promise.New(names...)
	round(l)
	if text, held := judge(l, &outcome{last: l.NewRound(), clients: 2, orphans: 1, kept: 1, turned: 1, took: time.Second}); held {
		t.Errorf("held, though the nodes weren't asked again:\n%s", text)
	}
}

// TestPoolHasRoom: however many clients there are, the pool has four prefixes for each, and is no larger than it must be.
func TestPoolHasRoom(t *testing.T) {
	for clients, want := range map[int]int{MinClients: 56, 10000: 56, 1 << 14: 56, 1<<14 + 1: 57, 100000: 59, MaxClients: 62} {
		if got := delegatedLength(clients); got != want {
			t.Errorf("prefixes of length %d for %d clients, want %d", got, clients, want)
		}
	}
}

func TestJournalFindsWhereTheNodeServes(t *testing.T) {
	j := newJournal()
	for _, piece := range []string{
		`{"msg":"bindings loaded"}` + "\n" + `{"msg":"serv`, `ing","listen":["[::1]:1234"],"node":"a"}`, "\nnot JSON\n", "the end",
	} {
		if n, err := j.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	select {
	case got := <-j.serving:
		if want := netip.MustParseAddrPort("[::1]:1234"); got != want {
			t.Errorf("serves at %s, want %s", got, want)
		}
	default:
		t.Error("the line was not found")
	}
	for range 100 {
		_, _ = j.Write([]byte("more\n"))
	}
	if text := j.String(); strings.Count(text, "\n") != keptLines {
		t.Errorf("%d lines are kept, want %d:\n%s", strings.Count(text, "\n"), keptLines, text)
	}
}

func TestScreenOnATerminal(t *testing.T) {
	var out strings.Builder
	s := newScreen(&out, true, func() view {
		return view{rate: 1234.5, nodes: []nodeView{{"a", serving, 4500}}, agreed: 9999, compared: 10000, kept: 7, turned: 7}
	})
	s.show()
	lines := strings.Count(out.String(), "\n")
	s.say("a word of %s", "explanation")
	if want := "\x1b[10A\x1b[Ja word of explanation\n"; lines != 10 || !strings.HasSuffix(out.String(), want) {
		t.Errorf("a table of %d lines isn't wiped before the next words: %q", lines, out.String())
	}
	for _, want := range []string{"a     serving          4,500", "9,999/10,000 (99.99 %)", "1,234", "7/7 (100 %)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, out.String())
		}
	}
}

func TestScreenElsewhere(t *testing.T) {
	var out strings.Builder
	s := newScreen(&out, false, func() view {
		return view{nodes: []nodeView{{"a", killed, 7}}, agreed: 3, compared: 3, duplicates: 1, lost: 2}
	})
	s.show()
	if got := out.String(); strings.Contains(got, "\x1b") || !strings.HasSuffix(got, "| a killed 7 | agreement 3/3 (100 %) | duplicates 1 | bindings lost 2 | kept -\n") {
		t.Errorf("the line is %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
	if got := percent(999999, 1000000); got != "99.99 %" {
		t.Errorf("999999 of 1000000 is %s", got)
	}
	if got := percent(0, 7); got != "0.00 %" {
		t.Errorf("0 of 7 is %s", got)
	}
}

func TestRate(t *testing.T) {
	var r rate
	start := time.Unix(0, 0)
	if got := r.now(5, start); got != 0 {
		t.Errorf("the first rate is %v, want 0", got)
	}
	if got := r.now(105, start.Add(500*time.Millisecond)); got != 200 {
		t.Errorf("100 in half a second are %v a second, want 200", got)
	}
	if got := r.now(105, start.Add(10*time.Second)); got != 0 {
		t.Errorf("none in ten seconds are %v a second, want 0", got)
	}
}

// TestNodesThatFail: a program that isn't a node, and one that is none, end the demonstration with a reason and leave nothing.
func TestNodesThatFail(t *testing.T) {
	for program, want := range map[string]string{
		"/nonexistent/lockstep6": "cannot start node a",
		"/bin/false":             "node a ended",
	} {
		folder := t.TempDir()
		t.Setenv("TMPDIR", folder)
		err := Run(t.Context(), Options{Program: program, Clients: MinClients, Out: new(strings.Builder), Limit: time.Minute})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", program, err, want)
		}
		if left, err := os.ReadDir(folder); len(left) > 0 || err != nil {
			t.Errorf("%s: %v is left behind (%v)", program, left, err)
		}
	}
	if err := Run(t.Context(), Options{Clients: 1}); err == nil {
		t.Error("one client was enough")
	}
}

func TestExplain(t *testing.T) {
	reason, got := errors.New("the reason"), errors.New("the consequence")
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := explain(ctx, got); err != got {
		t.Errorf("%v, want the error itself while nothing else is known", err)
	}
	cancel(reason)
	if err := explain(ctx, got); err != reason {
		t.Errorf("%v, want the reason why the context ended", err)
	}
}
