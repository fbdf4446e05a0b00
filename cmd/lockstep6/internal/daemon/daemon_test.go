package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestSlowLog: whoever hands lease events over never waits, and what was left out is told.
func TestSlowLog(t *testing.T) {
	var out bytes.Buffer
	l := newLeaseLog(slog.New(slog.NewTextHandler(&out, nil)))
	for range leaseLogDepth + 7 {
		l.observe(change(t))
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

// change is one granted lease as the journal takes it.
func change(t *testing.T) []byte {
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
		State: binding.Bound, Valid: 60, LastTransaction: 100, Since: 100, Expires: 160,
	})
	if outcome != binding.Published {
		t.Fatal(outcome)
	}
	return binding.AppendChange(nil, r)
}

// TestClockFloor: the clock doesn't start before the newest binding, whatever the machine's says.
func TestClockFloor(t *testing.T) {
	ahead := time.Now().Add(time.Hour).UnixNano()
	if got := steadyClock(ahead)(); got < ahead {
		t.Errorf("starts %v before its floor", time.Duration(ahead-got))
	}
	before := time.Now().UnixNano()
	if got := steadyClock(0)(); got < before {
		t.Errorf("starts %v before the machine's clock", time.Duration(before-got))
	}
}
