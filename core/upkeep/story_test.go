package upkeep_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A story is three nodes, their clients, and the DNS server.
type story struct {
	t        *testing.T
	settings *upkeep.Settings
	server   *dnsServer
	nodes    []*storyNode
	clients  []*storyClient
	now      binding.Time
	random   *rand.Rand // of the event at hand
	calm     bool       // nothing gets lost any more
	wild     bool       // what only an audit can put right happens too
	trace    []string
}

// A storyClient is one IA of a client. Two of them may be of one client, and have its name in common.
type storyClient struct {
	duid   []byte
	iaid   uint32
	name   string
	key    binding.Key
	server int          // that it renews with
	until  binding.Time // when its lease ends; 0: it has none
	heard  binding.Time // when it last got an answer
}

// An event is what happens next, and the seed of how. So what is left when others are taken out happens as before.
type event struct {
	kind eventKind
	seed uint64
}

type eventKind int

const (
	eventAsk eventKind = iota
	eventRelease
	eventRename
	eventCrash
	eventReturn
	eventPass
	eventWork
	eventKinds
)

func newStory(t *testing.T) *story {
	s := &story{t: t, settings: settingsOf(t, false), server: newServer(t, testZones...), now: 1000, random: rand.New(rand.NewPCG(0, 0))}
	for i := range 3 {
		s.nodes = append(s.nodes, &storyNode{story: s, number: i, up: true, table: map[binding.Key]*binding.Stored{}})
	}
	for i := range 4 {
		c := &storyClient{duid: []byte{0, 3, 0, 1, byte('a' + i/2*2 + i%2)}, name: fmt.Sprintf("c%d.example.net.", i)}
		if i == 3 { // the third one's other interface
			c.duid, c.iaid, c.name = s.clients[2].duid, 1, s.clients[2].name
		}
		s.clients = append(s.clients, c)
	}
	// Between two updates of one node others do theirs, and some updates or answers get lost.
	s.server.before = func(int, *upkeep.Update) (upkeep.Answer, error) {
		if node := s.nodes[s.random.IntN(3)]; node.up && s.random.IntN(3) == 0 {
			node.step()
		}
		return upkeep.NoError, s.lose()
	}
	s.server.after = func(int) error { return s.lose() }
	return s
}

func (s *story) lose() error {
	if !s.calm && s.random.IntN(10) == 0 {
		return errLost
	}
	return nil
}

func (s *story) note(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf("%d ", s.now)+fmt.Sprintf(format, args...))
}

func showJob(j *upkeep.Job) string { return showJobs([]upkeep.Job{*j}) }

// running are the nodes that are up.
func (s *story) running() (up []*storyNode) {
	for _, n := range s.nodes {
		if n.up {
			up = append(up, n)
		}
	}
	return up
}

func (s *story) happen(e event) {
	s.random = rand.New(rand.NewPCG(e.seed, 2))
	c, n := s.clients[s.random.IntN(len(s.clients))], s.nodes[s.random.IntN(3)]
	switch e.kind {
	case eventAsk:
		s.ask(c, n)
	case eventRelease:
		s.release(c)
	case eventRename:
		s.rename(c, fmt.Sprintf("%s-%d.example.net.", c.name[:2], s.random.IntN(3)))
	case eventCrash:
		if n.up && len(s.running()) > 1 {
			s.note("node %d crashes with %d tasks", n.number, len(n.queue))
			if n.up = false; s.now >= n.listen { // else it has missed something since it left before
				n.left = s.now
			}
			for i := range n.queue {
				n.queue[i].tried = false
			}
		}
	case eventReturn:
		s.comeBack(n)
	case eventPass:
		for range 1 + s.random.IntN(15) {
			s.pass()
		}
	case eventWork:
		for _, node := range s.running() {
			for range s.random.IntN(4) {
				node.step()
			}
		}
	}
}

func (s *story) comeBack(n *storyNode) {
	if !n.up && !n.dead {
		s.note("node %d returns", n.number)
		n.up, n.back, n.listen = true, s.now, s.now+storyT1+2*storyStep
	}
}

// ask lets a client ask a node for a lease, anew or for the one that it knows the client to have.
func (s *story) ask(c *storyClient, n *storyNode) {
	if !n.up {
		return
	}
	key, found := binding.Key{}, false
	for _, b := range n.of(c) {
		if !s.wild && b.Owner == 0 && b.State == binding.Bound && n.live(&b) && c.until == 0 {
			return // it gave up elsewhere what this node still takes for its own: what follows from a new Request is no news here
		}
		// A node takes nothing over that it may have missed the end of.
		if n.live(&b) && b.State == binding.Bound && (b.Owner == 0 || !n.Missed(b.LastTransaction) && s.random.IntN(2) == 0) {
			key, found = b.Key, true
		}
	}
	for slot := byte(1); !found && slot <= 3; slot++ {
		key = address(0, byte(n.number)*16+slot)
		found = n.free(key)
	}
	if found && !s.doubtful(c, key) {
		s.note("%v/%d asks node %d and gets %d", c.name, c.iaid, n.number, key.Address[15])
		s.serve(c, key, n, false)
	}
}

// doubtful tells whether a lease is another client's, unknown to who would grant it, which is another story; or was that of another IA
// of the same client, which has the same records: no node can tell what is left of one from what is the other's.
func (s *story) doubtful(c *storyClient, key binding.Key) bool {
	return slices.ContainsFunc(s.clients, func(other *storyClient) bool {
		return other != c && other.key == key && (other.until > s.now || string(other.duid) == string(c.duid))
	}) || slices.ContainsFunc(s.nodes, func(n *storyNode) bool {
		b := n.table[key]
		return b != nil && string(b.DUID) == string(c.duid) && b.IAID != c.iaid
	})
}

// serve lets a node answer a Request or a Renew, which the others overhear.
func (s *story) serve(c *storyClient, key binding.Key, n *storyNode, renew bool) {
	if n.up {
		if b := n.table[key]; b != nil && n.live(b) && !sameIA(b, new(c.binding(key, s.now))) {
			c.until = 0 // another client's: it is told so
			return
		}
		n.grant(c, key)
		c.key, c.server, c.until, c.heard = key, n.number, s.now+storyValid, s.now
	}
	for _, other := range s.running() {
		if other != n {
			other.overhear(c, key, n.number, renew)
		}
	}
}

func (s *story) release(c *storyClient) {
	n := s.nodes[c.server]
	if c.until <= s.now || !n.up {
		return
	}
	s.note("%v/%d releases %d", c.name, c.iaid, c.key.Address[15])
	c.until = 0
	for _, node := range s.running() {
		if b := node.table[c.key]; b != nil && granted(b) && sameIA(b, new(c.binding(c.key, s.now))) && (node == n) == (b.Owner == 0) {
			node.end(*b)
		}
	}
}

// rename gives a client, with all its IAs, another name, which it tells when it renews. Its servers answer: a name that only others hear may
// stand beside the one that the server knows until an audit finds it.
func (s *story) rename(c *storyClient, name string) {
	same := func(other *storyClient) bool { return string(other.duid) == string(c.duid) }
	if !s.wild && slices.ContainsFunc(s.clients, func(other *storyClient) bool { return same(other) && !s.nodes[other.server].up }) {
		return
	}
	for _, other := range s.clients {
		if same(other) {
			other.name = name
			if other.until > s.now {
				s.note("%v/%d is its name from now on", name, other.iaid)
				s.renew(other)
			}
		}
	}
}

func (s *story) renew(c *storyClient) { s.serve(c, c.key, s.nodes[c.server], true) }

// pass lets some seconds pass: clients renew or rebind, nodes reclaim.
func (s *story) pass() {
	s.now += storyStep
	for _, c := range s.clients {
		switch {
		case c.until <= s.now:
			c.until = 0
		case s.now >= c.heard+storyT2:
			s.rebind(c)
		case s.now >= c.heard+storyT1:
			s.renew(c)
		}
	}
	for _, n := range s.running() {
		n.sweep()
	}
}

// rebind lets those answer whose own lease it is, and one more at random. The client takes one of the answers.
func (s *story) rebind(c *storyClient) {
	up := s.running()
	chosen := s.random.IntN(len(up))
	for i, n := range up {
		b := n.table[c.key]
		live := b != nil && n.live(b)
		mine := live && sameIA(b, new(c.binding(c.key, s.now)))
		switch {
		case live && !mine:
		case mine && b.Owner == 0 && b.State == binding.Bound || i == chosen:
			s.note("%v/%d rebinds %d, node %d answers", c.name, c.iaid, c.key.Address[15], n.number)
			n.grant(c, c.key)
			c.server, c.until, c.heard = n.number, s.now+storyValid, s.now
		default:
			n.remember(c, c.key)
		}
	}
}

// settle lets all nodes but the dead one return, and time pass until nothing is left to do.
func (s *story) settle() {
	s.random, s.calm = rand.New(rand.NewPCG(7, 7)), true
	for _, n := range s.nodes {
		s.comeBack(n)
	}
	for range 3 * storyValid / storyStep {
		s.pass()
		s.drain()
	}
	s.calm = false
}

// drain lets all nodes do all tasks that don't have to wait.
func (s *story) drain() {
	for _, n := range s.running() {
		for range len(n.queue) {
			n.step()
		}
	}
}

// die ends a node for good. What it had to do it has done.
func (s *story) die(n *storyNode) {
	s.settle()
	s.note("node %d dies", n.number)
	n.up, n.dead, n.queue = false, true, nil
}

// wrong tells what DNS holds beside what the clients have, and the other way round; empty: nothing.
func (s *story) wrong() string {
	want := newServer(s.t, testZones...)
	named := map[string]bool{}
	for _, c := range s.clients {
		if c.until > s.now {
			if !named[c.name] {
				fill(s.t, want, hold(dhcid(c.name, c.duid)))
			}
			named[c.name] = true
			fill(s.t, want, hold(aaaa(c.name, c.key), ptr(c.key, c.name)))
		}
	}
	var b strings.Builder
	for _, n := range s.nodes {
		if len(n.queue) > 0 {
			fmt.Fprintf(&b, "node %d has %d tasks left\n", n.number, len(n.queue))
		}
	}
	has, wants := s.server.all(), want.all()
	for _, line := range has {
		if !slices.Contains(wants, line) {
			fmt.Fprintf(&b, "too much: %s\n", line)
		}
	}
	for _, line := range wants {
		if !slices.Contains(has, line) {
			fmt.Fprintf(&b, "missing:  %s\n", line)
		}
	}
	return b.String()
}
