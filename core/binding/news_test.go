package binding

import (
	"bytes"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// newsTable has one lease's record, with a long DUID and an extension.
func newsTable(t *testing.T) (*Handle, *Record, *Draft) {
	t.Helper()
	h := newTable(t, Options{Capacity: 2, Seed: 1}).NewHandle()
	t.Cleanup(h.Close)
	d := &Draft{
		Key: Key{Address: [16]byte{0x20, 1}, Length: 128}, Kind: wire.IANA, DUID: bytes.Repeat([]byte{3}, 60), State: Bound,
		Expires: 10, Extension: AppendExtension(nil, ExtInterfaceID, []byte("port")),
	}
	h.Enter()
	t.Cleanup(h.Leave)
	r, outcome := h.Publish(nil, d)
	if outcome != Published {
		t.Fatal(outcome)
	}
	return h, r, d
}

// What history is told travels behind the value, and Bare takes it off.
func TestNewsTravels(t *testing.T) {
	h, first, d := newsTable(t)
	plain := AppendChange(nil, first)
	next := *d
	next.Extension, next.KeepExtension = nil, true
	second, _ := h.Publish(first, &next)
	for name, c := range map[string]struct{ change, bare, before []byte }{
		"begins":          {AppendNews(nil, first, d, nil), plain, nil},
		"begins and ends": {AppendNews(nil, second, &next, first), AppendChange(nil, second), valueIn(t, plain)},
		"is reclaimed":    {AppendEnd(nil, 9, first), AppendRemoval(nil, &d.Key, 9), valueIn(t, plain)},
	} {
		key, value, rest, err := NextChange(c.change)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%s: %v, %d octets behind it", name, err, len(rest))
		}
		s, err := DecodeValue(key, value)
		if err != nil || !s.News || !bytes.Equal(s.Before, c.before) {
			t.Errorf("%s: %v, news %v, before %x, want %x", name, err, s.News, s.Before, c.before)
		}
		if !bytes.Equal(Bare(value), valueIn(t, c.bare)) {
			t.Errorf("%s: bare it is %x, want %x", name, Bare(value), valueIn(t, c.bare))
		}
		if bare := valueIn(t, c.bare); !bytes.Equal(Bare(bare), bare) {
			t.Errorf("%s: what is bare was cut", name)
		}
		for n := range value { // whatever is cut off, nothing panics, and a part of it is returned
			if got := Bare(value[:n]); !bytes.HasPrefix(value[:n], got) {
				t.Fatalf("%s: of %d octets it returns %x", name, n, got)
			}
			if s, err := DecodeValue(key, value[:n]); err == nil && s.News {
				t.Fatalf("%s: cut to %d octets it is whole", name, n)
			}
		}
	}
}

// The piece for history isn't one that a record can have.
func TestNewsIsNoExtension(t *testing.T) {
	h, first, d := newsTable(t)
	d.Extension = AppendExtension(d.Extension, ExtHistory, nil)
	if _, outcome := h.Publish(first, d); outcome == Published {
		t.Error("published with it")
	}
}

func valueIn(t *testing.T, change []byte) []byte {
	t.Helper()
	_, value, _, err := NextChange(change)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
