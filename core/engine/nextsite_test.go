package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestFollow: a site's maps serve on where the pools, what is excluded and what is reserved are the same; else not.
func TestFollow(t *testing.T) {
	s := sessionOver(t, mustCompile(t, sitePools, ""), binding.Options{Capacity: 1000})
	for name, test := range map[string]struct {
		from, to string
		same     bool
	}{
		"nothing":           {"", "", true},
		"lifetimes":         {"links:", "lifetimes: {valid: 2h}\nlinks:", true},
		"an option":         {"links:", "options: {dns-servers: [\"2001:db8::53\"]}\nlinks:", true},
		"the link's name":   {"name: lan", "name: wan", true},
		"an exclusion":      {"1::14", "1::15", false},
		"a pool":            {"/52\"", "/51\"", false},
		"a length":          {"length: 56", "length: 57", false},
		"a reserved lease":  {"2001:db8:1::77", "2001:db8:1::78", false},
		"a reserved client": {"00:01\"", "00:02\"", true},
	} {
		if !strings.Contains(sitePools, test.from) {
			t.Fatalf("%s: there is no %s", name, test.from)
		}
		text := strings.Replace(sitePools, test.from, test.to, 1)
		if name == "a length" {
			text = strings.Replace(text, "700::/56", "700::/57", 1)
		}
		next, same := s.site.Follow(mustCompile(t, text, ""), s.site.View)
		if same != test.same {
			t.Errorf("%s: the maps are the same: %v, want %v", name, same, test.same)
		}
		if !same {
			continue
		}
		key := key128("2001:db8:1::18")
		next.Take(&key, wire.IANA)
		if diff := cmp.Diff(s.site.TakenSlots(), next.TakenSlots()); diff != "" {
			t.Errorf("%s: the maps aren't shared:\n%s", name, diff)
		}
	}
}

// TestNextSite: it knows what a new site knows, and counts nothing at ports again.
func TestNextSite(t *testing.T) {
	p := mustCompile(t, sitePools, "")
	p.LeasesPerPort = 100
	s := sessionOver(t, p, binding.Options{Capacity: 1000})
	extension := binding.AppendExtension(nil, binding.ExtInterfaceID, []byte("port"))
	s.handle.Enter()
	for i, key := range []binding.Key{key128("2001:db8:1::15"), {Address: key128("2001:db8:8000:100::").Address, Length: 60}} {
		kind := []wire.Kind{wire.IANA, wire.IAPD}[i]
		if _, outcome := s.handle.Publish(nil, &binding.Draft{
			Key: key, Kind: kind, DUID: singleDUID, State: binding.Bound, Expires: start + 100, Extension: extension,
		}); outcome != binding.Published {
			t.Fatal(outcome)
		}
	}
	s.handle.Leave()
	first, err := engine.NewSite(p, engine.NewView(p, engine.Memory{}, testCapacity), s.handle, s.table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	next, err := engine.NextSite(p, first.View, s.handle, s.table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.TakenSlots(), next.TakenSlots()); diff != "" || len(next.Strays()) != 1 || !cmp.Equal(first.Strays(), next.Strays()) {
		t.Errorf("strays %v; taken slots (-new +next):\n%s", next.Strays(), diff)
	}
	if got := next.AtPort(extension); got != 2 {
		t.Errorf("%d bindings are counted at their port, want 2", got)
	}
}

// TestProspects: what becomes of bindings when pools, exclusions and reservations change.
func TestProspects(t *testing.T) {
	const before = `
listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64", "2001:db8:2::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
    reservations: [{duid: "00:03:01", addresses: ["2001:db8:2::1"]}]
  - name: old
    match: {link-addresses: ["2001:db8:3::/64"]}
    addresses: [{pool: "2001:db8:3::/64"}]
`
	const after = `
listen: {interfaces: [eth0]}
links:
  - name: new
    match: {link-addresses: ["2001:db8:4::/64"]}
    addresses: [{pool: "2001:db8:4::/64"}]
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64", "2001:db8:2::/64", "2001:db8:6::/64"]}
    addresses: [{pool: "2001:db8:1::/64", exclude: ["2001:db8:1::8/125"]}, {pool: "2001:db8:6::/64", exclude: ["2001:db8:6::9"], retiring: true}]
    prefixes: [{pool: "2001:db8:8000::/41", length: 56}]
    reservations:
      - {duid: "00:03:0a", addresses: ["2001:db8:6::10"]}
      - {duid: "00:03:01", addresses: ["2001:db8:2::1"]}
      - {remote-id: {enterprise: 9, id: line}, addresses: ["2001:db8:1::30"]}
      - {duid: "00:03:05", prefixes: ["2001:db8:8000:500::/56"]}
`
	old := mustCompile(t, before, "")
	s := sessionOver(t, old, binding.Options{Capacity: 1000})
	prospects := engine.NewProspects(old, mustCompile(t, after, ""))
	line := binding.AppendExtension(nil, binding.ExtRemoteID, []byte("\x00\x00\x00\x09line"))
	for name, test := range map[string]struct {
		lease  string
		length uint8
		duid   string
		ext    binding.Extension
		fate   engine.Fate
		pool   string
	}{
		"in its pool":               {"2001:db8:1::7", 128, "\x00\x03\x09", nil, engine.FateKept, "2001:db8:1::/64"},
		"excluded":                  {"2001:db8:1::9", 128, "\x00\x03\x09", nil, engine.FateExcluded, "2001:db8:1::/64"},
		"reserved for it":           {"2001:db8:1::30", 128, "\x00\x03\x09", line, engine.FateKept, "2001:db8:1::/64"},
		"reserved for another":      {"2001:db8:1::30", 128, "\x00\x03\x08", nil, engine.FateReserved, "2001:db8:1::/64"},
		"has a reservation":         {"2001:db8:1::31", 128, "\x00\x03\x07", line, engine.FateMoves, "2001:db8:1::/64"},
		"of the other kind":         {"2001:db8:8000:100::", 56, "\x00\x03\x07", line, engine.FateKept, "2001:db8:8000::/40"},
		"out of a smaller pool":     {"2001:db8:8080::", 56, "\x00\x03\x09", nil, engine.FateOutside, "2001:db8:8000::/40"},
		"of a retiring pool":        {"2001:db8:6::7", 128, "\x00\x03\x09", nil, engine.FateRetires, ""},
		"excluded there":            {"2001:db8:6::9", 128, "\x00\x03\x09", nil, engine.FateExcluded, ""},
		"reserved there":            {"2001:db8:6::10", 128, "\x00\x03\x0a", nil, engine.FateKept, ""},
		"reserved there for others": {"2001:db8:6::10", 128, "\x00\x03\x09", nil, engine.FateReserved, ""},
		"reserved as before":        {"2001:db8:2::1", 128, "\x00\x03\x01", nil, engine.FateKept, ""},
		"of a link that is gone":    {"2001:db8:3::1", 128, "\x00\x03\x09", nil, engine.FateOutside, "2001:db8:3::/64"},
		"of no pool before":         {"2001:db8:5::1", 128, "\x00\x03\x09", nil, engine.FateOutside, ""},
		"of a pool that comes":      {"2001:db8:4::1", 128, "\x00\x03\x09", nil, engine.FateKept, ""},
		"prefix of another client":  {"2001:db8:8000:500::", 56, "\x00\x03\x09", nil, engine.FateReserved, "2001:db8:8000::/40"},
	} {
		kind := wire.IANA
		if test.length < 128 {
			kind = wire.IAPD
		}
		s.handle.Enter()
		r, outcome := s.handle.Publish(s.handle.Find(&binding.Key{Address: key128(test.lease).Address, Length: test.length}), &binding.Draft{
			Key: binding.Key{Address: key128(test.lease).Address, Length: test.length}, Kind: kind, DUID: []byte(test.duid),
			State: binding.Bound, Expires: start + 100, Extension: test.ext,
		})
		if outcome != binding.Published {
			t.Fatal(outcome)
		}
		pool, fate := prospects.Of(r)
		s.handle.Leave()
		got := ""
		if pool != nil {
			got = pool.Name
		}
		if fate != test.fate || got != test.pool {
			t.Errorf("%s: fate %d in pool %q, want %d in %q", name, fate, got, test.fate, test.pool)
		}
	}
}
