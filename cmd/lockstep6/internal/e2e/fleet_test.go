package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lockstep6/lockstep6/examples/fleet-inventory/inventory"
	"github.com/lockstep6/lockstep6/io/events/eventstest"
)

// Where the fleet's NATS server listens, on a host of its own.
const (
	brokerHost    = "10.99.0.1"
	brokerPort    = 4222
	brokerAddress = "10.99.0.1:4222"
)

// brokerFolder is the variable by which this test program knows that it is to be a NATS server, and where its files are.
const brokerFolder = "LOCKSTEP6_TEST_NATS"

// A fleetBroker is a NATS server in a process of its own.
type fleetBroker struct {
	*Process
	host *Host
	argv []string
}

// newFleetBroker runs a NATS server on a host: this program, once more.
func newFleetBroker(t *testing.T, host *Host) *fleetBroker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &fleetBroker{host: host, argv: []string{"env", brokerFolder + "=" + host.File("jetstream"), self}}
	b.Start()
	eventstest.AddStream(t, b.connect(t))
	return b
}

// Start starts the server, again after Kill, with the files that it left.
func (b *fleetBroker) Start() { b.Process = b.host.Start("nats", b.argv...) }

// Dial connects from the broker's own host; it is what the NATS client dials by.
func (b *fleetBroker) Dial(network, address string) (conn net.Conn, err error) {
	err = b.host.Inside(func() error {
		conn, err = net.DialTimeout(network, address, patience)
		return err
	})
	return conn, err
}

func (b *fleetBroker) connect(t *testing.T) jetstream.JetStream {
	t.Helper()
	var conn *nats.Conn
	b.host.eventually("the broker to listen", func() (ok bool) {
		var err error
		conn, err = nats.Connect("nats://"+brokerAddress, nats.SetCustomDialer(b))
		return err == nil
	})
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// A toldNode is one of a cluster of its own that tells the broker.
type toldNode struct {
	*Server
	cluster string
	crowd   *Crowd
}

func newToldNode(t *testing.T, l *Lab, segment *Segment, n int) *toldNode {
	t.Helper()
	name := fmt.Sprint("cluster", n)
	h := l.Host(name)
	h.Plug(segment, "eth0", fmt.Sprintf("10.99.0.%d/24", 10+n))
	config := onLoopback + fmt.Sprintf("limits: {messages-per-client: {per-second: 0}}\nevents: {cluster: %s, timeout: 2s, nats: {servers: [\"nats://%s\"]}}\n", name, brokerAddress)
	s := h.Serve(config)
	return &toldNode{s, name, NewCrowd(t, h.Agent(ownServer), "2001:db8:1::1", nil)}
}

// outbox is what the command tells.
func (n *toldNode) outbox() (o struct {
	Up       bool
	Waiting  int
	Dropped  uint64 `json:"changes_dropped"`
	Listing  bool
	LastList *time.Time `json:"last_list"`
}) {
	out := n.Command("outbox", "--data", n.Data(), "--format", "json")
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		n.host.lab.t.Fatalf("%v: %s", err, out)
	}
	return o
}

// settled waits until all that the node has to tell was taken.
func (n *toldNode) settled() {
	n.host.lab.t.Helper()
	n.host.eventually("the broker to have everything", func() bool {
		o := n.outbox()
		return o.Up && o.Waiting == 0 && !o.Listing
	})
}

// TestFleet: nodes of two clusters tell one broker. It is killed again and again, and so is a node while its outbox is full: clients are served all the
// time, of each lease the broker has all that happened in its order, without a list that would make losses good, and an inventory has what the stores have.
func TestFleet(t *testing.T) {
	t.Parallel()
	rounds, come := uint32(2), uint32(40)
	if os.Getenv("FLEETTEST") == "all" {
		rounds, come = 8, 300
	}
	l := NewLab(t)
	segment, host := l.Segment("net"), l.Host("broker")
	host.Plug(segment, "eth0", "10.99.0.1/24")
	b := newFleetBroker(t, host)
	nodes := []*toldNode{newToldNode(t, l, segment, 1), newToldNode(t, l, segment, 2)}
	for _, n := range nodes {
		n.host.eventually("the broker to have the first list", func() bool { return n.outbox().LastList != nil })
	}
	want := make([]map[string][]string, len(nodes)) // what happened to each lease of each cluster
	for at := range want {
		want[at] = map[string][]string{}
	}
	for round := range rounds {
		first := firstOwn + round*come
		b.Kill()
		for at, n := range nodes {
			n.crowd.Acquire(between(first, first+come))
			noteEvents(want[at], n.crowd, between(first, first+come), "add")
			noteEvents(want[at], n.crowd, between(first, first+come/4), "remove")
			n.crowd.Release(between(first, first+come/4))
		}
		nodes[0].host.eventually("the node to know that the broker is away", func() bool { return !nodes[0].outbox().Up })
		if o := nodes[0].outbox(); o.Waiting < int(come*2) || o.Dropped > 0 {
			t.Errorf("round %d, while the broker is away: %+v", round, o)
		}
		nodes[0].Kill()
		nodes[0].Server.Start()
		if o := nodes[0].outbox(); o.Waiting < int(come*2) {
			t.Errorf("round %d, after the node was killed: %+v", round, o)
		}
		b.Start()
		if round%2 == 1 { // in the middle of telling, perhaps
			nodes[0].Kill()
			nodes[0].Server.Start()
		}
		for _, n := range nodes {
			n.settled()
		}
	}
	js := b.connect(t)
	i, lists, got := inventory.New(), map[string]int{}, []map[string][]string{{}, {}}
	seen := map[string]bool{}
	for at, body := range eventstest.Messages(t, js) {
		e, err := inventory.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		i.Take(e, eventstest.Stream, uint64(at)+1)
		if again := seen[e.ID]; again {
			continue
		}
		seen[e.ID] = true
		cluster := slices.IndexFunc(nodes, func(n *toldNode) bool { return n.cluster == e.Cluster })
		switch e.Event {
		case "list-end":
			lists[e.Cluster]++
		case "add", "remove", "change":
			got[cluster][e.Lease] = append(got[cluster][e.Lease], e.Event)
		}
	}
	for at, n := range nodes {
		if lists[n.cluster] != 1 {
			t.Errorf("%s has told %d lists", n.cluster, lists[n.cluster])
		}
		if diff := cmp.Diff(want[at], got[at]); diff != "" {
			t.Errorf("%s has told (-want +got):\n%s", n.cluster, diff)
		}
		n.Stop()
		var has, stored []string
		for _, e := range i.Leases(n.cluster) {
			has = append(has, e.Lease+" "+strings.ReplaceAll(e.DUID, ":", ""))
		}
		for lease, holding := range n.stored() {
			text := strings.TrimSuffix(lease.String(), "/128")
			stored = append(stored, text+" "+holding.DUID)
		}
		slices.Sort(stored)
		slices.Sort(has)
		if diff := cmp.Diff(stored, has); diff != "" {
			t.Errorf("an inventory has of %s (-want +got):\n%s", n.cluster, diff)
		}
	}
}

// noteEvents notes what is to be told of clients' leases.
func noteEvents(into map[string][]string, crowd *Crowd, numbers []uint32, what string) {
	for _, n := range numbers {
		l, _ := crowd.book.lease(n)
		for _, lease := range []string{l.Address.String(), l.Prefix.String()} {
			into[lease] = append(into[lease], what)
		}
	}
}
