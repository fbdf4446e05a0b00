package engine_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestScripts runs the exchanges in testdata: each file is a readable session for one rule. Commands:
//
//	config [node=NAME]     the YAML of a configuration; starts over with an empty table
//	send                   a message, one word or option a line (see message); prints the reply as an
//	                       independent library reads it, or why there is none
//	time +SECONDS          lets time pass
//	sync [off]             makes what was written durable; off: stops doing so by itself
//	table                  prints the bindings
//	store broken|whole     whether the journal can write
//	sweep                  reclaims what has ended
//
// The key is fixed, so the addresses are. Rewrite the expectations with -rewrite and read the difference.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		var s *session
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "config" {
				s = newSession(t, d)
				return s.describe()
			}
			return s.run(t, d)
		})
	})
}

// A session is one engine over one table.
type session struct {
	table    *binding.Table
	handle   *binding.Handle
	marks    *engine.Marks
	peers    *peer.Tally
	engine   *engine.Engine
	site     *engine.Site
	sweeper  *engine.Sweeper
	now      binding.Time
	sequence uint64
	autoSync bool
	unsynced []binding.Mark
	broken   bool
	last     []byte // the last reply
}

// key is the agreement key of all scripts: 1, 2, 3, ... 32.
func key() (k [32]byte) {
	for i := range k {
		k[i] = byte(i + 1)
	}
	return k
}

var singleDUID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}

func newSession(t *testing.T, d *datadriven.TestData) *session {
	t.Helper()
	var node string
	d.MaybeScanArgs(t, "node", &node)
	c, faults := config.Parse("script.yaml", []byte(d.Input))
	if len(faults) > 0 {
		d.Fatalf(t, "%v", faults)
	}
	p, err := policy.Compile(c, policy.Input{
		Node: node, SingleKey: key(), SingleDUID: singleDUID,
		Resolve: func(config.Secret) ([]byte, error) { k := key(); return k[:], nil },
	})
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return sessionOver(t, p)
}

func sessionOver(t testing.TB, p *policy.Policy) *session {
	t.Helper()
	table, err := binding.New(binding.Options{Capacity: 10000})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{table: table, marks: new(engine.Marks), peers: peer.NewTally(len(p.Nodes)), now: 800_000_000, autoSync: true}
	s.handle = table.NewHandle()
	s.engine = engine.New(table.NewHandle(), s.marks, s.peers)
	s.sweeper = engine.NewSweeper(table.NewHandle(), s.marks)
	if s.site, err = engine.NewSite(p, s.handle, table.Shards()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *session) describe() string {
	p := s.site.Policy
	return fmt.Sprintf("links %d pools %d\n", len(p.Links), len(p.Pools))
}

func (s *session) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "send":
		m, err := parseMessage(d.Input, s)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		return s.send(t, m)
	case "time":
		seconds, err := strconv.ParseUint(strings.TrimPrefix(d.CmdArgs[0].Key, "+"), 10, 32)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.now += binding.Time(seconds)
		return ""
	case "sync":
		s.autoSync = !d.HasArg("off")
		s.settle()
		return ""
	case "store":
		s.broken = d.HasArg("broken")
		return ""
	case "sweep":
		_, n := s.sweeper.Sweep(s.site, s.now, 0, 1<<20, nil)
		return fmt.Sprintf("reclaimed %d\n", n)
	case "table":
		return s.dump()
	default:
		d.Fatalf(t, "no command %s", d.Cmd)
		return ""
	}
}

func (s *session) settle() {
	for _, m := range s.unsynced {
		s.marks.Settle(m)
	}
	s.unsynced = nil
}

// handleOne runs one datagram as a batch of its own.
func (s *session) handleOne(in *engine.Input) engine.Result {
	mark := engine.NewMark(1, s.sequence+1)
	s.engine.Begin(s.site, s.now, mark, !s.broken, nil)
	result := s.engine.Handle(in, make([]byte, 0, engine.MaxReply))
	s.engine.End()
	if s.engine.Count > 0 {
		s.sequence++
		s.unsynced = append(s.unsynced, mark)
		if s.autoSync {
			s.settle()
		}
	}
	return result
}

func (s *session) send(t *testing.T, m *message) string {
	t.Helper()
	result := s.handleOne(m.input())
	if result.Drop != wire.DropNone {
		return "dropped: " + result.Drop.String() + "\n"
	}
	s.last = result.Reply
	text := describeReply(t, result.Reply)
	if result.Durable {
		text += "waits for the disk\n"
	}
	return text
}

func (s *session) dump() string {
	var lines []string
	s.handle.Enter()
	defer s.handle.Leave()
	for shard := range s.table.Shards() {
		s.handle.Range(shard, func(r *binding.Record) bool {
			k := r.Key()
			left := "for ever"
			if r.Expires() != binding.Time(wire.Infinity) {
				left = fmt.Sprintf("%d s", int64(r.Expires())-int64(s.now))
			}
			lines = append(lines, fmt.Sprintf("%s/%d %s iaid=%d duid=%x %s, %s\n",
				netip.AddrFrom16(k.Address), k.Length, r.Kind(), r.IAID(), r.DUID(), r.State(), left))
			return true
		})
	}
	return sorted(lines)
}
