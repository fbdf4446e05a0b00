package engine_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

const sitePools = `
listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses:
      - {pool: "2001:db8:1::10-2001:db8:1::1f", exclude: ["2001:db8:1::12-2001:db8:1::14"]}
      - {pool: "2001:db8:1:0:8000::/65"}
    prefixes: [{pool: "2001:db8:8000::/52", length: 56}]
    reservations:
      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::1f", "2001:db8:1::77"], prefixes: ["2001:db8:8000:700::/56"]}
`

func key128(text string) binding.Key {
	return binding.Key{Address: netip.MustParseAddr(text).As16(), Length: 128}
}

// TestNewSite fills the maps with what is excluded, reserved or in the table, in any state.
func TestNewSite(t *testing.T) {
	p := mustCompile(t, sitePools, "")
	s := sessionOver(t, p, binding.Options{Capacity: 1000})
	s.handle.Enter()
	for i, text := range []string{"2001:db8:1::15", "2001:db8:1::16", "2001:db8:1:0:8000::5"} {
		_, outcome := s.handle.Publish(nil, &binding.Draft{
			Key: key128(text), Kind: wire.IANA, DUID: singleDUID, State: binding.State(i + 1), Expires: start,
		})
		if outcome != binding.Published {
			t.Fatal(outcome)
		}
	}
	s.handle.Leave()
	site, err := engine.NewSite(p, engine.NewView(p, engine.Memory{}, testCapacity), s.handle, s.table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	want := map[int][]uint64{
		0: {2, 3, 4, 5, 6, 15}, // addresses: ::12 to ::14, ::15, ::16, ::1f
		2: {7},                 // prefixes
	}
	if diff := cmp.Diff(want, site.TakenSlots()); diff != "" {
		t.Errorf("taken slots by pool (-want +got):\n%s", diff)
	}

	key := key128("2001:db8:1::17")
	site.Take(&key, wire.IANA)
	site.Take(&key, wire.IAPD) // no pool of that kind there
	site.Put(&binding.Key{Address: key128("2001:db8:1::15").Address, Length: 128}, wire.IANA)
	outside := key128("2001:db8:ffff::1")
	site.Take(&outside, wire.IANA)
	want[0] = []uint64{2, 3, 4, 6, 7, 15}
	if diff := cmp.Diff(want, site.TakenSlots()); diff != "" {
		t.Errorf("after taking and putting back (-want +got):\n%s", diff)
	}
}

// TestMeet: a site that meets the records of a load, from two loaders at once, knows what one knows that walks the table
// afterwards, and counts ports where that one does.
func TestMeet(t *testing.T) {
	p := mustCompile(t, sitePools, "")
	p.LeasesPerPort = 100
	extension := binding.AppendExtension(nil, binding.ExtInterfaceID, []byte("port"))
	var values [][2][]byte
	made := sessionOver(t, p, binding.Options{Capacity: 1000})
	made.handle.Enter()
	for i := range 64 {
		key, kind := key128(fmt.Sprintf("2001:db8:1::%x", 0x10+i)), wire.IANA
		if i%2 == 1 { // lies in a prefix of the pool, which are longer
			key, kind = binding.Key{Address: key128(fmt.Sprintf("2001:db8:8000:%x::", i)).Address, Length: 64}, wire.IAPD
		}
		r, outcome := made.handle.Publish(nil, &binding.Draft{
			Key: key, Kind: kind, DUID: singleDUID, IAID: uint32(i), State: binding.Bound, Expires: start,
			Extension: extension,
		})
		if outcome != binding.Published {
			t.Fatal(outcome)
		}
		k, v, _, err := binding.NextChange(binding.AppendChange(nil, r))
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, [2][]byte{k, v})
	}
	made.handle.Leave()
	want, err := engine.NewSite(p, engine.NewView(p, engine.Memory{}, testCapacity), made.handle, made.table.Shards())
	if err != nil {
		t.Fatal(err)
	}

	loaded := sessionOver(t, p, binding.Options{Capacity: 1000})
	got, err := engine.EmptySite(p, engine.NewView(p, engine.Memory{}, testCapacity))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for half := range 2 {
		l := loaded.table.NewLoader()
		l.Loaded = got.Meet
		wg.Go(func() {
			for _, v := range values[32*half:][:32] {
				if err := l.Load(v[0], v[1]); err != nil {
					t.Error(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got.Met()
	if diff := cmp.Diff(want.TakenSlots(), got.TakenSlots()); diff != "" {
		t.Errorf("taken slots (-walked +met):\n%s", diff)
	}
	if diff := cmp.Diff(want.Strays(), got.Strays()); diff != "" || len(got.Strays()) == 0 {
		t.Errorf("%d strays (-walked +met):\n%s", len(got.Strays()), diff)
	}
	if w, g := want.AtPort(extension), got.AtPort(extension); w != g || g == 0 {
		t.Errorf("%d records are counted at their port, want %d", g, w)
	}
}

// TestNewSiteStripes deals slots to stripes: node b's map of a pool of two nodes has the odd ones.
func TestNewSiteStripes(t *testing.T) {
	nodes := nodesOf(t, "identical")
	site := nodes[1].site
	prefix := keyOf(netip.MustParsePrefix("2001:db8:8000:500::/56"))
	site.Take(&prefix, wire.IAPD)
	want := map[int][]uint64{2: {5}}
	if diff := cmp.Diff(want, site.TakenSlots()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStaleMap: the map of free slots is a hint. Slots that it wrongly calls free are found out and corrected.
func TestStaleMap(t *testing.T) {
	s := sessionOver(t, mustCompile(t, sitePools, ""), binding.Options{Capacity: 1000})
	s.handle.Enter()
	for _, last := range []string{"10", "11", "15", "16", "17", "18", "19", "1a", "1b", "1c", "1d"} {
		_, outcome := s.handle.Publish(nil, &binding.Draft{
			Key: key128("2001:db8:1::" + last), Kind: wire.IANA, DUID: singleDUID, State: binding.Bound, Expires: start + 100,
		})
		if outcome != binding.Published {
			t.Fatal(outcome)
		}
	}
	s.handle.Leave()
	p := mustCompile(t, `
listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::10-2001:db8:1::1f", exclude: ["2001:db8:1::12-2001:db8:1::14", "2001:db8:1::1f"]}]
`, "")
	s.install(t, p) // the map is filled from the table
	empty := sessionOver(t, p, binding.Options{Capacity: 1000})
	s.site = empty.site // and this one isn't
	m, err := parseMessage("request\nserver=ours\nna=1", s)
	if err != nil {
		t.Fatal(err)
	}
	got := leasesOf(t, s.handleOne(m.input()).Reply)
	if len(got) != 1 || got[0].key != key128("2001:db8:1::1e") {
		t.Errorf("got %v, want the only free address, 2001:db8:1::1e", got)
	}
	if again := s.site.TakenSlots()[0]; len(again) < 5 {
		t.Errorf("the map wasn't corrected: %v", again)
	}
}
