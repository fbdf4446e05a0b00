package inventory

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A teller is a node of the test. It has leases, and tells of them as a node does: in order for each client, perhaps twice.
type teller struct {
	dice          *rand.Rand
	cluster, node string
	now           time.Time
	list          int64
	has           map[string]*Event // what stands
	version       map[string]uint64 // of each lease; a lease that was forgotten isn't there
	ended         map[string]time.Time
	said          map[string]*known // what it said last of each lease
	told          []Event
}

func newTeller(dice *rand.Rand, cluster, node string) *teller {
	return &teller{dice: dice, cluster: cluster, node: node, now: time.Unix(1_800_000_000, 0).UTC(), has: map[string]*Event{}, version: map[string]uint64{}, ended: map[string]time.Time{}, said: map[string]*known{}}
}

func (n *teller) tell(kind, lease, client string) *Event {
	e := Event{Event: kind, Cluster: n.cluster, Node: n.node, List: n.list, Time: n.now, Lease: lease, DUID: client}
	e.Version = n.version[lease]
	e.ID = fmt.Sprint(n.cluster, n.node, lease, e.Version, kind, n.list)
	if kind == "remove" && n.dice.IntN(4) == 0 {
		e.Reason = "peer"
	}
	n.told = append(n.told, e)
	is := &known{Event: e, Gone: kind == "remove", Stood: n.now}
	if was := n.said[lease]; is.Gone && was != nil {
		is.Stood = was.Stood
	}
	n.said[lease] = is
	return &n.told[len(n.told)-1]
}

// step lets a lease begin, change, go to another client or end, or tells a whole list.
func (n *teller) step() {
	n.now = n.now.Add(time.Duration(n.dice.IntN(20)) * time.Second)
	lease, client := fmt.Sprintf("2001:db8::%x", n.dice.IntN(12)), fmt.Sprint("client", n.dice.IntN(6))
	if n.dice.IntN(40) == 0 {
		n.wholeList()
		return
	}
	was := n.has[lease]
	if at, gone := n.ended[lease]; gone && was == nil && n.now.Sub(at) > 2*ambiguous {
		delete(n.version, lease) // forgotten
	}
	n.version[lease]++
	switch {
	case was == nil:
		e := *n.tell("add", lease, client)
		n.has[lease] = &e
	case n.dice.IntN(3) == 0:
		n.tell("remove", lease, was.DUID)
		delete(n.has, lease)
		n.ended[lease] = n.now
	case was.DUID == client:
		e := *n.tell("change", lease, client)
		n.has[lease] = &e
	default:
		n.tell("remove", lease, was.DUID)
		e := *n.tell("add", lease, client)
		n.has[lease] = &e
	}
}

func (n *teller) wholeList() {
	n.list++
	n.tell("list-begin", "", "")
	for _, lease := range slices.Sorted(maps.Keys(n.has)) {
		item := *n.tell("list-item", lease, n.has[lease].DUID)
		n.has[lease] = &item
	}
	n.tell("list-end", "", "")
}

// lose has the events of some changes lost, as a node does whose disk is full, and then tells a whole list.
func (n *teller) lose(steps int) {
	kept, said := len(n.told), maps.Clone(n.said)
	for range steps {
		n.step()
	}
	n.told, n.said = n.told[:kept], said
	n.wholeList()
	maps.DeleteFunc(n.said, func(lease string, k *known) bool { return !k.Gone && n.has[lease] == nil }) // the list left it out
}

// standing is what the inventory has to have of all nodes: lease and client.
func standing(all []*teller) []string {
	best := map[string]*known{}
	for _, n := range all {
		for lease, k := range n.said {
			if lease == "" || k.Gone && k.Reason == "peer" {
				continue
			}
			if was := best[n.cluster+" "+lease]; was == nil || compare(k, was) > 0 {
				best[n.cluster+" "+lease] = k
			}
		}
	}
	var out []string
	for at, k := range best {
		if !k.Gone {
			out = append(out, at+" "+k.DUID)
		}
	}
	slices.Sort(out)
	return out
}

func held(i *Inventory) (out []string) {
	for _, e := range i.Leases("") {
		out = append(out, e.Cluster+" "+e.Lease+" "+e.DUID)
	}
	slices.Sort(out)
	return out
}

// partition is where an event goes: by its client, and a list's beginning and end to all.
func partition(e *Event, n int) []string {
	if e.Lease != "" {
		return []string{fmt.Sprint(int(e.DUID[len(e.DUID)-1]) % n)}
	}
	var all []string
	for p := range n {
		all = append(all, fmt.Sprint(p))
	}
	return all
}

// deliver hands events over: each partition of each node in its order, but all of these mixed, and some stretches twice.
func deliver(dice *rand.Rand, into *Inventory, all []*teller, partitions int) {
	queues := map[string][]Event{}
	for _, n := range all {
		for _, e := range n.told {
			for _, p := range partition(&e, partitions) {
				queue := p + " " + n.cluster + n.node
				queues[queue] = append(queues[queue], e)
				if again := dice.IntN(20); again == 0 {
					queues[queue] = append(queues[queue], queues[queue][max(0, len(queues[queue])-dice.IntN(15)):]...)
				}
			}
		}
	}
	var names []string
	for name := range queues {
		names = append(names, name)
	}
	slices.Sort(names)
	for position := uint64(1); len(names) > 0; position++ {
		at := dice.IntN(len(names))
		name := names[at]
		e := queues[name][0]
		into.Take(&e, strings.Fields(name)[0], position)
		if queues[name] = queues[name][1:]; len(queues[name]) == 0 {
			names = slices.Delete(names, at, at+1)
		}
	}
}

// Whatever comes twice, however nodes and clients are mixed, after whole lists and losses, the inventory has what stands.
func TestInventory(t *testing.T) {
	for seed := range uint64(60) {
		dice := rand.New(rand.NewPCG(seed, 0))
		all := []*teller{newTeller(dice, "ber1", "a"), newTeller(dice, "ber1", "b"), newTeller(dice, "muc1", "")}
		for range 300 {
			all[dice.IntN(len(all))].step()
		}
		all[0].lose(30)
		for range 100 {
			all[dice.IntN(len(all))].step()
		}
		for _, partitions := range []int{1, 4} {
			i := New()
			deliver(dice, i, all, partitions)
			if diff := cmp.Diff(standing(all), held(i)); diff != "" {
				t.Fatalf("seed %d, %d partitions (-want +got):\n%s", seed, partitions, diff)
			}
			deliver(dice, i, all, partitions) // all of it again, as where a consumer begins anew
			if diff := cmp.Diff(standing(all), held(i)); diff != "" {
				t.Fatalf("seed %d, %d partitions, again (-want +got):\n%s", seed, partitions, diff)
			}
		}
	}
}

// Stories of single leases: what ends at the node that had it last has ended, though a dead one never took its word back; and with a higher number of a list
// counts what has a lower version, of another store.
func TestStories(t *testing.T) {
	event := func(kind, node string, list int64, version uint64, second int64, reason string) Event {
		return Event{Event: kind, Cluster: "ber1", Node: node, List: list, Version: version, Time: time.Unix(second, 0).UTC(), Lease: "2001:db8::1", DUID: "client", Reason: reason}
	}
	for name, story := range map[string]struct {
		told   []Event
		stands bool
	}{
		"a dies, and the lease ends at b":    {[]Event{event("add", "a", 1, 1, 100, ""), event("add", "b", 1, 1, 200, ""), event("remove", "b", 1, 2, 300, "released")}, false},
		"it goes to b and comes back":        {[]Event{event("add", "a", 1, 1, 100, ""), event("add", "b", 1, 1, 200, ""), event("add", "a", 1, 3, 300, ""), event("remove", "b", 1, 2, 400, "ended")}, true},
		"it goes from b to a, which is mute": {[]Event{event("add", "a", 1, 1, 100, ""), event("add", "b", 1, 1, 200, ""), event("remove", "b", 1, 2, 300, "peer")}, true},
		"a store made anew":                  {[]Event{event("remove", "a", 1, 20, 100, "released"), event("add", "a", 2, 1, 130, "")}, true},
		"repeated":                           {[]Event{event("add", "a", 1, 19, 90, ""), event("remove", "a", 1, 20, 100, "released"), event("add", "a", 1, 19, 90, "")}, false},
	} {
		i := New()
		for at, e := range story.told {
			i.Take(&e, "", uint64(at))
		}
		if got := len(i.Leases("ber1")) == 1; got != story.stands {
			t.Errorf("%s: stands %t", name, got)
		}
	}
}

// What was saved is the same when it is loaded; what has gone is forgotten in time.
func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "inventory.json")
	if i, err := Load(file); err != nil || len(i.Leases("")) != 0 {
		t.Fatal(i, err)
	}
	dice := rand.New(rand.NewPCG(1, 0))
	n := newTeller(dice, "ber1", "a")
	for range 100 {
		n.step()
	}
	n.wholeList()
	i := New()
	deliver(dice, i, []*teller{n}, 1)
	if err := i.Save(file); err != nil {
		t.Fatal(err)
	}
	again, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(i.Leases("ber1"), again.Leases("ber1")); diff != "" || again.After("0") != i.After("0") || len(i.Leases("none")) != 0 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(i.Nodes(), again.Nodes()); diff != "" || again.Nodes()[0].List == 0 {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	before := len(again.known)
	again.Forget(24 * time.Hour)
	if len(again.known) != before {
		t.Error("it has forgotten what went just now")
	}
	again.Forget(0)
	if len(again.known) == before || len(again.known) != len(again.Leases("")) {
		t.Errorf("of %d leases it knows %d, and %d stand", before, len(again.known), len(again.Leases("")))
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "outbox resend") {
		t.Errorf("damage: %v", err)
	}
}

func TestParse(t *testing.T) {
	for body, want := range map[string]string{
		`{"event": "add", "cluster": "ber1", "lease": "2001:db8::1", "version": 3, "new": 1}`: "",
		`{"event": "list-end", "cluster": "ber1"}`:                                            "",
		`{"event": "add", "cluster": "ber1"}`:                                                 "about no lease",
		`{"event": "add", "lease": "2001:db8::1"}`:                                            "of no cluster",
		`{"event": "gone", "cluster": "ber1"}`:                                                "unknown kind",
		`[`:                                                                                   "no event",
	} {
		if _, err := Parse([]byte(body)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
