package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestSlowLog: whoever hands lease events over never waits, and what was left out is told.
func TestSlowLog(t *testing.T) {
	var out bytes.Buffer
	l := newLeaseLog(slog.New(slog.NewTextHandler(&out, nil)), nil)
	for range leaseLogDepth + 7 {
		l.observe(change(t, 0))
	}
	if got := l.lost.Load(); got != 7 {
		t.Errorf("%d batches left out, want 7", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.run(ctx)
	if got := strings.Count(out.String(), "lease granted"); got != leaseLogDepth {
		t.Errorf("%d events in the log, want %d", got, leaseLogDepth)
	}
	if !strings.Contains(out.String(), "batches=7") {
		t.Errorf("the log doesn't tell what was left out:\n%.300s", out.String())
	}
}

// TestLeaseLogLevels: own events are for everybody, a peer's for those who look for them, with its name.
func TestLeaseLogLevels(t *testing.T) {
	for level, want := range map[slog.Level][]string{
		slog.LevelInfo:  {"lease granted"},
		slog.LevelDebug: {"lease granted", "lease observed"},
	} {
		var out bytes.Buffer
		l := newLeaseLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})), func(owner uint8) string {
			return "number " + strconv.Itoa(int(owner))
		})
		l.write(append(change(t, 0), change(t, 7)...))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != len(want) {
			t.Fatalf("at level %v there are %d lines, want %d:\n%s", level, len(lines), len(want), out.String())
		}
		for i, line := range lines {
			if !strings.Contains(line, want[i]) || strings.Contains(line, "number 7") != (i == 1) {
				t.Errorf("at level %v line %d is %s, want %q in it", level, i, line, want[i])
			}
		}
	}
}

// TestLeaseEvents: each change of a binding is told by its name, Release and Decline too (RFC 9915, Section 18.3.8).
func TestLeaseEvents(t *testing.T) {
	for _, test := range []struct {
		binding binding.Stored
		want    string
	}{
		{binding.Stored{State: binding.Bound, Since: 9, LastTransaction: 9}, "lease granted"},
		{binding.Stored{State: binding.Bound, Since: 9, LastTransaction: 10}, "lease extended"},
		{binding.Stored{State: binding.Released}, "lease released"},
		{binding.Stored{State: binding.Declined}, "lease declined"},
		{binding.Stored{State: binding.Declined, Owner: 3}, leaseUnseen.text},
	} {
		if got := leaseEvent(&test.binding).text; got != test.want {
			t.Errorf("%v of %d is told as %q, want %q", test.binding.State, test.binding.Owner, got, test.want)
		}
	}
}

// change is one granted lease of an owner as the journal takes it.
func change(t *testing.T, owner uint8) []byte {
	t.Helper()
	table, err := binding.New(binding.Options{Capacity: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	h := table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	r, outcome := h.Publish(nil, &binding.Draft{
		Key: binding.Key{Address: [16]byte{0x20, 1}, Length: 128}, Kind: wire.IANA, IAID: 1, DUID: []byte{0, 3, 0, 1, 2},
		State: binding.Bound, Owner: owner, Valid: 60, LastTransaction: 100, Since: 100, Expires: 160,
	})
	if outcome != binding.Published {
		t.Fatal(outcome)
	}
	return binding.AppendChange(nil, r)
}

// TestClockFloor: the clock doesn't start before the newest binding, whatever the machine's says.
func TestClockFloor(t *testing.T) {
	m := theMachine()
	ahead := time.Now().Add(time.Hour).UnixNano()
	if got := m.steadyClock(ahead)(); got < ahead {
		t.Errorf("starts %v before its floor", time.Duration(ahead-got))
	}
	before := time.Now().UnixNano()
	if got := m.steadyClock(0)(); got < before {
		t.Errorf("starts %v before the machine's clock", time.Duration(before-got))
	}
}
