package daemon

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/admin"
)

// TestEvents: lines of level info and above are remembered with what they say, and go to the log as before.
func TestEvents(t *testing.T) {
	var out bytes.Buffer
	e := new(logLines)
	logger := slog.New(tee{Handler: slog.NewTextHandler(&out, nil), events: e})
	logger.Debug("nobody wants that", "id", "x")
	logger.Info("a text", "id", "one", "n", 7, "error", errors.New("why"), "took", 1500*time.Millisecond, "yes", true,
		slog.Group("g", "in", "side"))
	logger.With("id", "two", "a", 1).WithGroup("h").Warn("another", "b", 2)
	lines, _ := e.after(0)
	for i := range lines {
		lines[i].At = time.Time{}
	}
	want := []admin.Event{
		{Sequence: 1, Level: "INFO", ID: "one", Message: "a text", Attributes: map[string]any{
			"n": int64(7), "error": "why", "took": "1.5s", "yes": true, "g.in": "side",
		}},
		{Sequence: 2, Level: "WARN", ID: "two", Message: "another", Attributes: map[string]any{"a": int64(1), "h.b": int64(2)}},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, text := range []string{`msg="a text" id=one n=7 error=why`, `msg=another id=two a=1 h.b=2`} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("no %s in the log:\n%s", text, out.String())
		}
	}
}

// TestEventsAreBounded: the newest win; who waits learns of the next one, and of the end.
func TestEventsAreBounded(t *testing.T) {
	e := new(logLines)
	_, more := e.after(0)
	for range keptEvents + 5 {
		e.add(admin.Event{})
	}
	<-more
	lines, more := e.after(0)
	if len(lines) != keptEvents || lines[0].Sequence != 6 {
		t.Errorf("%d lines from number %d on", len(lines), lines[0].Sequence)
	}
	if lines, _ := e.after(keptEvents + 3); len(lines) != 2 {
		t.Errorf("%d lines are new, want 2", len(lines))
	}
	e.end()
	<-more
	if _, more := e.after(0); more != nil {
		t.Error("after the end there is something to wait for")
	}
}
