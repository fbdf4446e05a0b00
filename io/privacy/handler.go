package privacy

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// A ForeignError has words of another program or server, which may say anything of the clients that it was told of.
type ForeignError struct {
	Err  error
	Said string
}

// Error is what happened, and what was said.
func (e *ForeignError) Error() string { return e.Err.Error() + ": " + e.Said }

// Unwrap is what happened.
func (e *ForeignError) Unwrap() error { return e.Err }

// Handler is a handler that hands lines on to another one, with identifiers as the Keeper shows them on the line's day.
func (k *Keeper) Handler(next slog.Handler) slog.Handler { return handler{Handler: next, keeper: k} }

type handler struct {
	slog.Handler
	keeper *Keeper
	attrs  []slog.Attr // of the logger, not yet handed on
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	s := h.keeper.settings.Load()
	if s == nil || s.Mode == Clear {
		if len(h.attrs) > 0 {
			return h.Handler.WithAttrs(h.attrs).Handle(ctx, r)
		}
		return h.Handler.Handle(ctx, r)
	}
	all := append([]slog.Attr(nil), h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		all = append(all, a)
		return true
	})
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	l := line{inForce: s, at: at}
	for i := range all {
		if id, is := identifier(all[i].Value); is && id.kind != "" {
			l.named = append(l.named, id)
		}
	}
	shown := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	for i := range all {
		shown.AddAttrs(l.attr(all[i]))
	}
	return h.Handler.Handle(ctx, shown)
}

// WithAttrs implements slog.Handler. They are shown as the Keeper is set when a line is written.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return h
}

// WithGroup implements slog.Handler. What the logger has outside of the group is shown as the Keeper is set now.
func (h handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	outside := h.attrs
	if s := h.keeper.settings.Load(); s != nil && s.Mode != Clear {
		l := line{inForce: s, at: time.Now()}
		outside = make([]slog.Attr, len(h.attrs))
		for i := range h.attrs {
			outside[i] = l.attr(h.attrs[i])
		}
	}
	return handler{Handler: h.Handler.WithAttrs(outside).WithGroup(name), keeper: h.keeper}
}

// A line is one line of the log while its attributes are replaced.
type line struct {
	*inForce
	at    time.Time
	named []Identifier // by the line's attributes: its texts mustn't name them either
}

// left stands for what nobody has classed.
const left = "not shown"

func (l *line) attr(a slog.Attr) slog.Attr {
	if id, is := identifier(a.Value); is {
		if id.kind != "" {
			a.Value = slog.StringValue(l.replace(id, l.at))
		}
		return a
	}
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		inner := make([]slog.Attr, 0, len(value.Group()))
		for _, i := range value.Group() {
			inner = append(inner, l.attr(i))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)}
	}
	switch ClassOf(a.Key) {
	case Harmless:
	case Text:
		a.Value = slog.StringValue(l.search(words(value)))
	case OfFile:
		a.Value = slog.StringValue(l.search(ofFile(words(value))))
	default:
		a.Value = slog.StringValue(left)
	}
	return a
}

// identifier is the Identifier that a value is.
func identifier(v slog.Value) (Identifier, bool) {
	if v.Kind() != slog.KindLogValuer {
		return Identifier{}, false
	}
	id, is := v.Any().(Identifier)
	return id, is
}

// words are a value as a text; of what others said only that they did.
func words(v slog.Value) string {
	err, is := v.Any().(error)
	if !is {
		return v.String()
	}
	if foreign, said := errors.AsType[*ForeignError](err); said {
		return foreign.Err.Error() + " (what was said isn't shown)"
	}
	return err.Error()
}
