package e2e

import (
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// ownServer is where the server of a lab without links listens.
const ownServer = "[::1]:10547"

const onLoopback = calm + `
listen: {addresses: ["` + ownServer + `"]}
links:
  - name: home
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: 2001:db8:1::/64}]
    prefixes: [{pool: "2001:db8:8000::/36", length: 56}]
`

// newLoopback makes a lab of one host on which both the server and our own clients are.
func newLoopback(t *testing.T) (*Server, *Agent) {
	t.Helper()
	h := NewLab(t).Host("server")
	return h.Serve(onLoopback), h.Agent(ownServer)
}

func status(o *dhcpv6.OptStatusCode) iana.StatusCode {
	if o == nil {
		return iana.StatusSuccess
	}
	return o.StatusCode
}

// RFC 9915, Section 18.3.3: whether the addresses of a Confirm are on the link, and only that.
func TestOwnConfirm(t *testing.T) {
	t.Parallel()
	_, agent := newLoopback(t)
	c := agent.Client("2001:db8:1::1", 1)
	for address, want := range map[string]iana.StatusCode{
		"2001:db8:1::77": iana.StatusSuccess,
		"2001:db8:2::77": iana.StatusNotOnLink,
	} {
		reply, err := c.Send(dhcpv6.MessageTypeConfirm, Lease{Address: netip.MustParseAddr(address)}, patience)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if got := status(reply.Options.Status()); got != want {
			t.Errorf("%s: status %v, want %v", address, got, want)
		}
	}
}

// RFC 9915, Section 18.3.8: a declined address goes to nobody, a restart of the server notwithstanding.
func TestOwnDecline(t *testing.T) {
	t.Parallel()
	s, agent := newLoopback(t)
	c := agent.Client("2001:db8:1::1", 1)
	first, err := c.Acquire(patience)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := c.Send(dhcpv6.MessageTypeDecline, Lease{Server: first.Server, Address: first.Address}, patience)
	if err != nil {
		t.Fatal(err)
	}
	wantSuccess(t, &Packet{Inner: reply})
	s.Kill()
	s.Start()
	second, err := c.Acquire(patience)
	if err != nil {
		t.Fatal(err)
	}
	if second.Address == first.Address {
		t.Errorf("the declined %v was given again", first.Address)
	}
	if second.Prefix != first.Prefix {
		t.Errorf("the prefix changed from %v to %v, though it wasn't declined", first.Prefix, second.Prefix)
	}
	third, err := c.Renew(second, patience)
	if err != nil {
		t.Fatal(err)
	}
	if third.Address != second.Address || third.Prefix != second.Prefix {
		t.Errorf("a Renew changed %v, %v to %v, %v", second.Address, second.Prefix, third.Address, third.Prefix)
	}
}

// A Release frees both leases, and the same client then gets the same ones: they are computed.
func TestOwnRelease(t *testing.T) {
	t.Parallel()
	_, agent := newLoopback(t)
	c := agent.Client("2001:db8:1::1", 1)
	l, err := c.Acquire(patience)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := c.Send(dhcpv6.MessageTypeRelease, l, patience)
	if err != nil {
		t.Fatal(err)
	}
	wantSuccess(t, &Packet{Inner: reply})
	again, err := c.Acquire(patience)
	if err != nil {
		t.Fatal(err)
	}
	if again.Address != l.Address || again.Prefix != l.Prefix {
		t.Errorf("after a Release the client got %v, %v; had %v, %v", again.Address, again.Prefix, l.Address, l.Prefix)
	}
}
