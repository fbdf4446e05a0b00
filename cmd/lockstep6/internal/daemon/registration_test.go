package daemon

import (
	"bytes"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// register has a host register an address that it gave itself, with a name where that isn't empty, and waits for the acknowledgement
// (RFC 9686, Section 4.3). The host's relay is the test's socket.
func (c *client) register(address string, valid uint32, host string) {
	c.t.Helper()
	addr := netip.MustParseAddr(address).As16()
	said := wire.AppendIAAddress(nil, &addr, valid/2, valid)
	options := said
	if host != "" {
		options = wire.AppendOption(options[:len(options):len(options)], wire.OptionClientFQDN, append([]byte{byte(naming.FlagS), byte(len(host))}, host...))
	}
	c.sendFrom(addr, wire.AddrRegInform, options, false)
	c.receive()
	if c.kind != wire.AddrRegReply || c.peer != addr || !bytes.Equal(c.said, said[4:]) {
		c.t.Errorf("a %s for %v with %x, want one for %s with %x", c.kind, netip.AddrFrom16(c.peer), c.said, address, said[4:])
	}
}

// registered lists the node's bindings of addresses that hosts registered, as LEASE STATE.
func (n *namingNode) registered() (list []string) {
	n.t.Helper()
	for _, l := range newOperator(n.Daemon).Leases(n.t.Context(), admin.Filter{}, admin.Position{}) {
		if l.Kind == "registered" {
			list = append(list, l.Lease+" "+l.State)
		}
	}
	slices.Sort(list)
	return list
}

// TestAddressRegistration: a host registers addresses, over UDP; they are kept, shown, named in DNS and counted, outlive the
// process, and end when the host says so or their lifetime is over.
func TestAddressRegistration(t *testing.T) {
	n := startNaming(t)
	n.reload(strings.Replace(n.config, "log: {leases: false}", "address-registration: {}", 1))
	one, two := n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1")
	one.register("2001:db8:1::aaaa", 3600, "laptop")
	one.register("2001:db8:1::bbbb", 3600, "laptop")
	two.register("2001:db8:1::cccc", 3600, "phone")
	a, b, c := in128("2001:db8:1::aaaa"), in128("2001:db8:1::bbbb"), in128("2001:db8:1::cccc")
	both := append(one.records("laptop", a), one.records("laptop", b)...)
	both = append(both[:4:4], both[5:]...) // one DHCID record for the name
	n.settled(n.server, both, two.records("phone", c))

	n.restart()
	n.wantRegistered("2001:db8:1::aaaa bound", "2001:db8:1::bbbb bound", "2001:db8:1::cccc bound")
	one, two = n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1")

	one.register("2001:db8:1::aaaa", 0, "")
	n.settled(n.server, one.records("laptop", b), two.records("phone", c))
	two.register("2001:db8:1::bbbb", 1800, "tablet")
	n.settled(n.server, two.records("tablet", b), two.records("phone", c))
	n.wantRegistered("2001:db8:1::aaaa released", "2001:db8:1::bbbb bound", "2001:db8:1::cccc bound")
	two.register("2001:db8:1::bbbb", 1800, "tablet")
	one.register("2001:db8:1::dddd", 1800, "")
	one.register("2001:db8:1::dddd", 0, "")
	for _, id := range []string{"address-registered", "address-ended", "address-moved"} {
		n.until("the log has a line "+id, func() bool { return strings.Contains(n.log.String(), "id="+id) })
	}
	n.wantCounted(one, two)
	repeated := one.sent + two.sent - 5
	s := newOperator(n.Daemon).snapshot()
	ended := s.Registering["ended"]
	if s.Registered != 4 || s.Registering["moved"] != 1 || ended < 2 || ended > 2+repeated || s.State.Answered["ADDR-REG-INFORM"] > 5+repeated {
		t.Errorf("%d registered, %v, answered %v, sent again %d times", s.Registered, s.Registering, s.State.Answered, repeated)
	}
	n.expire()
	n.settled(n.server)
	n.wantRegistered()
}

func (n *namingNode) wantRegistered(want ...string) {
	n.t.Helper()
	if got := strings.Join(n.registered(), ", "); got != strings.Join(want, ", ") {
		n.t.Errorf("registered: %s, want %s", got, strings.Join(want, ", "))
	}
}

// TestRegisteredIsNotAssigned: over UDP, an address of a pool that a host registered goes to no client, and one that a client has
// isn't registered.
func TestRegisteredIsNotAssigned(t *testing.T) {
	r := startNode(t, t.TempDir(), "", `listen: {addresses: ["[::1]:10547"]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::10-2001:db8:1::11"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
    address-registration: {}
`)
	r.client(1, "2001:db8:1::1").register("2001:db8:1::10", 3600, "")
	two := r.client(2, "2001:db8:1::1")
	if address, _ := two.acquire(); address != in128("2001:db8:1::11") {
		t.Errorf("got %v", address)
	}
	addr := netip.MustParseAddr("2001:db8:1::11").As16()
	two.sendFrom(addr, wire.AddrRegInform, wire.AppendIAAddress(nil, &addr, 100, 200), false)
	two.until(r, "it is dropped", func() bool { return newOperator(r.Daemon).State().Dropped[wire.DropLeased.String()] > 0 })
	h := r.table.NewHandle()
	defer h.Close()
	h.Enter()
	defer h.Leave()
	if found := h.Find(&binding.Key{Address: addr, Length: 128}); found == nil || found.Registered() {
		t.Errorf("the lease became %+v", found)
	}
}

// TestRegistrationsInTheLog: what a change of a registered address means is told by its times, its state and a flag.
func TestRegistrationsInTheLog(t *testing.T) {
	for _, test := range []struct {
		s    binding.Stored
		want string
	}{
		{binding.Stored{State: binding.Bound, Since: 5, LastTransaction: 5}, "address-registered"},
		{binding.Stored{State: binding.Bound, Since: 5, LastTransaction: 6}, "address-refreshed"},
		{binding.Stored{State: binding.Bound, Since: 5, LastTransaction: 5, Flags: engine.FlagMoved}, "address-moved"},
		{binding.Stored{State: binding.Released, Since: 5, LastTransaction: 5}, "address-ended"},
	} {
		var b bytes.Buffer
		test.s.Kind, test.s.DUID, test.s.Key.Length = wire.Registered, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}, 128
		newLeaseLog(slog.New(slog.NewTextHandler(&b, nil)), nil).event(&test.s)
		for _, want := range []string{"id=" + test.want + " ", "duid=00:03:00:01:02:00:00:00:00:01", "hardware=02:00:00:00:00:01"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s isn't in %s", want, &b)
			}
		}
	}
}
