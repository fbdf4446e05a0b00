package binding

import (
	"bytes"
	"math"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

func TestTime(t *testing.T) {
	for _, test := range []struct {
		unix int64
		want Time
	}{
		{epochUnix, 0},
		{epochUnix - 1, 0},
		{epochUnix + 3600, 3600},
		{math.MaxInt64, Never - 1},
		{math.MinInt64 + epochUnix, 0},
	} {
		if got := TimeOf(test.unix); got != test.want {
			t.Errorf("TimeOf(%d): want %d, got %d", test.unix, test.want, got)
		}
	}
	if got := TimeOf(1_800_000_000).Unix(); got != 1_800_000_000 {
		t.Errorf("there and back: want 1800000000, got %d", got)
	}
	for _, test := range []struct {
		start    Time
		lifetime uint32
		want     Time
	}{
		{100, 50, 150},
		{100, wire.Infinity, Never},
		{Never, 5, Never},
		{Never - 10, 20, Never - 1},
		{5, wire.Infinity - 1, Never - 1},
	} {
		if got := test.start.Add(test.lifetime); got != test.want {
			t.Errorf("%d + %d: want %d, got %d", test.start, test.lifetime, test.want, got)
		}
	}
}

func TestLiveAndTaken(t *testing.T) {
	table := newTable(t, Options{Capacity: 10})
	h := table.NewHandle()
	defer h.Close()
	h.Enter()
	for _, test := range []struct {
		state       State
		expires     Time
		live, taken bool
	}{
		{Bound, 101, true, true},
		{Bound, 100, false, false},
		{Bound, Never, true, true},
		{Superseded, 101, true, true},
		{Superseded, 100, false, false},
		{Declined, 101, false, true},
		{Declined, 100, false, false},
		{Released, 101, false, false},
	} {
		d := numberedDraft(1)
		d.State, d.Expires = test.state, test.expires
		r := mustPublish(t, h, h.Find(&d.Key), &d)
		if live, taken := r.Live(100), r.Taken(100); live != test.live || taken != test.taken {
			t.Errorf("%v until %d, at 100: want live %v, taken %v; got %v, %v", test.state, test.expires, test.live, test.taken, live, taken)
		}
	}
}

func TestInvalidDrafts(t *testing.T) {
	table := newTable(t, Options{Capacity: 10})
	h := table.NewHandle()
	h.Enter()
	for name, spoil := range map[string]func(d *Draft){
		"address of length 127":     func(d *Draft) { d.Key.Length = 127 },
		"prefix of length 0":        func(d *Draft) { d.Kind, d.Key.Length = wire.IAPD, 0 },
		"prefix of length 129":      func(d *Draft) { d.Kind, d.Key.Length = wire.IAPD, 129 },
		"unknown kind":              func(d *Draft) { d.Kind = 4 },
		"no state":                  func(d *Draft) { d.State = 0 },
		"unknown state":             func(d *Draft) { d.State = lastState + 1 },
		"DUID too long":             func(d *Draft) { d.DUID = make([]byte, MaxDUID+1) },
		"extension too long":        func(d *Draft) { d.Extension = AppendExtension(nil, 9, make([]byte, MaxExtension-2)) },
		"extension cut short":       func(d *Draft) { d.Extension = []byte{1, 0, 2, 0} },
		"extension's kind is taken": func(d *Draft) { d.Extension = []byte{0, 0, 0} },
	} {
		d := numberedDraft(1)
		spoil(&d)
		if r, outcome := h.Publish(nil, &d); r != nil || outcome != Invalid {
			t.Errorf("%s: want invalid, got %v", name, outcome)
		}
	}
	d := numberedDraft(1)
	d.DUID, d.Extension = make([]byte, MaxDUID), AppendExtension(nil, 9, make([]byte, MaxExtension-3))
	r := mustPublish(t, h, nil, &d)
	if !bytes.Equal(r.DUID(), d.DUID) || !bytes.Equal(r.AppendExtension(nil), d.Extension) {
		t.Error("the longest DUID and extension don't come back")
	}
	h.Close()
	audit(t, table)
}

func TestExtension(t *testing.T) {
	e := AppendExtension(nil, ExtInterfaceID, []byte("eth0"))
	e = AppendExtension(e, ExtRemoteID, nil)
	e = AppendExtension(e, ExtInterfaceID, []byte("outer"))
	if got := AppendExtension(e, ExtFQDN, make([]byte, 1<<16)); len(got) != len(e) {
		t.Errorf("a piece that is too long was appended")
	}
	if got, ok := Extension(e).Find(ExtInterfaceID); string(got) != "eth0" || !ok {
		t.Errorf("want the first piece, got %q, %v", got, ok)
	}
	if got, ok := Extension(e).Find(ExtRemoteID); len(got) != 0 || !ok {
		t.Errorf("want an empty piece, got %q, %v", got, ok)
	}
	if got, ok := Extension(e).Find(ExtFQDN); ok {
		t.Errorf("want none, got %q", got)
	}
	var kinds []ExtensionKind
	for kind, _, rest, ok := Extension(e).Next(); ok; kind, _, rest, ok = rest.Next() {
		kinds = append(kinds, kind)
	}
	if len(kinds) != 3 || kinds[2] != ExtInterfaceID {
		t.Errorf("want three kinds, got %v", kinds)
	}
}

// TestSharedExtension renews a lease: an extension that is the same stays in its slot, one that isn't moves.
func TestSharedExtension(t *testing.T) {
	table := newTable(t, Options{Capacity: 10})
	h := table.NewHandle()
	h.Enter()
	d := numberedDraft(1)
	d.DUID = append(numberedDUID(1), make([]byte, 40)...)
	d.Extension = AppendExtension(nil, ExtRemoteID, []byte("remote"))
	first := mustPublish(t, h, nil, &d)
	d.Expires++
	second := mustPublish(t, h, first, &d)
	if table.extensionSlot(first) != table.extensionSlot(second) {
		t.Error("the same extension moved")
	}
	d.Extension = AppendExtension(nil, ExtRemoteID, []byte("Remote"))
	third := mustPublish(t, h, second, &d)
	if table.extensionSlot(second) == table.extensionSlot(third) {
		t.Error("another extension has the same slot")
	}
	h.Close()
	audit(t, table)
}

func TestMark(t *testing.T) {
	m := NewMark(7, 1<<48|42)
	if m.Worker() != 7 || m.Sequence() != 42 {
		t.Errorf("want worker 7, sequence 42; got %d, %d", m.Worker(), m.Sequence())
	}
}

func TestStrings(t *testing.T) {
	states := map[string]State{"bound": Bound, "released": Released, "declined": Declined, "superseded": Superseded, "unknown": 0}
	for want, s := range states {
		if got := s.String(); got != want {
			t.Errorf("state %d: want %s, got %s", s, want, got)
		}
	}
	outcomes := map[string]Outcome{"published": Published, "lost": Lost, "full": Full, "invalid": Invalid}
	for want, o := range outcomes {
		if got := o.String(); got != want {
			t.Errorf("outcome %d: want %s, got %s", o, want, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, options := range []Options{
		{}, {Capacity: -1}, {Capacity: MaxCapacity + 1}, {Capacity: 1, Reserve: -1},
		{Capacity: 1, ExtensionBytes: -1}, {Capacity: 1, ExtensionBytes: maxExtension + 1},
		{Capacity: MaxCapacity, Reserve: 1 << 31},
	} {
		if _, err := New(options); err == nil {
			t.Errorf("%+v: want an error", options)
		}
	}
}
