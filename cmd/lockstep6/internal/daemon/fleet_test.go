package daemon

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/examples/fleet-inventory/inventory"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/admin/contract"
	"github.com/lockstep6/lockstep6/io/events/eventstest"
	"github.com/lockstep6/lockstep6/store"
)

// A broker is a NATS server that a test stops and starts, with the stream that nodes tell.
type broker struct {
	t      *testing.T
	folder string
	port   int
	*eventstest.NATS
}

func newEventBroker(t *testing.T) *broker {
	b := &broker{t: t, folder: t.TempDir()}
	b.NATS = eventstest.Start(t, b.folder, 0)
	b.port = b.Port()
	eventstest.AddStream(t, b.Connect(t))
	return b
}

func (b *broker) back() { b.NATS = eventstest.Start(b.t, b.folder, b.port) }

// events are all that the broker has, in order.
func (b *broker) events() (all []*inventory.Event) {
	b.t.Helper()
	for _, body := range eventstest.Messages(b.t, b.Connect(b.t)) {
		e, err := inventory.Parse(body)
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// told are a cluster's events without those of lists, in order.
func (b *broker) told(cluster string) (lines []string) {
	for _, e := range b.events() {
		if e.Cluster == cluster && !strings.HasPrefix(e.Event, "list-") {
			lines = append(lines, e.Event+" "+e.Lease)
		}
	}
	return lines
}

// has is what an inventory has of a cluster that follows the broker, however often it begins anew.
func (b *broker) has(cluster string) string {
	i := inventory.New()
	all := b.events()
	for at, e := range slices.Concat(all, all) {
		i.Take(e, "", uint64(at))
	}
	var leases []string
	for _, e := range i.Leases(cluster) {
		leases = append(leases, e.Lease)
	}
	slices.Sort(leases)
	return strings.Join(leases, " ")
}

// startFleet runs a single node that tells a broker of its prefixes.
func startFleet(t *testing.T, folder, cluster string, b *broker) *reloading {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "nats.password"), []byte(eventstest.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return startNode(t, folder, "", eventsOf(cluster, b.port))
}

func eventsOf(cluster string, port int) string {
	return hookedLink + "limits: {messages-per-client: {per-second: 0}}\n" + fmt.Sprintf(`events:
  cluster: %s
  on: prefixes
  timeout: 10s
  nats: {servers: ["nats://127.0.0.1:%d"], user: %s, password: file:nats.password}
`, cluster, port, eventstest.User)
}

// settled waits until a node has told everything.
func (r *reloading) settledEvents() {
	r.t.Helper()
	r.until("everything is told", func() bool {
		o := newOperator(r.Daemon).Outbox()
		return o.Up && o.Waiting == 0 && !o.Listing && o.Whole != nil
	})
}

// gone releases a client's prefix.
func (c *client) gone(prefix netip.Prefix) {
	c.t.Helper()
	c.send(wire.Release, ia(nil, wire.IAPD, prefix), true)
	c.receive()
}

// TestFleetFollows: two clusters tell one broker. While it is away clients are served as before; when it is back it is told all of it, of each client in order.
func TestFleetFollows(t *testing.T) {
	b := newEventBroker(t)
	nodes := []*reloading{startFleet(t, t.TempDir(), "ber1", b), startFleet(t, t.TempDir(), "muc1", b)}
	want, stands := make([][]string, 2), make([][]string, 2)
	serve := func(first, last byte) {
		for at, r := range nodes {
			for n := first; n <= last; n++ {
				c := r.client(n, "2001:db8:1::1")
				_, prefix := c.acquire()
				want[at] = append(want[at], "add "+prefix.String())
				if n%2 == 0 {
					c.gone(prefix)
					want[at] = append(want[at], "remove "+prefix.String())
					continue
				}
				stands[at] = append(stands[at], prefix.String())
			}
		}
	}
	for _, r := range nodes {
		r.settledEvents() // else leases would be told of by lists
	}
	serve(1, 6)
	for _, r := range nodes {
		r.settledEvents()
	}
	b.Stop()
	serve(7, 30)
	for at, r := range nodes {
		r.until("it is told that the broker is away", func() bool { return !newOperator(r.Daemon).Outbox().Up })
		// The addresses of 24 clients, their prefixes, and the ends of half of these.
		if o := newOperator(r.Daemon).Outbox(); o.Waiting != 60 || o.Octets == 0 || o.Error == "" {
			t.Errorf("node %d: %+v", at, o)
		}
	}
	b.back()
	for at, cluster := range []string{"ber1", "muc1"} {
		nodes[at].settledEvents()
		if diff := cmp.Diff(byLease(want[at]), byLease(b.told(cluster))); diff != "" {
			t.Errorf("%s was told (-want +got):\n%s", cluster, diff)
		}
		slices.Sort(stands[at])
		if got := b.has(cluster); got != strings.Join(stands[at], " ") {
			t.Errorf("an inventory has %s of %s, want %v", got, cluster, stands[at])
		}
		if !strings.Contains(nodes[at].log.String(), "id=events-recovered") {
			t.Errorf("the log of %s says %s", cluster, nodes[at].log)
		}
	}
}

// byLease puts lines of each lease behind one another, in their order.
func byLease(lines []string) []string {
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1]) })
	return lines
}

// TestFleetBound: beyond its bound the outbox loses the oldest, counts them, and the broker has a whole list when it is back.
func TestFleetBound(t *testing.T) {
	b := newEventBroker(t)
	r := startFleet(t, t.TempDir(), "ber1", b)
	r.settledEvents()
	b.Stop()
	if err := r.store.SetOutbox(t.Context(), store.Outbox{Most: 2048}); err != nil { // a MiB would take thousands of clients
		t.Fatal(err)
	}
	var stands []string
	for n := byte(1); n <= 60; n++ {
		c := r.client(n, "2001:db8:1::1")
		_, prefix := c.acquire()
		if n > 50 {
			stands = append(stands, prefix.String())
		} else {
			c.gone(prefix)
		}
	}
	before := *newOperator(r.Daemon).Outbox().Whole
	r.until("it is dropped down to the bound", func() bool { o := newOperator(r.Daemon).Outbox(); return o.Dropped > 0 && o.Octets <= 2048 })
	b.back()
	r.until("another whole list was told", func() bool { return newOperator(r.Daemon).Outbox().Whole.After(before) })
	r.settledEvents()
	slices.Sort(stands)
	if got := b.has("ber1"); got != strings.Join(stands, " ") {
		t.Errorf("an inventory has %s, want %v", got, stands)
	}
	if log := r.log.String(); !strings.Contains(log, "id=events-dropped") && !strings.Contains(log, "id=store-outbox-full") {
		t.Errorf("the log says %s", log)
	}
}

// TestFleetResend: a whole list that somebody asks for while the broker is away is told after a restart, and so is what waits.
func TestFleetResend(t *testing.T) {
	b, folder := newEventBroker(t), t.TempDir()
	r := startFleet(t, folder, "ber1", b)
	_, first := r.client(1, "2001:db8:1::1").acquire()
	r.settledEvents()
	lists := func() (ended int) {
		for _, e := range b.events() {
			if e.Event == "list-end" {
				ended++
			}
		}
		return ended
	}
	before := lists()
	b.Stop()
	if err := newOperator(r.Daemon).ResendOutbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.until("it has begun", func() bool { return newOperator(r.Daemon).Outbox().Listing })
	_, second := r.client(2, "2001:db8:1::1").acquire()
	r.end()
	r = startFleet(t, folder, "ber1", b)
	b.back()
	r.settledEvents()
	both := []string{first.String(), second.String()}
	slices.Sort(both)
	if got := lists(); got != before+1 || b.has("ber1") != strings.Join(both, " ") {
		t.Errorf("it was told %d lists behind %d, and has %s", got, before, b.has("ber1"))
	}
	r.end()
	r = startFleet(t, folder, "ber1", b)
	r.until("it is connected", func() bool { return newOperator(r.Daemon).Outbox().On })
	_, third := r.client(3, "2001:db8:1::1").acquire()
	r.until("it is told", func() bool { return strings.Contains(b.has("ber1"), third.String()) })
	if got := lists(); got != before+1 {
		t.Errorf("a restart has told a list")
	}
}

// TestFleetReload: events come and go while the node runs; without them nothing waits.
func TestFleetReload(t *testing.T) {
	b := newEventBroker(t)
	r := startFleet(t, t.TempDir(), "ber1", b)
	r.settledEvents()
	b.Stop()
	r.client(1, "2001:db8:1::1").acquire()
	reload := func(config string) {
		t.Helper()
		r.write(config)
		if _, err := r.Reload(t.Context(), admin.ReloadRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	reload(hookedLink)
	if o := newOperator(r.Daemon).Outbox(); o.On {
		t.Errorf("without events: %+v", o)
	}
	if stats := r.store.OutboxStats(); stats.Waiting != 0 || stats.Most != 0 {
		t.Errorf("without events: %+v", stats)
	}
	if err := newOperator(r.Daemon).ResendOutbox(t.Context()); err != admin.ErrNoEvents {
		t.Errorf("without events: %v", err)
	}
	_, second := r.client(2, "2001:db8:1::1").acquire()
	b.back()
	reload(eventsOf("ber2", b.port))
	r.settledEvents()
	if got := b.has("ber2"); !strings.Contains(got, second.String()) || len(strings.Fields(got)) != 2 {
		t.Errorf("with events again it has %s", got)
	}
}

// TestEventFiles: what a broker's connection needs is read again for each, and what is missing is refused with its field.
func TestEventFiles(t *testing.T) {
	folder := t.TempDir()
	file, crt, key := filepath.Join(folder, "lockstep6.yaml"), filepath.Join(folder, "node.pem"), filepath.Join(folder, "node.key")
	text := hookedLink + "events: {cluster: ber1, kafka: {brokers: [\"kafka.example.net:9093\"], tls: {authorities: node.pem, certificate: node.pem, key: node.key}}}\n"
	c, faults := config.Parse(file, []byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := CheckEvents(c, file); err == nil || !strings.Contains(err.Error(), "events.kafka.tls") || !strings.Contains(err.Error(), "node.pem") {
		t.Errorf("without files: %v", err)
	}
	read := tlsOf(c.Events.Kafka.TLS, file)
	var serials []string
	for serial := range int64(2) {
		if err := contract.WriteCertificate(crt, key, serial+1); err != nil {
			t.Fatal(err)
		}
		if err := CheckEvents(c, file); err != nil {
			t.Error(err)
		}
		secure, err := read()
		if err != nil {
			t.Fatal(err)
		}
		serials = append(serials, secure.Certificates[0].Leaf.SerialNumber.String())
	}
	if diff := cmp.Diff([]string{"1", "2"}, serials); diff != "" {
		t.Errorf("certificates (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(crt, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CheckEvents(c, file); err == nil || !strings.Contains(err.Error(), "has no certificate") {
		t.Errorf("with a file of nothing: %v", err)
	}
}

// TestEventOfCommit: an event says when its change was committed, and of whom it is.
func TestEventOfCommit(t *testing.T) {
	b := newEventBroker(t)
	r := startFleet(t, t.TempDir(), "ber1", b)
	r.settledEvents()
	began := r.second()
	c := r.client(1, "2001:db8:1::1")
	_, prefix := c.acquire()
	r.settledEvents()
	all := b.events()
	e := all[len(all)-1]
	if at := e.Time.Unix(); at < began.Unix() || at > r.second().Unix() || e.Version == 0 || e.ValidUntil == nil {
		t.Errorf("it was told %+v", e)
	}
	want := inventory.Event{
		Event: "add", ID: fmt.Sprintf("ber1//%s/%d/%d/0", prefix, e.Version, e.Time.Unix()), Cluster: "ber1", List: e.List, Version: e.Version, Time: e.Time,
		Lease: prefix.String(), Kind: "IA_PD", DUID: "00:03:00:01:02:00:00:00:00:01", IAID: "7", ValidUntil: e.ValidUntil, Hardware: "02:00:00:00:00:01", Link: "lan",
		LinkAddress: "2001:db8:1::1",
	}
	if diff := cmp.Diff(&want, e); diff != "" {
		t.Errorf("it was told (-want +got):\n%s", diff)
	}
}
