package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/limit"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestScripts runs the exchanges in testdata: each file is a readable session for one rule. Commands:
//
//	config [node=NAME] [capacity=N] [reserve=N]   the YAML of a configuration; starts over with empty tables
//	reload                 the YAML of another configuration, over the tables as they are
//	node NAME              goes on at another node of the cluster, with a table of its own
//	send [times=N]         a message, one word or option a line (see message); prints the (last) reply as an
//	                       independent library reads it, or why there is none
//	clients N [from=K]     the message from N clients, whose DUIDs end with K+1, K+2, ...; prints how many got
//	                       leases, and fails if two got the same one
//	time +SECONDS          lets time pass, at all nodes; +0.5 is half a second
//	sync [off]             makes what was written durable; off: stops doing so by itself
//	table [full]           prints the bindings; full: with what is kept of relays and hardware
//	news                   prints what the last message's changes tell of what they begin and end
//	count                  prints how many there are
//	peers                  prints what was heard of messages for others
//	view                   prints what the node makes of that: gate, health, divergence, conflicts, relays
//	tick                   what the daemon does once a second
//	absent seconds=N       the node comes back after an absence
//	begun                  the node starts with an empty store
//	gap                    the node may have missed something
//	told                   bindings as a peer tells of them, one a line (see toldLine); prints what became of each
//	caught-up              all peers have told all they know
//	store broken|whole     whether the journal can write
//	sweep [grace=SECONDS]  reclaims what has ended
//	pin [off]              a reader that stays in its batch, so that no replaced record is reclaimed
//	contend [off]          another worker handles each message between the engine's choice and its claim
//
// The key is fixed, so the addresses are. Rewrite the expectations with -rewrite and read the difference.
// Whatever a reply says, it must keep the rules in checkReply.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := new(script)
		datadriven.RunTest(t, path, s.run)
	})
	// The worker drops what is too old, whose sender sends too much, and what the disk held for too long, and counts what the kernel refuses.
	elsewhere := map[wire.Drop]bool{
		wire.DropNone: true, wire.DropOverload: true, wire.DropSend: true, wire.DropHeld: true,
		wire.DropRelayRate: true, wire.DropNeighbourRate: true, wire.DropShare: true, wire.DropFlood: true,
	}
	for drop, seen := range drops {
		if d := wire.Drop(drop); !seen && !elsewhere[d] {
			t.Errorf("no script produces the drop %s", d)
		}
	}
}

// A script is the nodes of one file.
type script struct {
	text    string
	options binding.Options
	nodes   map[string]*session
	session *session
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "config":
		var node string
		s.options = binding.Options{Capacity: 10000}
		d.MaybeScanArgs(t, "node", &node)
		d.MaybeScanArgs(t, "capacity", &s.options.Capacity)
		d.MaybeScanArgs(t, "reserve", &s.options.Reserve)
		s.text, s.nodes, s.session = d.Input, make(map[string]*session), nil
		return s.node(t, node)
	case "reload":
		s.text = d.Input
		for name, node := range s.nodes {
			node.install(t, mustCompile(t, s.text, name))
		}
		return s.describe()
	case "node":
		return s.node(t, d.CmdArgs[0].Key)
	case "time":
		seconds, err := strconv.ParseFloat(strings.TrimPrefix(d.CmdArgs[0].Key, "+"), 64)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		for _, node := range s.nodes {
			at := node.now.Moment() + node.millis + binding.Moment(seconds*1000)
			node.now, node.millis = at.Time(), at%1000
		}
		return ""
	case "send":
		return s.send(t, d)
	case "clients":
		return s.clients(t, d)
	default:
		return s.session.run(t, d)
	}
}

// node goes on at a node, and starts it if need be.
func (s *script) node(t *testing.T, name string) string {
	t.Helper()
	node := s.nodes[name]
	if node == nil {
		node = sessionOver(t, mustCompile(t, s.text, name), s.options)
		node.engine.Limit(limit.NewTable(64))
		if s.session != nil {
			node.now, node.millis = s.session.now, s.session.millis
		}
		s.nodes[name] = node
	}
	s.session = node
	return s.describe()
}

func (s *script) describe() string {
	p := s.session.site.Policy
	return fmt.Sprintf("links %d pools %d\n", len(p.Links), len(p.Pools))
}

func (s *script) send(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	m, err := parseMessage(d.Input, s.session)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	times := 1
	d.MaybeScanArgs(t, "times", &times)
	var text string
	for range times {
		text = s.session.send(t, m)
	}
	return text
}

// clients sends the message from many clients.
func (s *script) clients(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	n, err := strconv.Atoi(d.CmdArgs[0].Key)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	from, served := 0, 0
	d.MaybeScanArgs(t, "from", &from)
	holders := make(map[binding.Key]int)
	for i := from + 1; i <= from+n; i++ {
		m, err := parseMessage(fmt.Sprintf("%s\nduid=00030001%012x", d.Input, i), s.session)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		result := s.session.handleOne(m.input())
		if result.Drop != wire.DropNone {
			d.Fatalf(t, "client %d: %s", i, result.Drop)
		}
		leases := leasesOf(t, result.Reply)
		for _, l := range leases {
			if other, ok := holders[l.key]; ok && result.Durable {
				d.Fatalf(t, "clients %d and %d both got %v", other, i, l.key)
			}
			holders[l.key] = i
		}
		if len(leases) > 0 {
			served++
		}
	}
	return fmt.Sprintf("%d served, %d not\n", served, n-served)
}

// run does what concerns one node only.
func (s *session) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "sync":
		s.autoSync = !d.HasArg("off")
		s.settle()
	case "store":
		s.broken = d.HasArg("broken")
	case "sweep":
		grace := 0
		d.MaybeScanArgs(t, "grace", &grace)
		_, n := s.sweeper.Sweep(s.site, s.now, uint32(grace), 1<<20, nil)
		return fmt.Sprintf("reclaimed %d\n", n)
	case "pin":
		if d.HasArg("off") {
			s.pin.Close()
			break
		}
		s.pin = s.table.NewHandle()
		s.pin.Enter()
	case "contend":
		s.contends = !d.HasArg("off")
		s.contend(false, nil)
	case "table":
		return s.dump(d.HasArg("full"))
	case "count":
		return s.count()
	case "news":
		return s.tidings(t)
	case "peers":
		return s.heard()
	case "tick":
		s.site.View.Tick(s.now.Moment() + s.millis)
	case "absent":
		seconds := 0
		d.ScanArgs(t, "seconds", &seconds)
		s.site.View.Gate.Returned(s.now-binding.Time(seconds), s.now)
	case "begun":
		s.site.View.Gate.Begun(s.now)
	case "gap":
		s.site.View.Gate.CloseAll(s.now, peer.ReasonDrops)
	case "told":
		return s.told(t, d.Input)
	case "caught-up":
		s.site.View.Gate.Inquire().End(slices.Repeat([]bool{true}, len(s.site.Policy.Links)), s.now)
	case "view":
		return s.describeView()
	default:
		d.Fatalf(t, "no command %s", d.Cmd)
	}
	return ""
}

func (s *session) heard() (text string) {
	for i := range s.site.Policy.Nodes {
		for _, m := range []wire.MessageType{wire.Request, wire.Renew, wire.Release, wire.Decline, wire.InformationRequest} {
			if n := s.site.View.Messages(i, m); n > 0 {
				text += fmt.Sprintf("%s: %s %d\n", s.site.Policy.Nodes[i].Name, m, n)
			}
		}
	}
	return text
}

func (s *session) send(t *testing.T, m *message) string {
	t.Helper()
	in := m.input()
	if s.contends {
		s.contend(true, in)
	}
	result := s.handleOne(in)
	drops[result.Drop] = true
	if result.Drop != wire.DropNone {
		if result.Reply != nil {
			t.Errorf("dropped as %s, with a reply", result.Drop)
		}
		return "dropped: " + result.Drop.String() + "\n"
	}
	s.last = result.Reply
	if err := checkReply(in.Data, result.Reply, s.site.Policy.ServerID); err != nil {
		t.Error(err)
	}
	text := describeReply(t, result.Reply)
	if m.relays == 0 && result.Port != wire.ClientPort || m.relays > 0 && result.Port != wire.ServerPort {
		text += fmt.Sprintf("to port %d\n", result.Port)
	}
	if result.Durable {
		text += "waits for the disk\n"
	}
	return text
}
