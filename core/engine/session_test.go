package engine_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
)

// start is the time at which tests begin.
const start = binding.Time(800_000_000)

// agreementKey is the key of all tests: 1, 2, 3, ... 32.
func agreementKey() (k [32]byte) {
	for i := range k {
		k[i] = byte(i + 1)
	}
	return k
}

var singleDUID = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}

// compile makes the policy of one node from the text of a configuration.
func compile(text, node string) (*policy.Policy, error) {
	c, faults := config.Parse("script.yaml", []byte(text))
	if len(faults) > 0 {
		return nil, faults
	}
	p, err := policy.Compile(c, policy.Input{
		Node: node, SingleKey: agreementKey(), SingleDUID: singleDUID,
		Resolve: func(config.Secret) ([]byte, error) { k := agreementKey(); return k[:], nil },
	})
	if err == nil && p.Reconfigure != nil {
		p.Reconfigure.Secret = agreementKey()
	}
	return p, err
}

func mustCompile(t testing.TB, text, node string) *policy.Policy {
	t.Helper()
	p, err := compile(text, node)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A session is one engine over one table.
type session struct {
	table    *binding.Table
	handle   *binding.Handle
	marks    *engine.Marks
	engine   *engine.Engine
	shared   *reconfigure.Shared
	site     *engine.Site
	sweeper  *engine.Sweeper
	now      binding.Time
	millis   binding.Moment // behind now
	sequence uint64
	autoSync bool
	unsynced []binding.Mark
	broken   bool
	last     []byte // the last reply
	pin      *binding.Handle
	contends bool
	rivals   int
}

func sessionOver(t testing.TB, p *policy.Policy, options binding.Options) *session {
	t.Helper()
	table, err := binding.New(options)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{table: table, marks: new(engine.Marks), now: start, autoSync: true}
	s.handle = table.NewHandle()
	s.engine = engine.New(table.NewHandle(), s.marks)
	s.shared = new(reconfigure.Shared)
	s.shared.Replay.Reserved(math.MaxUint64)
	s.engine.Share(s.shared)
	s.sweeper = engine.NewSweeper(table.NewHandle(), s.marks)
	s.install(t, p)
	return s
}

// install makes p the policy in force.
func (s *session) install(t testing.TB, p *policy.Policy) {
	t.Helper()
	site, err := engine.NewSite(p, engine.NewView(p, engine.Memory{}, testCapacity), s.handle, s.table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	s.site = site
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
	s.engine.Begin(s.site, s.now.Moment()+s.millis, mark, !s.broken, nil)
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

// contend lets another worker handle each message between the engine's choice and its claim.
func (s *session) contend(on bool, in *engine.Input) {
	if !on {
		s.engine.Interfere(nil)
		return
	}
	rival := engine.New(s.table.NewHandle(), s.marks)
	s.engine.Interfere(func() {
		s.rivals++
		rival.Begin(s.site, s.now.Moment()+s.millis, engine.NewMark(2, uint64(s.rivals)), true, nil)
		rival.Handle(in, make([]byte, 0, engine.MaxReply))
		rival.End()
	})
}

// records calls f with all records, in no order.
func (s *session) records(f func(r *binding.Record)) {
	s.handle.Enter()
	defer s.handle.Leave()
	for shard := range s.table.Shards() {
		s.handle.Range(shard, func(r *binding.Record) bool {
			f(r)
			return true
		})
	}
}

func (s *session) dump(full bool) string {
	var lines []string
	s.records(func(r *binding.Record) {
		k := r.Key()
		left := "for ever"
		if r.Expires() != binding.Never {
			left = fmt.Sprintf("%d s", int64(r.Expires())-int64(s.now))
		}
		line := fmt.Sprintf("%s/%d %s iaid=%s duid=%x %s, %s\n",
			netip.AddrFrom16(k.Address), k.Length, r.Kind(), iaidText(r.IAID(), r.Anonymous()), r.DUID(), r.State(), left)
		if id := r.Identity(); id.Derived {
			line = strings.TrimSuffix(line, "\n") + fmt.Sprintf(", known by %x number %d\n", id.DUID, id.IAID)
		}
		if engine.Observed(r) {
			line = strings.TrimSuffix(line, "\n") + s.describeObserved(r) + "\n"
		} else if r.Flags()&engine.FlagConfirmed != 0 {
			line = strings.TrimSuffix(line, "\n") + ", confirmed\n"
		}
		if full {
			line += describeExtension(r.AppendExtension(nil))
		}
		lines = append(lines, line)
	})
	return sorted(lines)
}

func iaidText(iaid uint32, unknown bool) string {
	if unknown {
		return "unknown"
	}
	return strconv.FormatUint(uint64(iaid), 10)
}

// describeObserved says whose binding it is, and how sure that is.
func (s *session) describeObserved(r *binding.Record) string {
	text := ", observed at a node unknown"
	if node, ok := s.site.View.Node(r.Owner()); ok {
		text = ", observed at " + s.site.Policy.Nodes[node].Name
	}
	for _, f := range []struct {
		flag uint8
		name string
	}{{engine.FlagStrong, " strong"}, {engine.FlagConfirmed, " confirmed"}} {
		if r.Flags()&f.flag != 0 {
			text += f.name
		}
	}
	return text
}

// count is how many records there are by state, without naming them.
func (s *session) count() string {
	var n [8]int
	s.records(func(r *binding.Record) {
		if r.State() == binding.Bound && !r.Live(s.now) {
			n[0]++
			return
		}
		n[r.State()]++
	})
	return fmt.Sprintf("bound %d ended %d released %d declined %d superseded %d\n",
		n[binding.Bound], n[0], n[binding.Released], n[binding.Declined], n[binding.Superseded])
}

var extensionNames = map[binding.ExtensionKind]string{
	binding.ExtRemoteID: "remote-id", binding.ExtSubscriberID: "subscriber-id", binding.ExtRelayID: "relay-id",
	binding.ExtInterfaceID: "interface-id", binding.ExtHardwareAddress: "hardware", binding.ExtIdentity: "identity",
	binding.ExtPeerAddress: "peer-address", binding.ExtLinkAddress: "link-address", binding.ExtInterface: "interface", binding.ExtRelayChain: "relay-chain",
	binding.ExtFQDN: "name", binding.ExtReconfigure: "reconfigure", binding.ExtReturn: "return", binding.ExtReturnInterface: "return-interface",
}

func describeExtension(x binding.Extension) string {
	var lines []string
	for kind, data, rest, ok := x.Next(); ok; kind, data, rest, ok = rest.Next() {
		text := octets(data)
		if kind == binding.ExtFQDN {
			text = describeKept(data)
		}
		lines = append(lines, fmt.Sprintf("  %s %s\n", extensionNames[kind], text))
	}
	return strings.Join(lines, "")
}

// serverID is a node's DUID by its name; "ours": this server's; or any DUID in hex. Not ok: the cluster has no such node.
func (s *session) serverID(name string) (duid []byte, ok bool) {
	p := s.site.Policy
	for i := range p.Nodes {
		if p.Nodes[i].Name == name {
			return p.Nodes[i].ServerID, true
		}
	}
	if name == "ours" {
		return p.ServerID, true
	}
	duid, err := hex.DecodeString(name)
	return duid, err == nil
}

// drops are the reasons that scripts have produced.
var drops [wire.DropCount]bool
