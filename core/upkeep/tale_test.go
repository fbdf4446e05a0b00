package upkeep_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A tale is what becomes of nodes and clients.
type tale struct {
	events []event
	dies   int // the node that dies in the middle; negative: none
	wild   bool
}

func tell(seed uint64, wild bool) tale {
	random := rand.New(rand.NewPCG(seed, 3))
	events := make([]event, 100)
	for i := range events {
		events[i] = event{eventKind(random.IntN(int(eventKinds))), random.Uint64()}
	}
	return tale{events, int(seed%4) - 1, wild}
}

// play plays a tale to its end; a wild one has an audit then. It returns what is wrong.
func (o *tale) play(t *testing.T) (*story, string) {
	s := newStory(t)
	s.wild = o.wild
	for i, e := range o.events {
		if o.dies >= 0 && i == len(o.events)/2 {
			s.die(s.nodes[o.dies])
		}
		s.happen(e)
	}
	s.settle()
	for range 3 {
		if s.wild {
			s.audit(s.running()[0])
		}
	}
	return s, s.wrong()
}

// audit lets a node compare and repair.
func (s *story) audit(n *storyNode) {
	a := upkeep.NewAudit(n, s.settings, pooled)
	for zone, records := range s.server.records {
		a.Zone(zone)
		for name, there := range records {
			for _, r := range there {
				a.Record(zone, naming.Name(name), r.kind, []byte(r.data))
			}
		}
	}
	for _, key := range n.keys() {
		a.Binding(n.table[key])
	}
	for _, d := range a.Differences() {
		s.note("node %d finds %s", n.number, showDifferences([]upkeep.Difference{d}))
		if d.Repair != nil {
			n.queue = append(n.queue, queued{octets: d.Repair.Append(nil)})
		}
	}
	s.calm = true
	for len(n.queue) > 0 {
		n.step()
	}
}

// shrink leaves out all events without which it still ends badly.
func (o *tale) shrink(t *testing.T) {
	for size := len(o.events) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(o.events); {
			fewer := *o
			fewer.events = slices.Concat(o.events[:at], o.events[at+size:])
			if _, wrong := fewer.play(t); wrong != "" {
				*o = fewer
			} else {
				at += size
			}
		}
	}
}

// Three nodes come and go, and one of them may die for good; their clients ask, renew, turn to others, change their names and leave; tasks are
// done late, updates and answers get lost. In the end DNS holds what the clients have, and nothing else. Where also that happens which
// no task follows from, it does so after an audit.
func TestStory(t *testing.T) {
	for _, wild := range []bool{false, true} {
		for seed := range uint64(300) {
			o := tell(seed, wild)
			if _, wrong := o.play(t); wrong == "" {
				continue
			}
			o.shrink(t)
			s, wrong := o.play(t)
			t.Fatalf("seed %d, wild %v, node %d dies, %d events:\n%s\n%s", seed, wild, o.dies, len(o.events), strings.Join(s.trace, "\n"), wrong)
		}
	}
}
