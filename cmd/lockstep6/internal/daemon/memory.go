package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/worker"
)

// Names in the store's meta space of what a node remembers of its cluster.
const (
	metaCluster   = "cluster.memory"    // JSON of clusterMemory
	metaHeartbeat = "cluster.heartbeat" // binding.Time, 4 octets, big-endian: when the node last served
	metaWhole     = "cluster.whole"     // the same: when it last knew of no gap in what it had heard; and 8 octets of its fingerprint
	metaLost      = "cluster.lost"      // binding.Time likewise: until when it doesn't know what it granted before it lost its store; 0: it does
)

// clusterMemory outlives the process and changes of the configuration.
type clusterMemory struct {
	// Owners gives each server that was ever a peer a number of its own, 1 to 254, by its DUID in hexadecimal. Records
	// in the store name their owner by it, so that it must not depend on the order of nodes.
	Owners map[string]uint8 `json:"owners"`
	// Longest is the longest T1 ever granted on a link, in seconds, by the link's name.
	Longest map[string]uint32 `json:"longest_t1"`
}

// remember brings what the node remembers up to date with a policy, writes it where it changed, and returns it for a view,
// with the owners' names.
func (d *Daemon) remember(ctx context.Context, p *policy.Policy) (out engine.Memory, owners *Owners, err error) {
	before, _ := d.store.Meta(metaCluster)
	m, err := readMemory(before)
	if err != nil {
		return out, nil, err
	}
	out.Longest = m.Longest
	for i := range p.Nodes {
		owner := uint8(peer.Self)
		if i != p.Self {
			if owner, err = m.owner(hex.EncodeToString(p.Nodes[i].ServerID)); err != nil {
				return out, nil, err
			}
		}
		out.Owners = append(out.Owners, owner)
	}
	for i := range p.Links {
		l := &p.Links[i]
		_, served := m.Longest[l.Name]
		out.Served = append(out.Served, served)
		m.Longest[l.Name] = max(m.Longest[l.Name], l.LongestRenew)
	}
	names, err := m.names(nodeNames(p))
	if err != nil {
		return out, nil, err
	}
	_, _ = rand.Read(out.Salt[:]) // never fails, by its documentation
	after, err := json.Marshal(m)
	if err != nil || p.Single || string(after) == string(before) {
		return out, &names, err
	}
	return out, &names, d.keep(ctx, metaCluster, after)
}

// owner is the number of the server with that DUID; a new one gets the next.
func (m *clusterMemory) owner(duid string) (uint8, error) {
	if n, ok := m.Owners[duid]; ok {
		return n, nil
	}
	if len(m.Owners) == peer.Unnamed-1 {
		return 0, errors.New("the store remembers 254 servers of this cluster and has no number left for another; start this node with an empty data folder")
	}
	n := uint8(len(m.Owners) + 1)
	m.Owners[duid] = n
	return n, nil
}

// greet tells the view how long the node was away. A store without heartbeat and bindings is a new node's.
func (d *Daemon) greet(p *policy.Policy, view *peer.View) {
	now := worker.Time(d.clock())
	beat, ok := d.store.Meta(metaHeartbeat)
	switch {
	case ok && len(beat) == 4:
		from := min(binding.Time(binary.BigEndian.Uint32(beat)), now)
		whole, _ := d.store.Meta(metaWhole)
		d.knew = min(knewUntil(whole, p.Fingerprint[:]), from)
		view.Gate.Returned(from, now)
		if len(whole) >= 4 {
			view.Gate.ReturnedAgain(binding.Time(binary.BigEndian.Uint32(whole)), now)
		} else {
			view.Gate.Begins(d.lostUntil(), now)
		}
		d.log.Info("back after an absence: listening to clients of other nodes", "id", "node-back",
			"away", (time.Duration(now-from) * time.Second).String(), "back_seat", view.Gate.BackSeat(now))
	case d.table.Stats().Live > 0:
		view.Gate.Returned(0, now)
	default:
		view.Gate.Begun(now)
	}
}

// lostUntil is what the store has under metaLost; 0: nothing.
func (d *Daemon) lostUntil() binding.Time {
	b, _ := d.store.Meta(metaLost)
	if len(b) != 4 {
		return 0
	}
	return binding.Time(binary.BigEndian.Uint32(b))
}

// knewUntil is when the node last knew of no gap; 0: it isn't known, or there may be leases now that it wouldn't have taken in then.
func knewUntil(whole, fingerprint []byte) binding.Time {
	if len(whole) != 4+8 || !bytes.HasPrefix(fingerprint, whole[4:]) {
		return 0
	}
	return binding.Time(binary.BigEndian.Uint32(whole))
}

// beat writes that the node serves now, and that it knows of no gap if so.
func (d *Daemon) beat(ctx context.Context) error {
	now, site := worker.Time(d.clock()), d.site.Load()
	at := binary.BigEndian.AppendUint32(nil, uint32(now))
	err := d.store.PutMeta(ctx, metaHeartbeat, at)
	gate := site.View.Gate
	lost := gate.LostUntil(now)
	if err == nil && lost != d.lostUntil() {
		err = d.store.PutMeta(ctx, metaLost, binary.BigEndian.AppendUint32(nil, uint32(lost)))
	}
	if err != nil || !gate.Whole(now) {
		return err
	}
	return d.store.PutMeta(ctx, metaWhole, append(at, site.Policy.Fingerprint[:8]...))
}
