package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

// keptEvents is how many lines of the log a node remembers.
const keptEvents = 200

// LogLines remembers the newest lines of the log, of level info and above. The lines about leases don't come by it:
// they would push out all others within seconds.
type logLines struct {
	mu    sync.Mutex
	lines []admin.Event // at most keptEvents, the oldest first
	last  uint64        // sequence of the newest
	more  chan struct{} // closed when there is another one; nil: nobody waits
	over  bool          // nobody waits for more
}

func (e *logLines) add(line admin.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	line.Sequence = e.last
	if len(e.lines) == keptEvents {
		e.lines = append(e.lines[:0], e.lines[1:]...)
	}
	e.lines = append(e.lines, line)
	e.wake()
}

func (e *logLines) wake() {
	if e.more != nil {
		close(e.more)
		e.more = nil
	}
}

// after implements admin.Observer's Events.
func (e *logLines) after(sequence uint64) (lines []admin.Event, more <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.lines {
		if e.lines[i].Sequence > sequence {
			lines = append(lines, e.lines[i])
		}
	}
	if e.over {
		return lines, nil
	}
	if e.more == nil {
		e.more = make(chan struct{})
	}
	return lines, e.more
}

// end lets those go who wait for more.
func (e *logLines) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	e.wake()
}

// A tee is a handler that hands lines on and has them remembered.
type tee struct {
	slog.Handler
	events *logLines
	attrs  []slog.Attr // of the logger
	group  string      // before the names of attributes
}

// Handle implements slog.Handler.
func (t tee) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		line := admin.Event{At: r.Time.UTC(), Level: r.Level.String(), Message: r.Message, Attributes: make(map[string]any)}
		for _, a := range t.attrs {
			note(&line, "", a)
		}
		r.Attrs(func(a slog.Attr) bool {
			note(&line, t.group, a)
			return true
		})
		t.events.add(line)
	}
	return t.Handler.Handle(ctx, r)
}

// note puts an attribute into a line.
func note(line *admin.Event, group string, a slog.Attr) {
	switch value := a.Value.Resolve(); {
	case value.Kind() == slog.KindGroup:
		for _, inner := range value.Group() {
			note(line, group+a.Key+".", inner)
		}
	case a.Key == "id" && group == "":
		line.ID = value.String()
	default:
		line.Attributes[group+a.Key] = plain(value)
	}
}

// plain is a value as JSON has it: what isn't a number, a truth or a text becomes a text.
func plain(v slog.Value) any {
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindString:
		return v.Any()
	case slog.KindTime:
		return v.Time().UTC().Format(time.RFC3339)
	default:
		return fmt.Sprint(v.Any())
	}
}

// WithAttrs implements slog.Handler.
func (t tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	t.Handler = t.Handler.WithAttrs(attrs)
	all := append([]slog.Attr(nil), t.attrs...)
	for _, a := range attrs {
		a.Key = t.group + a.Key
		all = append(all, a)
	}
	t.attrs = all
	return t
}

// WithGroup implements slog.Handler.
func (t tee) WithGroup(name string) slog.Handler {
	if name != "" {
		t.Handler, t.group = t.Handler.WithGroup(name), t.group+name+"."
	}
	return t
}
