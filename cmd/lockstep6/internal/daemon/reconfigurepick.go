package daemon

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/class"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// maxReconfigured is how many clients one run can have: a client takes some 40 octets.
const maxReconfigured = 1 << 20

// A picked client is one of a run: a lease of it tells where it is and which key it has.
type picked struct {
	key   binding.Key
	ask   wire.MessageType // what it is asked for
	since binding.Time     // what renews its lease later than that is as good as an answer
	hash  uint64           // see reconfigure.Hash
}

// A picker finds whom a run is for.
type picker struct {
	d      *Daemon
	policy *policy.Policy
	names  *Owners

	duid        []byte            // nil: of any client
	lease       netip.Prefix      // invalid: any
	link        *policy.Link      // nil: any
	class       int               // negative: any
	prospects   *engine.Prospects // nil: stale or not
	evaluator   class.Evaluator
	ask         wire.MessageType
	since       binding.Time
	packet      wire.Packet
	extension   []byte
	seen        map[uint64]struct{} // clients by DUID and key: one DUID may be several clients of one host
	clients     []picked
	run         admin.ReconfigureRun
	found, full bool
}

// emptyPicker selects nobody yet.
func (d *Daemon) emptyPicker(in *policy.Policy, ask wire.MessageType) *picker {
	p := &picker{
		d: d, policy: in, names: d.owners.Load(), class: -1, ask: ask, since: worker.Time(d.clock()),
		seen: make(map[uint64]struct{}),
	}
	p.run.Peers = make(map[string]int)
	return p
}

// newPicker reads a request, which has been checked.
func (d *Daemon) newPicker(r *admin.ReconfigureRequest) (*picker, error) {
	p := d.emptyPicker(d.site.Load().Policy, asksFor[cmp.Or(r.Message, admin.ReconfigureMessages[0])])
	var err error
	switch {
	case p.policy.Reconfigure == nil:
		return nil, admin.ErrNoReconfigure
	case r.Client != "":
		p.run.Selection = "client " + r.Client
		p.duid, err = admin.ParseDUID(r.Client)
	case r.Lease != "":
		p.run.Selection = "lease " + r.Lease
		p.lease, err = admin.ParseLease(r.Lease)
	case r.Class != "":
		p.run.Selection = "class " + r.Class
		if p.class = slices.Index(p.policy.Classes.Names, r.Class); p.class < 0 {
			err = admin.ErrNoClass
		}
	case r.Link != "":
		p.run.Selection = "link " + r.Link
		at := slices.IndexFunc(p.policy.Links, func(l policy.Link) bool { return l.Name == r.Link })
		if at < 0 {
			return nil, admin.ErrNoLink
		}
		p.link = &p.policy.Links[at]
	default:
		p.run.Selection = "stale"
		p.prospects = engine.NewProspects(p.policy, p.policy)
	}
	return p, err
}

// pick walks through the table.
func (p *picker) pick() error {
	h := p.d.table.NewHandle()
	defer h.Close()
	now := worker.Time(p.d.clock())
	for shard := 0; shard < p.d.table.Shards() && !p.full; shard++ {
		h.Enter()
		h.Range(shard, func(r *binding.Record) bool {
			if r.State() == binding.Bound && r.Live(now) && !r.Registered() && p.selects(r) {
				p.take(r)
			}
			return !p.full
		})
		h.Leave()
	}
	p.run.Clients = len(p.clients)
	switch {
	case p.full:
		return fmt.Errorf("%w: %d", admin.ErrTooMany, maxReconfigured)
	case !p.found && (p.duid != nil || p.lease.IsValid()):
		return admin.ErrNobody
	}
	return nil
}

// selects tells whether the run is for the record's client.
func (p *picker) selects(r *binding.Record) bool {
	key := r.Key()
	switch {
	case p.duid != nil:
		return string(r.DUID()) == string(p.duid)
	case p.lease.IsValid():
		return p.lease == netip.PrefixFrom(netip.AddrFrom16(key.Address), int(key.Length))
	case p.prospects != nil:
		return p.stale(r)
	case p.link != nil:
		return p.linkOf(r, &key) == p.link
	default:
		link := p.linkOf(r, &key)
		index, reserved := -1, false
		if link != nil {
			index, reserved = link.Index, link.Reservation(&p.packet) != nil
		}
		p.evaluator.Begin(p.policy.Classes.Set, &p.packet, index, reserved)
		return p.evaluator.Is(p.class)
	}
}

// stale tells whether the record's client gets another lease at its next Renew. Its lease may be another link's by now: what counts is
// the link that its next message is from, as far as what is kept tells.
func (p *picker) stale(r *binding.Record) bool {
	if link := p.heardOn(r); link != nil {
		return p.prospects.On(r, link) != engine.FateKept
	}
	_, fate := p.prospects.Of(r)
	return fate != engine.FateKept
}

// linkOf is the link that a record's client is on: that of its lease, or where the lease is on none any more that of its relay; nil:
// that isn't known. It makes the packet what is known of the client's message.
func (p *picker) linkOf(r *binding.Record, key *binding.Key) *policy.Link {
	heard := p.heardOn(r)
	if at := p.policy.LinkOf(r.Kind(), &key.Address, key.Length); at >= 0 {
		return &p.policy.Links[at]
	}
	return heard
}

// heardOn makes the packet what is known of the client's message, and tells which link that is from; nil: that isn't known, or none.
func (p *picker) heardOn(r *binding.Record) *policy.Link {
	p.extension = r.AppendExtension(p.extension[:0])
	kept := binding.Extension(p.extension)
	p.packet.RelayCount, p.packet.Message = 1, wire.Message{Type: wire.Renew, ClientID: r.DUID()}
	relay := &p.packet.Relays[0]
	*relay = wire.Relay{}
	if address, ok := kept.Find(binding.ExtLinkAddress); ok && len(address) == len(relay.LinkAddress) {
		relay.LinkAddress = [16]byte(address)
	}
	relay.ClientLinkLayer, _ = kept.Find(binding.ExtHardwareAddress)
	relay.RemoteID, _ = kept.Find(binding.ExtRemoteID)
	relay.SubscriberID, _ = kept.Find(binding.ExtSubscriberID)
	relay.RelayID, _ = kept.Find(binding.ExtRelayID)
	relay.InterfaceID, _ = kept.Find(binding.ExtInterfaceID)
	var listen uint16
	if name, ok := kept.Find(binding.ExtInterface); ok {
		listen = uint16(1 + slices.Index(p.policy.Interfaces, string(name)))
	}
	return p.policy.SelectLink(&p.packet, listen)
}

// take puts the record's client among those of the run, or says why it can't be.
func (p *picker) take(r *binding.Record) {
	p.found = true
	if engine.Observed(r) {
		name := p.names[r.Owner()]
		if name == "" {
			name = "unknown"
		}
		p.run.Peers[name]++
		return
	}
	piece := r.AppendPiece(nil, binding.ExtReconfigure)
	if len(piece) != reconfigure.AcceptanceSize {
		p.run.Unwilling++
		return
	}
	p.extension = r.AppendExtension(p.extension[:0])
	way, _, ok := reconfigure.WayTo(nil, p.extension, nil)
	if _, known := p.d.interfaceOf(&way); !ok || !known {
		p.run.Unreachable++
		return
	}
	one := reconfigure.Hash(p.d.shared.Seed, append(piece[4:], r.DUID()...))
	if _, twice := p.seen[one]; twice {
		return
	}
	if p.full = len(p.clients) == maxReconfigured; p.full {
		return
	}
	p.seen[one] = struct{}{}
	p.clients = append(p.clients, picked{r.Key(), p.ask, p.since, reconfigure.Hash(p.d.shared.Seed, r.DUID())})
}
