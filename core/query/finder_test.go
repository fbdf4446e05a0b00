package query

import (
	"bytes"
	"iter"
	"net/netip"
	"slices"
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

const finderConfig = `
listen: {interfaces: [eth0]}
links:
  - name: one
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
  - name: two
    addresses: [{pool: "2001:db8:2::/64"}]
store: {path: /nowhere}
`

// An index is a list of what was bound.
type index struct{ entries []entry }

type entry struct {
	by     Identifier
	value  []byte
	key    binding.Key
	recent bool // it isn't sorted in yet
}

func (x *index) yield(by Identifier, value []byte, recent bool) iter.Seq2[binding.Key, error] {
	return func(yield func(binding.Key, error) bool) {
		for _, e := range x.entries {
			// As a hash that collides would: the last octet isn't looked at.
			if e.by == by && bytes.Equal(e.value[:len(e.value)-1], value[:len(value)-1]) && e.recent == recent && !yield(e.key, nil) {
				return
			}
		}
	}
}

func (x *index) Leases(by Identifier, value []byte) iter.Seq2[binding.Key, error] {
	return x.yield(by, value, false)
}

func (x *index) Recent(by Identifier, value []byte) iter.Seq2[binding.Key, error] {
	return x.yield(by, value, true)
}

// A world is a table with bindings, and an index of them.
type world struct {
	*Finder
	index index
	bound int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, faults := config.Parse("test.yaml", []byte(finderConfig))
	if faults != nil {
		t.Fatal(faults)
	}
	p, err := policy.Compile(c, policy.Input{SingleKey: address.Key{1}, SingleDUID: requestor})
	if err != nil {
		t.Fatal(err)
	}
	table, err := binding.New(binding.Options{Capacity: 4096})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	w.Finder = &Finder{Table: table, Handle: table.NewHandle(), Policy: p, Index: &w.index, Now: 1000}
	return w
}

// bind binds a lease of client number n. Every third lease isn't sorted in yet.
func (w *world) bind(t *testing.T, n int, lease string, iaid uint32, ends binding.Time) binding.Key {
	t.Helper()
	p := netip.MustParsePrefix(lease)
	d := binding.Draft{
		Key: binding.Key{Address: p.Addr().As16(), Length: uint8(p.Bits())}, Kind: wire.IANA, IAID: iaid, DUID: duidOf(n), State: binding.Bound,
		Preferred: 100, Valid: 200, LastTransaction: 900, Since: 900, Expires: ends,
		Extension: binding.AppendExtension(binding.AppendExtension(nil, binding.ExtRelayID, []byte{0, 3, 9, byte(n % 2)}), binding.ExtRemoteID, []byte{0, 0, 0, 9, 7, byte(n)}),
	}
	if p.Bits() < 128 {
		d.Kind = wire.IAPD
	}
	w.Handle.Enter()
	defer w.Handle.Leave()
	r, outcome := w.Handle.Publish(w.Handle.Find(&d.Key), &d)
	if outcome != binding.Published {
		t.Fatal(outcome)
	}
	s := binding.Copy(r)
	for by, value := range Identifiers(&s) {
		w.index.entries = append(w.index.entries, entry{by, bytes.Clone(value), d.Key, w.bound%3 == 0})
	}
	w.bound++
	return d.Key
}

func duidOf(n int) []byte { return []byte{0, 3, 0, 1, 2, 0, byte(n >> 8), byte(n)} }

// find gives the leases that are found, by client and link, each client's and link's once.
func (w *world) find(t *testing.T, q *Question) map[string]int {
	t.Helper()
	got := make(map[string]int)
	for found, err := range w.Find(q) {
		if err != nil {
			t.Fatal(err)
		}
		text := netip.AddrFrom16(found.Link).String()
		for i := range found.Client {
			s := &found.Client[i]
			if !bytes.Equal(s.DUID, found.Client.DUID()) {
				t.Errorf("leases of %x and %x in one answer", s.DUID, found.Client.DUID())
			}
			text += " " + netip.PrefixFrom(netip.AddrFrom16(s.Key.Address), int(s.Key.Length)).String()
		}
		got[text]++
	}
	return got
}

func (w *world) want(t *testing.T, name string, q Question, want ...string) {
	t.Helper()
	got := w.find(t, &q)
	for _, text := range want {
		if got[text] == 0 {
			t.Errorf("%s: %q isn't among %v", name, text, got)
		}
		delete(got, text)
	}
	for text := range got {
		t.Errorf("%s: found %q too", name, text)
	}
}

func TestFinder(t *testing.T) {
	w := newWorld(t)
	w.bind(t, 1, "2001:db8:1::1/128", 1, 2000)
	w.bind(t, 1, "2001:db8:8000:100::/56", 1, 2000)
	w.bind(t, 1, "2001:db8:2::1/128", 1, 2000) // on the other link
	w.bind(t, 2, "2001:db8:1::2/128", 1, 2000)
	w.bind(t, 2, "2001:db8:1::22/128", 9, 2000) // another IA of the same client
	w.bind(t, 3, "2001:db8:1::3/128", 1, 999)   // it has ended
	w.bind(t, 4, "2001:db8:2::4/128", 1, 2000)
	w.bind(t, 5, "2001:db8:1::5/128", 1, 2000)
	w.bind(t, 6, "2001:db8:1::5/128", 1, 2000) // the lease is another client's now

	one, two := addressOf("2001:db8:1::"), addressOf("2001:db8:2::")
	first, second := "2001:db8:1:: 2001:db8:1::1/128 2001:db8:8000:100::/56", "2001:db8:2:: 2001:db8:2::1/128"
	w.want(t, "address", Question{Type: ByAddress, Address: addressOf("2001:db8:1::1")}, first)
	w.want(t, "address in a prefix", Question{Type: ByAddress, Address: addressOf("2001:db8:8000:1ff::9")}, first)
	w.want(t, "address on another link", Question{Type: ByAddress, Address: addressOf("2001:db8:1::1"), LinkAddress: two})
	w.want(t, "ended", Question{Type: ByAddress, Address: addressOf("2001:db8:1::3")})
	w.want(t, "client", Question{Type: ByClientID, DUID: duidOf(1)}, first, second)
	w.want(t, "client on a link", Question{Type: ByClientID, DUID: duidOf(1), LinkAddress: two}, second)
	w.want(t, "client that lost its lease", Question{Type: ByClientID, DUID: duidOf(5)})
	w.want(t, "relay", Question{Type: ByRelayID, DUID: []byte{0, 3, 9, 1}}, first, second)
	w.want(t, "port", Question{Type: ByRemoteID, RemoteID: []byte{0, 0, 0, 9, 7, 4}}, "2001:db8:2:: 2001:db8:2::4/128")
	w.want(t, "nobody", Question{Type: ByClientID, DUID: duidOf(77)})
	w.want(t, "no link", Question{Type: ByLink, LinkAddress: addressOf("2001:db8:9::")})
	w.want(t, "link", Question{Type: ByLink, LinkAddress: two}, second, "2001:db8:2:: 2001:db8:2::4/128")

	// A lease that is in no sorted part yet is found by itself at least.
	everything := w.find(t, &Question{Type: Everything})
	for _, s := range []string{first, second, "2001:db8:2:: 2001:db8:2::4/128"} {
		if everything[s] != 1 {
			t.Errorf("everything: %q came %d times among %v", s, everything[s], everything)
		}
	}
	if n := len(w.find(t, &Question{Type: ByLink, LinkAddress: one})); n < 3 {
		t.Errorf("the link has %d clients", n)
	}
}

// TestFinderChangesNothing: whatever is asked, the bindings stay what they are, to the octet (RFC 5007, Section 4.4.1).
func TestFinderChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.bind(t, 1, "2001:db8:1::1/128", 1, 2000)
	w.bind(t, 1, "2001:db8:8000:100::/56", 1, 2000)
	w.bind(t, 2, "2001:db8:1::2/128", 1, 999) // it has ended
	all := func() (values []string) {
		w.Handle.Enter()
		defer w.Handle.Leave()
		for shard := range w.Table.Shards() {
			w.Handle.Range(shard, func(r *binding.Record) bool {
				values = append(values, string(binding.AppendChange(nil, r)))
				return true
			})
		}
		slices.Sort(values)
		return values
	}
	before := all()
	for _, q := range []Question{
		{Type: ByAddress, Address: addressOf("2001:db8:1::1")}, {Type: ByAddress, Address: addressOf("2001:db8:1::2")}, {Type: ByClientID, DUID: duidOf(1)},
		{Type: ByLink, LinkAddress: addressOf("2001:db8:1::")}, {Type: ByRelayID, DUID: []byte{0, 3, 9, 1}}, {Type: Everything},
	} {
		w.find(t, &q)
	}
	if after := all(); len(before) != 3 || !slices.Equal(before, after) {
		t.Errorf("the bindings were %q and are %q", before, after)
	}
}

func addressOf(text string) [16]byte { return netip.MustParseAddr(text).As16() }

// Whatever was in the index's sorted part and what wasn't: all leases of a question come, and nobody else's.
func TestFinderMissesNothing(t *testing.T) {
	w := newWorld(t)
	want := make(map[binding.Key]bool)
	for n := range 300 {
		a := addressOf("2001:db8:1::")
		a[14], a[15] = byte(n>>8), byte(n)
		key := w.bind(t, n, netip.AddrFrom16(a).String()+"/128", uint32(n%3), 2000)
		if n%2 == 1 {
			want[key] = true
		}
	}
	for found, err := range w.Find(&Question{Type: ByRelayID, DUID: []byte{0, 3, 9, 1}}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range found.Client {
			if key := found.Client[i].Key; !want[key] && found.Client[i].DUID[7]%2 == 0 {
				t.Errorf("found %v, which is behind another relay", key)
			} else {
				delete(want, key)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("%d leases weren't found", len(want))
	}
	all := 0
	for range w.Find(&Question{Type: Everything}) {
		all++
	}
	if all < 300 {
		t.Errorf("found %d of 300 clients", all)
	}
}
