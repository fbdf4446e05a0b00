package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
)

// newLogger logs to w: text where that is a terminal and JSON otherwise, until format says text, json or auto, which is
// that again. Durations have their unit in both. Where w is the journal, lines begin with their level as it takes it.
func newLogger(w io.Writer, level slog.Leveler) (logger *slog.Logger, format func(string)) {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	file, _ := w.(*os.File)
	build := func(in func(io.Writer) slog.Handler) slog.Handler {
		if file == nil || !isJournal(file) {
			return in(w)
		}
		var p byPriority
		for i, priority := range priorities {
			p[i] = in(prefixed{w, fmt.Sprintf("<%d>", priority)})
		}
		return p
	}
	h := byFormat{
		text: new(atomic.Bool),
		in: [2]slog.Handler{
			build(func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, o) }),
			build(func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, o) }),
		},
	}
	terminal := file != nil && isDevice(file)
	format = func(name string) { h.text.Store(name == "text" || name != "json" && terminal) }
	format("auto")
	return slog.New(h), format
}

// isDevice tells whether the file is a device, as a terminal is. It need not know how to move a cursor.
func isDevice(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// isJournal tells whether the file is the stream to the journal that systemd gave the process (systemd.exec, JOURNAL_STREAM:
// the stream's device and inode). Another one, as of a redirection in a script, isn't, whatever the environment has.
func isJournal(f *os.File) bool {
	var device, inode uint64
	if n, err := fmt.Sscanf(os.Getenv("JOURNAL_STREAM"), "%d:%d", &device, &inode); n != 2 || err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && uint64(stat.Dev) == device && stat.Ino == inode
}

// A byFormat handler writes JSON or text, as it is set; what a logger was given to say every time it says in both.
type byFormat struct {
	text *atomic.Bool
	in   [2]slog.Handler // JSON, text
}

func (h byFormat) Enabled(c context.Context, l slog.Level) bool { return h.in[0].Enabled(c, l) }

func (h byFormat) Handle(c context.Context, r slog.Record) error {
	if h.text.Load() {
		return h.in[1].Handle(c, r)
	}
	return h.in[0].Handle(c, r)
}

func (h byFormat) WithAttrs(attrs []slog.Attr) slog.Handler {
	return byFormat{h.text, [2]slog.Handler{h.in[0].WithAttrs(attrs), h.in[1].WithAttrs(attrs)}}
}

func (h byFormat) WithGroup(name string) slog.Handler {
	return byFormat{h.text, [2]slog.Handler{h.in[0].WithGroup(name), h.in[1].WithGroup(name)}}
}

// priorities are syslog's numbers (sd-daemon) for debug, info, warn and error.
var priorities = [...]int{7, 6, 4, 3}

// A byPriority handler has a handler for each of the priorities.
type byPriority [len(priorities)]slog.Handler

func (h byPriority) Enabled(c context.Context, l slog.Level) bool { return h[0].Enabled(c, l) }

func (h byPriority) Handle(c context.Context, r slog.Record) error {
	switch {
	case r.Level < slog.LevelInfo:
		return h[0].Handle(c, r)
	case r.Level < slog.LevelWarn:
		return h[1].Handle(c, r)
	case r.Level < slog.LevelError:
		return h[2].Handle(c, r)
	default:
		return h[3].Handle(c, r)
	}
}

func (h byPriority) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i := range h {
		h[i] = h[i].WithAttrs(attrs)
	}
	return h
}

func (h byPriority) WithGroup(name string) slog.Handler {
	for i := range h {
		h[i] = h[i].WithGroup(name)
	}
	return h
}

// A prefixed writer puts a text before each write: slog's handlers write a line at a time.
type prefixed struct {
	io.Writer
	prefix string
}

// Write reports how much of line was written, without the prefix.
func (w prefixed) Write(line []byte) (int, error) {
	n, err := w.Writer.Write(append([]byte(w.prefix), line...))
	return max(0, n-len(w.prefix)), err
}
