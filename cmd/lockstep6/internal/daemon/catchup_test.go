package daemon

import (
	"bytes"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/store"
)

// A returned is node b, back from a long absence.
type returned struct {
	*Daemon
	p    *policy.Policy
	gate *peer.Gate
	log  bytes.Buffer
	path string // of its store
}

func newReturned(t *testing.T) *returned {
	t.Helper()
	d, p := nodeB(t)
	r := &returned{Daemon: d, p: p, gate: d.site.Load().View.Gate, path: t.TempDir()}
	c, faults := config.Parse("test.yaml", []byte(threeNodes))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	d.inForce, d.marks, d.started = &candidate{config: c, policy: p}, new(engine.Marks), time.Now()
	d.log = slog.New(slog.NewTextHandler(&r.log, nil))
	d.leaseLog = newLeaseLog(slog.New(slog.DiscardHandler), nil)
	var err error
	if d.store, err = store.Open(store.Options{Path: r.path, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.store.Close(); err != nil {
			t.Error(err)
		}
	})
	r.gate.Returned(testNow-5000, testNow)
	return r
}

// peers are a and c, who granted a lease each; and what c heard of b's own.
func (r *returned) peers() (a, c *told) {
	a = &told{id: r.p.Nodes[0].ServerID, now: testNow, last: testNow - 100, grants: map[byte][]byte{1: r.p.Nodes[0].ServerID}}
	c = &told{id: r.p.Nodes[2].ServerID, now: testNow, last: testNow - 100, grants: map[byte][]byte{2: r.p.Nodes[2].ServerID, 3: r.p.ServerID}}
	return a, c
}

// catchUp asks a and c at addresses, three times where need be.
func (r *returned) catchUp(t *testing.T, a, c netip.AddrPort) {
	t.Helper()
	r.inForce.config.Cluster.Nodes[0].Leasequery, r.inForce.config.Cluster.Nodes[2].Leasequery = a, c
	up := newCatchUp(r.Daemon)
	if up == nil {
		t.Fatal("nobody is asked")
	}
	up.pauses, up.shown = []time.Duration{0, 0, 0}, 0
	up.run(t.Context())
	if r.asking.Load() {
		t.Error("the node seems still to ask")
	}
}

// owners are the owners of the living leases in the table, by client.
func (r *returned) owners(t *testing.T) map[byte]uint8 {
	t.Helper()
	h := r.table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	out := make(map[byte]uint8)
	for shard := range r.table.Shards() {
		h.Range(shard, func(rec *binding.Record) bool {
			if !r.marks.Durable(rec.Mark()) {
				t.Error("a binding is taken for not durable after its write")
			}
			out[rec.DUID()[2]] = rec.Owner()
			return true
		})
	}
	return out
}

// TestCatchUp: told by all peers, a node is up to date at once: it has their leases as observed, and its own as its own.
func TestCatchUp(t *testing.T) {
	r := newReturned(t)
	a, c := r.peers()
	r.catchUp(t, a.serve(t, nil), c.serve(t, nil))
	got := r.owners(t)
	if len(got) != 3 || got[1] != 1 || got[2] != 2 || got[3] != peer.Self {
		t.Errorf("owners by client %v", got)
	}
	if r.gate.BackSeat(testNow) || !r.gate.Open(0, testNow) || !strings.Contains(r.log.String(), "id=caught-up links=1 of=1 leases.new=3 ") {
		t.Errorf("still in the back seat, or listening:\n%s", r.log.String())
	}
}

// TestToldName: a lease's name is its own; whoever isn't told one leaves it to the rules.
func TestToldName(t *testing.T) {
	const name = "\x01\x04host\x03net\x00"
	for _, fqdn := range [][]byte{[]byte(name), nil} {
		told := toldOf(new(query.Data), &query.Association{FQDN: fqdn}, new(query.Answer), testNow)
		if string(told.Name) != string(fqdn) {
			t.Errorf("told %q, taken %q", fqdn, told.Name)
		}
	}
	if !strings.Contains(string(toldOptions), string([]byte{0, byte(wire.OptionClientFQDN)})) {
		t.Error("nobody asks for names")
	}
}

// TestCatchUpIncomplete: what peers tell is taken; but as long as one hasn't told all, the node listens as it did, and says why.
func TestCatchUpIncomplete(t *testing.T) {
	dead := deadPort(t)
	for name, test := range map[string]struct {
		change func(r *returned, c *told)
		dead   bool
		leases int
		want   string
	}{
		"dead":         {func(*returned, *told) {}, true, 1, "refused"},
		"no address":   {func(*returned, *told) {}, false, 1, "missing=[c]"},
		"gap":          {func(_ *returned, c *told) { c.gap = true }, false, 3, "missing=\"[c: it has missed something itself]\""},
		"other server": {func(r *returned, c *told) { c.id = r.p.ServerID }, false, 1, "another server answers there"},
		"new gap":      {func(r *returned, c *told) { c.during = func() { r.gate.CloseAll(testNow, peer.ReasonDrops) } }, false, 3, "links=0 of=1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReturned(t)
			a, c := r.peers()
			test.change(r, c)
			at := dead
			if !test.dead && name != "no address" {
				at = c.serve(t, nil)
			} else if !test.dead {
				at = netip.AddrPort{}
			}
			r.catchUp(t, a.serve(t, nil), at)
			if got := r.owners(t); len(got) != test.leases {
				t.Errorf("leases by client %v, want %d", got, test.leases)
			}
			if !r.gate.BackSeat(testNow) || r.gate.Open(0, testNow) || !strings.Contains(r.log.String(), test.want) {
				t.Errorf("up to date, or without %q in the log:\n%s", test.want, r.log.String())
			}
		})
	}
}

// TestCatchUpHidden: of a peer that hides IAIDs it isn't known which leases it granted, so they are in nobody's name.
func TestCatchUpHidden(t *testing.T) {
	r := newReturned(t)
	a, c := r.peers()
	c.hidden = []wire.OptionCode{wire.OptionIANA, wire.OptionIAPD}
	r.catchUp(t, a.serve(t, nil), c.serve(t, nil))
	if got := r.owners(t); len(got) != 3 || got[1] != 1 || got[2] != peer.Unnamed || got[3] != peer.Unnamed {
		t.Errorf("owners by client %v", got)
	}
	if r.gate.BackSeat(testNow) || !strings.Contains(r.log.String(), "id=catch-up-no-iaid leases=2\n") {
		t.Errorf("still in the back seat, or without a word of IAIDs:\n%s", r.log.String())
	}
}

// TestCatchUpSince: after a short absence only what changed is asked for, unless the peer's clock is another one.
func TestCatchUpSince(t *testing.T) {
	for skew, want := range map[binding.Time]int{0: 1, 250: 1, maxSkew + 1: 2} {
		r := newReturned(t)
		r.knew = testNow - 20
		a, c := r.peers()
		old := &told{id: a.id, now: testNow + skew, last: testNow + skew - 1000, grants: a.grants}
		c.grants = map[byte][]byte{2: c.id}
		r.catchUp(t, old.serve(t, nil), c.serve(t, nil))
		if got := r.owners(t); len(got) != want || r.gate.BackSeat(testNow) {
			t.Errorf("clock %d s off: leases by client %v, want %d", skew, got, want)
		}
	}
}

// TestCatchUpEvidence: to a node that began with an empty store a peer's word shows that the cluster isn't new.
func TestCatchUpEvidence(t *testing.T) {
	r := newReturned(t)
	r.site.Load().View.Gate = peer.NewGate([]uint32{1500}, nil, 300)
	r.gate = r.site.Load().View.Gate
	r.gate.Begun(testNow)
	a, c := r.peers()
	c.gap = true
	r.catchUp(t, a.serve(t, nil), c.serve(t, nil))
	if !r.gate.BackSeat(testNow) || r.gate.Open(0, testNow) {
		t.Errorf("neither in the back seat nor listening:\n%s", r.log.String())
	}
}

// TestCatchUpSecured: with leasequery.tls peers are asked by TLS, and see this node's certificate.
func TestCatchUpSecured(t *testing.T) {
	dir := t.TempDir()
	secure := certificate(t, dir)
	for _, plain := range []bool{false, true} {
		r := newReturned(t)
		r.options.ConfigFile = filepath.Join(dir, "test.yaml")
		r.inForce.config.Leasequery = &config.Leasequery{TLS: &config.LeasequeryTLS{Certificate: "node.pem", Key: "node.key", Authorities: "node.pem"}}
		a, c := r.peers()
		serving := secure
		if plain {
			serving = nil // such a peer could be anybody
		}
		r.catchUp(t, a.serve(t, secure), c.serve(t, serving))
		if r.gate.BackSeat(testNow) != plain {
			t.Errorf("a peer without TLS: %t; in the back seat: %t\n%s", plain, !plain, r.log.String())
		}
	}
}
