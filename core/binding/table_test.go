package binding

import (
	"bytes"
	"cmp"
	"maps"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// stored returns what a record says, by way of the store's format.
func stored(t interface{ Fatal(...any) }, r *Record) Stored {
	key, value, _, err := NextChange(AppendChange(nil, r))
	if err != nil {
		t.Fatal(err)
	}
	s, err := DecodeValue(key, value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expected returns what a record of this draft and version says.
func expected(d *Draft, version uint64) Stored {
	return Stored{
		Key: d.Key, Version: version, Kind: d.Kind, IAID: d.IAID, DUID: bytes.Clone(d.DUID), State: d.State,
		Flags: d.Flags, Owner: d.Owner, Preferred: d.Preferred, Valid: d.Valid, LastTransaction: d.LastTransaction,
		Expires: d.Expires, Since: d.Since, Extension: bytes.Clone(d.Extension),
	}
}

// equalStored is quick; cmp.Diff tells what differs.
func equalStored(a, b Stored) bool {
	if !bytes.Equal(a.DUID, b.DUID) || !bytes.Equal(a.Extension, b.Extension) {
		return false
	}
	a.DUID, a.Extension, b.DUID, b.Extension = nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}

func same(t *rapid.T, what string, want, got any, equal bool) {
	if !equal {
		t.Fatalf("%s (-want +got):\n%s", what, gocmp.Diff(want, got, cmpopts.EquateEmpty()))
	}
}

// A tableMachine compares a table with a plain map.
type tableMachine struct {
	table   *Table
	h       *Handle
	model   map[Key]Stored
	highest map[Key]uint64 // highest version that a lease ever had
	stale   *Record        // a version of this batch that isn't current
	cap     int
}

func drawDraft(t *rapid.T) Draft {
	d := Draft{
		Kind:            wire.IANA,
		Key:             numberedKey(rapid.Uint64Range(1, 12).Draw(t, "lease")),
		IAID:            rapid.Uint32Range(0, 2).Draw(t, "iaid"),
		DUID:            bytes.Repeat([]byte{rapid.Byte().Draw(t, "client") % 3}, rapid.SampledFrom([]int{3, 14, 23, 24, 130}).Draw(t, "DUID length")),
		State:           State(rapid.IntRange(1, 4).Draw(t, "state")),
		Flags:           rapid.Byte().Draw(t, "flags"),
		Owner:           rapid.Byte().Draw(t, "owner"),
		Mark:            Mark(rapid.Uint64().Draw(t, "mark")),
		Preferred:       rapid.Uint32().Draw(t, "preferred"),
		Valid:           rapid.Uint32().Draw(t, "valid"),
		LastTransaction: Time(rapid.Uint32().Draw(t, "last transaction")),
		Expires:         Time(rapid.Uint32().Draw(t, "expires")),
		Since:           Time(rapid.Uint32().Draw(t, "since")),
	}
	if rapid.Bool().Draw(t, "prefix") {
		d.Kind, d.Key.Length = wire.IAPD, 56
	}
	if d.Flags&FlagAnonymous != 0 {
		d.IAID = 0
	}
	if d.Flags&FlagAnonymous != 0 {
		d.Flags &^= FlagDerived // one without an IAID is known by nothing else
	}
	if d.Flags&FlagDerived != 0 {
		id := address.Identity{DUID: []byte{0xff, 0xff, 1, rapid.Byte().Draw(t, "identity") % 2}, IAID: rapid.Uint32Range(0, 1).Draw(t, "number")}
		d.Extension = AppendExtension(nil, ExtIdentity, AppendIdentity(nil, &id))
	}
	for range rapid.IntRange(0, 2).Draw(t, "pieces") {
		kind := ExtensionKind(rapid.IntRange(1, 10).Draw(t, "kind"))
		n := rapid.SampledFrom([]int{0, 1, 25, 100, 400, 900}).Draw(t, "length")
		d.Extension = AppendExtension(d.Extension, kind, bytes.Repeat([]byte{byte(kind)}, n))
	}
	return d
}

func (m *tableMachine) published(t *rapid.T, d *Draft, r *Record) {
	if r.Version() <= m.highest[d.Key] {
		t.Fatalf("version %d of %v isn't above %d", r.Version(), d.Key, m.highest[d.Key])
	}
	if r.Mark() != d.Mark {
		t.Fatalf("mark: want %x, got %x", d.Mark, r.Mark())
	}
	m.highest[d.Key] = r.Version()
	m.model[d.Key] = expected(d, r.Version())
}

func (m *tableMachine) publish(t *rapid.T) {
	d := drawDraft(t)
	old := m.h.Find(&d.Key)
	if (old == nil) != (m.model[d.Key].Version == 0) {
		t.Fatalf("%v: found %v, model has version %d", d.Key, old != nil, m.model[d.Key].Version)
	}
	if old != nil && rapid.Bool().Draw(t, "keep extension") {
		d.Extension = old.AppendExtension(nil)
		d.Flags = d.Flags&^FlagDerived | old.Flags()&FlagDerived
		if old.Derived() {
			d.Flags &^= FlagAnonymous
		}
	}
	want := Published
	if old == nil && len(m.model) == m.cap {
		want = Full
	}
	r, outcome := m.h.Publish(old, &d)
	if outcome != want || (r == nil) != (outcome != Published) {
		t.Fatalf("publish: want %v, got %v, record %v", want, outcome, r != nil)
	}
	if outcome == Published {
		m.published(t, &d, r)
		m.stale = old
	}
}

func (m *tableMachine) lose(t *rapid.T) {
	d := drawDraft(t)
	if m.model[d.Key].Version != 0 {
		if _, outcome := m.h.Publish(nil, &d); outcome != Lost {
			t.Fatalf("insert over a record: want lost, got %v", outcome)
		}
	}
	if m.stale == nil {
		return
	}
	if outcome := m.h.Remove(m.stale); outcome != Lost {
		t.Fatalf("remove of an old version: want lost, got %v", outcome)
	}
	d.Key, d.Kind = m.stale.Key(), m.stale.Kind()
	if _, outcome := m.h.Publish(m.stale, &d); outcome != Lost {
		t.Fatalf("replacement of an old version: want lost, got %v", outcome)
	}
	d.Key.Address[0]++
	if _, outcome := m.h.Publish(m.stale, &d); outcome != Invalid {
		t.Fatalf("replacement by another lease: want invalid, got %v", outcome)
	}
}

func (m *tableMachine) remove(t *rapid.T) {
	d := drawDraft(t)
	if r := m.h.Find(&d.Key); r != nil {
		if outcome := m.h.Remove(r); outcome != Published {
			t.Fatalf("remove: want published, got %v", outcome)
		}
		m.highest[d.Key] = RemovalVersion(r)
		delete(m.model, d.Key)
		m.stale = r
	}
}

func (m *tableMachine) load(t *rapid.T) {
	d := drawDraft(t)
	s := expected(&d, m.highest[d.Key]+rapid.Uint64Range(0, 3).Draw(t, "above"))
	current := m.model[d.Key].Version
	if s.Version == 0 || current == 0 && (s.Version <= m.highest[d.Key] || len(m.model) == m.cap) {
		return // Load isn't to be called with a removed lease's history
	}
	m.h.Leave()
	m.stale = nil
	if err := m.h.Load(AppendKey(nil, &s.Key), appendStored(nil, &s)); err != nil {
		t.Fatal(err)
	}
	m.h.Enter()
	if s.Version > current {
		m.model[d.Key], m.highest[d.Key] = s, s.Version
	}
}

func (m *tableMachine) sweep(t *rapid.T) {
	now := Time(rapid.Uint32().Draw(t, "now"))
	left := map[Key]bool{}
	for key, s := range m.model {
		if s.State == Released || s.Expires <= now {
			left[key] = true
		}
	}
	m.h.Sweep(now, 1<<20/sweepBuckets, func(r *Record) bool {
		if m.model[r.Key()].Version != 0 && !left[r.Key()] {
			t.Fatalf("sweep shows %v, which is taken", r.Key())
		}
		return r.Key().Address[15]%2 == 0
	}, func(r *Record) {
		m.highest[r.Key()] = RemovalVersion(r)
		delete(m.model, r.Key())
		delete(left, r.Key())
	})
	for key := range left {
		if key.Address[15]%2 == 0 {
			t.Fatalf("sweep left %v", key)
		}
	}
	m.stale = nil
}

// appendStored encodes a value without a table.
func appendStored(dst []byte, s *Stored) []byte {
	r := Record{
		iaid: s.IAID, preferred: s.Preferred, valid: s.Valid, lastTransaction: s.LastTransaction,
		expires: s.Expires, since: s.Since, kind: s.Kind, state: s.State, flags: s.Flags, owner: s.Owner,
	}
	r.address = s.Key.Address
	r.stamp.Store(s.Version<<8 | uint64(s.Key.Length))
	_, value, _, _ := NextChange(AppendChange(nil, &r))
	value[valueHeader-1] = byte(len(s.DUID))
	return append(append(append(dst, value...), s.DUID...), s.Extension...)
}

func (m *tableMachine) check(t *rapid.T) {
	all := map[Key]Stored{}
	for shard := range m.table.Shards() {
		m.h.Range(shard, func(r *Record) bool {
			all[r.Key()] = stored(t, r)
			return true
		})
	}
	same(t, "range", m.model, all, maps.EqualFunc(m.model, all, equalStored))
	for key, want := range m.model {
		got := stored(t, m.h.Find(&key))
		same(t, "find", want, got, equalStored(want, got))
		m.checkClient(t, address.Identity{DUID: want.DUID, Kind: want.Kind, IAID: want.IAID})
		if id := knownAs(&want); id.Derived {
			m.checkClient(t, id)
		}
		m.checkAnonymous(t, want.DUID, want.Kind, want.Expires-1)
	}
	m.checkClient(t, address.Identity{DUID: []byte("nobody"), Kind: wire.IANA, IAID: 1})
	if got := m.table.Stats().Live; got != int64(len(m.model)) {
		t.Fatalf("live: want %d, got %d", len(m.model), got)
	}
}

// knownAs is what a binding's client is known by.
func knownAs(s *Stored) address.Identity {
	if s.Flags&FlagDerived != 0 {
		if data, ok := s.Extension.Find(ExtIdentity); ok {
			id, _ := ParseIdentity(s.Kind, data)
			return id
		}
	}
	return address.Identity{DUID: s.DUID, Kind: s.Kind, IAID: s.IAID}
}

func (m *tableMachine) checkClient(t *rapid.T, id address.Identity) {
	var want, got []Stored
	for _, s := range m.model {
		if known := knownAs(&s); known.Equal(&id) && s.Flags&FlagAnonymous == 0 {
			want = append(want, s)
		}
	}
	for _, r := range m.h.FindIdentity(&id, nil) {
		got = append(got, stored(t, r))
	}
	order := func(a, b Stored) int { return cmp.Or(a.Key.Compare(&b.Key)) }
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	same(t, "client", want, got, slices.EqualFunc(want, got, equalStored))
}

// checkAnonymous looks for the client's only living lease without an IAID, and whether there seems to be any.
func (m *tableMachine) checkAnonymous(t *rapid.T, duid []byte, kind wire.Kind, now Time) {
	var living []Stored
	all := int64(0)
	for _, s := range m.model {
		if s.Flags&FlagAnonymous == 0 {
			continue
		}
		all++
		if bytes.Equal(s.DUID, duid) && s.Kind == kind && (s.State == Bound || s.State == Superseded) && s.Expires > now {
			living = append(living, s)
		}
	}
	switch r := m.h.OnlyAnonymous(duid, kind, now); {
	case (r != nil) != (len(living) == 1):
		t.Fatalf("the only anonymous lease of %v: found %t, of %d", duid, r != nil, len(living))
	case r != nil:
		got := stored(t, r)
		same(t, "anonymous", living[0], got, equalStored(living[0], got))
	}
	if m.table.anonymous.Load() != all || m.h.HasAnonymous() != (all > 0) {
		t.Fatalf("anonymous: want %d, got %d", all, m.table.anonymous.Load())
	}
}

func TestTableModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		buckets := rapid.SampledFrom([]int{1, 2, 64}).Draw(rt, "buckets")
		table, err := New(Options{Capacity: 16, Reserve: 400, ExtensionBytes: 1, Seed: rapid.Uint64().Draw(rt, "seed"), buckets: buckets})
		if err != nil {
			rt.Fatal(err)
		}
		defer table.Close()
		m := &tableMachine{table: table, h: table.NewHandle(), model: map[Key]Stored{}, highest: map[Key]uint64{}, cap: 16}
		m.h.Enter()
		rt.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"publish": m.publish,
			"lose":    m.lose,
			"remove":  m.remove,
			"load":    m.load,
			"sweep":   m.sweep,
			"enter":   func(*rapid.T) { m.stale = nil; m.h.Enter() },
			"another handle": func(*rapid.T) {
				m.h.Close()
				m.stale, m.h = nil, table.NewHandle()
				m.h.Enter()
			},
		})
		m.h.Leave()
		audit(t, table)
	})
}
