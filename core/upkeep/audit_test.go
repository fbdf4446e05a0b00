package upkeep_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// audit compares what a server has with a world's bindings. Zone 2 isn't read where only the first two are.
func audit(d *dnsServer, w *fakeWorld, s *upkeep.Settings, zones int) []upkeep.Difference {
	a := upkeep.NewAudit(w, s, pooled)
	for zone := range zones {
		a.Zone(zone)
		for name, records := range d.records[zone] {
			for _, r := range records {
				a.Record(zone, naming.Name(name), r.kind, []byte(r.data))
			}
		}
	}
	for i := range w.bindings {
		a.Binding(&w.bindings[i])
	}
	return a.Differences()
}

// pooled: the test's pools are 2001:db8:0::/48 and 2001:db8:2::/48, but for the addresses that end in ff.
func pooled(key *binding.Key) bool {
	return strings.HasPrefix(string(key.Address[:]), "\x20\x01\x0d\xb8\x00") && key.Address[5]&^2 == 0 && key.Address[15] != 0xff && key.Length >= 48
}

func showDifferences(found []upkeep.Difference) string {
	lines := make([]string, 0, len(found))
	for _, d := range found {
		first, _, _ := strings.Cut(d.Name.String(), ".ip6.")
		first, _, _ = strings.Cut(first, ".example.")
		line := fmt.Sprintf("%v %s", d.Kind, first)
		if d.Data != nil {
			data := showData(d.Type, d.Data)
			if d.Type == upkeep.TypeDHCID {
				data = "DHCID"
			}
			line += " " + data
		}
		if d.Repair == nil {
			line += " (left)"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

var nothing = []held{}

var outside = address(0, 0xff)

// whole is what DNS holds of ann's lease of one.
func whole() []held { return hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)) }

// made is a name that is made from one.
const made = "host-2001-db8--1.example.net."

var reverseOne = strings.TrimSuffix(reverseOf(one), ".ip6.arpa.")

var auditCases = []struct {
	name     string
	there    []held
	bindings []binding.Stored
	change   func(*upkeep.Settings)
	zones    int // that are read; 0: all
	back     binding.Time
	want     string
	repaired []held // what DNS holds then; nil: what it held
}{
	{name: "nothing differs", there: whole(), bindings: known(bound(one))},
	{
		name: "all is missing", bindings: known(bound(one)), want: "missing host AAAA 000001; missing " + reverseOne + " PTR host.example.net.",
		repaired: whole(),
	},
	{
		name: "a peer's AAAA is missing", there: hold(dhcid(host, ann), ptr(one, host)), bindings: known(bound(one, of(2))),
		want: "missing host AAAA 000001", repaired: whole(),
	},
	{
		name: "a PTR is missing", there: hold(aaaa(host, one), dhcid(host, ann)), bindings: known(bound(one)),
		want: "missing " + reverseOne + " PTR host.example.net.", repaired: whole(),
	},
	{name: "the reverse zone isn't read", there: hold(aaaa(host, one), dhcid(host, ann)), bindings: known(bound(one)), zones: 1},
	{
		name: "an abandoned address of a client that is there", there: append(whole(), aaaa(host, two)), bindings: known(bound(one)),
		want: "abandoned host AAAA 000002", repaired: whole(),
	},
	{
		name: "all of a client that isn't there", there: whole(),
		want: "abandoned host AAAA 000001; abandoned " + reverseOne + " PTR host.example.net.", repaired: nothing,
	},
	{
		name: "what a superseded lease had", there: whole(), bindings: known(bound(one, superseded)),
		want: "abandoned host AAAA 000001; abandoned " + reverseOne + " PTR host.example.net.", repaired: nothing,
	},
	{name: "what an expired lease has until it is reclaimed", there: whole(), bindings: known(bound(one, expired))},
	{name: "an expired lease's records needn't be there", bindings: known(bound(one, expired))},
	{
		name: "the client has left one peer's lease for another's, or not", there: whole(),
		bindings: known(bound(one, of(2), since(8000, 8500)), bound(two, of(3))),
		want:     "missing host AAAA 000002; missing 2" + reverseOne[1:] + " PTR host.example.net.",
		repaired: append(whole(), aaaa(host, two), ptr(two, host)),
	},
	{name: "a peer's lease, which may have ended while this node was away", bindings: known(bound(one, of(2))), back: 9500},
	{
		name: "own lease, which stood before this node was away", bindings: known(bound(one)), back: 9500,
		want: "missing host AAAA 000001; missing " + reverseOne + " PTR host.example.net.", repaired: whole(),
	},
	{name: "a DHCID alone", there: hold(dhcid(host, bob)), want: "abandoned host DHCID", repaired: nothing},
	{
		name: "a PTR to another name", there: hold(aaaa(host, one), dhcid(host, ann), ptr(one, other)), bindings: known(bound(one)),
		want: "missing " + reverseOne + " PTR host.example.net.; wrong-target " + reverseOne + " PTR other.example.net.", repaired: whole(),
	},
	{
		name: "an abandoned PTR to a name that is no name of ours", there: hold(ptr(one, "www.example.com")),
		want: "abandoned " + reverseOne + " PTR www.example.com.", repaired: nothing,
	},
	{
		name: "another client's name", there: hold(aaaa(host, three), dhcid(host, bob), ptr(three, host)),
		bindings: known(bound(one), bound(three, by(bob))), want: "foreign-name host DHCID (left)",
	},
	{
		name: "another client's name, which is taken over", there: hold(aaaa(host, outside), dhcid(host, bob)),
		change: func(s *upkeep.Settings) { s.TakeOver = true }, bindings: known(bound(one)),
		want: "foreign-name host DHCID; hand-made host AAAA 0000ff (left)", repaired: whole(),
	},
	{
		name: "a name made by hand in the way", there: hold(aaaa(host, outside)), bindings: known(bound(one)), want: "in-the-way host (left)",
	},
	{name: "a CNAME in the way", there: hold(cname), bindings: known(bound(one)), want: "in-the-way host (left)"},
	{
		name: "an address from elsewhere at a client's name", there: append(whole(), aaaa(host, outside)), bindings: known(bound(one)),
		want: "hand-made host AAAA 0000ff (left)",
	},
	{name: "an address from a pool at a name made by hand", there: hold(aaaa(host, two)), want: "hand-made host AAAA 000002 (left)"},
	{name: "what is of no concern", there: hold(aaaa(host, outside), ptr(outside, host), v4, text)},
	{name: "a DHCPv4 server's name", there: hold(dhcid(host, bob), v4)},
	{
		name: "the client keeps its AAAA", there: whole(), bindings: known(bound(one, named(host, 0))),
	},
	{
		name: "the client keeps its AAAA, of another's name", there: hold(aaaa(host, three), dhcid(host, bob), ptr(three, host), ptr(one, host)),
		bindings: known(bound(one, named(host, 0)), bound(three, by(bob))),
		want:     "foreign-name host DHCID (left); abandoned " + reverseOne + " PTR host.example.net.",
		repaired: hold(aaaa(host, three), dhcid(host, bob), ptr(three, host)),
	},
	{
		name: "the client keeps its AAAA, of a name without DHCID", there: hold(aaaa(host, one)), bindings: known(bound(one, named(host, 0))),
		want: "in-the-way host (left)",
	},
	{
		name: "the client wants nothing in DNS", there: whole(), bindings: known(bound(one, named(host, naming.FlagN))),
		want: "abandoned host AAAA 000001; abandoned " + reverseOne + " PTR host.example.net.", repaired: nothing,
	},
	{
		name: "a peer's client has not told this node its name", there: whole(), bindings: known(bound(one, of(2), nameless)),
	},
	{
		name: "a peer's client has not told this node its name, which has made one", there: whole(),
		bindings: known(bound(one, of(2), named(made, naming.FlagS))),
	},
	{
		name: "own client has a made name now", there: whole(), bindings: known(bound(one, named(made, naming.FlagS))),
		want: "abandoned host AAAA 000001; missing host-2001-db8--1 AAAA 000001; missing " + reverseOne +
			" PTR host-2001-db8--1.example.net.; wrong-target " + reverseOne + " PTR host.example.net.",
		repaired: hold(aaaa(made, one), dhcid(made, ann), ptr(one, made)),
	},
	{
		name: "a client that was taken over has not told this node its name", there: whole(), bindings: known(bound(one, nameless)),
	},
	{
		name: "a client without a name has another one's address", there: whole(), bindings: known(bound(one, by(bob), nameless)),
		want: "abandoned host AAAA 000001; abandoned " + reverseOne + " PTR host.example.net.", repaired: nothing,
	},
	{
		name: "a client that has not told its name has left an address", there: append(whole(), aaaa(host, two), ptr(one, other)),
		bindings: known(bound(one, of(2), nameless)),
		want:     "abandoned host AAAA 000002; abandoned " + reverseOne + " PTR other.example.net.", repaired: whole(),
	},
	{
		name: "a client without a name whose lease has ended", there: whole(), bindings: known(bound(one, of(2), nameless, released)),
		want: "abandoned host AAAA 000001; abandoned " + reverseOne + " PTR host.example.net.", repaired: nothing,
	},
	{
		name: "updates are off", bindings: known(bound(one)), there: hold(ptr(one, host)), change: func(s *upkeep.Settings) { s.Updates = false },
	},
	{
		name: "prefixes", there: hold(wild("6", host), wild("9", host)), bindings: known(bound(prefix)),
		want:     "missing *.7.0.0.0.0.0.0.8.b.d.0.1.0.0.2 PTR host.example.net.; abandoned *.9.0.0.0.0.0.0.8.b.d.0.1.0.0.2 PTR host.example.net.",
		repaired: hold(wild("6", host), wild("7", host)),
	},
	{
		name: "a prefix of a client whose name is another's", there: hold(aaaa(host, one), dhcid(host, bob), ptr(one, host), wild("6", host)),
		bindings: known(bound(prefix), bound(one, by(bob))),
		want:     "foreign-name host DHCID (left); abandoned *.6.0.0.0.0.0.0.8.b.d.0.1.0.0.2 PTR host.example.net.",
		repaired: hold(aaaa(host, one), dhcid(host, bob), ptr(one, host)),
	},
	{
		name: "a DHCID is all that is left of a client with a prefix", there: hold(dhcid(host, ann), wild("6", host), wild("7", host)),
		bindings: known(bound(prefix)), want: "abandoned host DHCID", repaired: hold(wild("6", host), wild("7", host)),
	},
	{
		name: "prefixes have no records any more", there: hold(wild("6", host)), bindings: known(bound(prefix)),
		change: func(s *upkeep.Settings) { s.Prefixes = false },
		want:   "abandoned *.6.0.0.0.0.0.0.8.b.d.0.1.0.0.2 PTR host.example.net.", repaired: nothing,
	},
}

func TestAudit(t *testing.T) {
	for _, c := range auditCases {
		t.Run(c.name, func(t *testing.T) {
			d, s := newServer(t, testZones...), settingsOf(t, false)
			if c.change != nil {
				c.change(s)
			}
			fill(t, d, c.there)
			w := &fakeWorld{now: now, bindings: c.bindings, back: c.back}
			zones := c.zones
			if zones == 0 {
				zones = len(testZones)
			}
			found := audit(d, w, s, zones)
			if got := showDifferences(found); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			repair(t, d, w, s, found)
			want := newServer(t, testZones...)
			if c.repaired == nil {
				c.repaired = c.there
			}
			fill(t, want, c.repaired)
			if got, want := d.all(), want.all(); !slices.Equal(got, want) {
				t.Errorf("after the repair DNS holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// repair does the tasks that differences have, as they come out of a queue.
func repair(t testing.TB, d *dnsServer, w upkeep.World, s *upkeep.Settings, found []upkeep.Difference) {
	t.Helper()
	for _, difference := range found {
		if difference.Repair == nil {
			continue
		}
		task, err := upkeep.DecodeTask(difference.Repair.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		jobs, later := upkeep.Plan(&task, w, s)
		if later && len(jobs) == 0 {
			t.Fatalf("%v %v waits", difference.Kind, difference.Name)
		}
		for i := range jobs {
			if _, err := upkeep.Run(context.Background(), &jobs[i], s, d); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Whatever stands in the zones, in the end nothing differs that could be repaired: not at once, for a name that one client's
// abandoned records held is free for another only when they are gone.
func TestAuditRepairsAll(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		d, s := newServer(t, testZones...), settingsOf(t, seed%2 == 0)
		w := &fakeWorld{now: now}
		names := []string{host, other, "third.example.net."}
		clients := [][]byte{ann, bob, {0, 3, 0, 1, 'c'}}
		keys := []binding.Key{one, two, three, address(2, 4), address(0, 5), outside}
		for i := range names {
			for _, key := range keys {
				if random.IntN(3) == 0 {
					fill(t, d, hold(aaaa(names[i], key)))
				}
				if random.IntN(3) == 0 {
					fill(t, d, hold(ptr(key, names[i])))
				}
			}
			if random.IntN(3) > 0 {
				fill(t, d, hold(dhcid(names[i], clients[random.IntN(3)])))
			}
		}
		for _, key := range keys[:5] {
			if random.IntN(2) == 0 {
				i, states := random.IntN(3), []stored{expired, released, superseded, of(2), of(3), nameless}
				state := func(*binding.Stored) {}
				if pick := random.IntN(12); pick < len(states) {
					state = states[pick]
				}
				w.bindings = append(w.bindings, bound(key, by(clients[i]), named(names[i], naming.FlagS), iaid(uint32(random.IntN(2))), state))
			}
		}
		var found []upkeep.Difference
		for round := range 4 {
			found = slices.DeleteFunc(audit(d, w, s, 3), func(d upkeep.Difference) bool { return d.Repair == nil })
			if round == 3 && len(found) > 0 {
				t.Fatalf("seed %d: after three repairs %s", seed, showDifferences(found))
			}
			repair(t, d, w, s, found)
		}
	}
}
