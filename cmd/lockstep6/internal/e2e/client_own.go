package e2e

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// errUnanswered says that no answer came in time.
var errUnanswered = errors.New("no answer")

const (
	// repeatAfter is when an own client repeats a message: sooner than real ones (RFC 9915, Section 7.6), for the tests' time.
	repeatAfter = 250 * time.Millisecond
	// offersWithin is how long an own client with several servers waits for a better Advertise: about as long as real ones.
	offersWithin = time.Second
)

// An OwnClient is a gateway that wants one address and one prefix, or a host that wants an address only.
type OwnClient struct {
	agent *Agent
	link  netip.Addr
	mac   net.HardwareAddr
	peer  netip.Addr
	only  dhcpv6.DUID // the server whose Advertises it takes; nil: any

	offers time.Duration // for how long it waits for a better Advertise; 0: offersWithin

	duid dhcpv6.DUID     // that of the host that this is another interface of; nil: its own
	more []dhcpv6.Option // in each message
	host bool
}

// Client makes the agent's nth client on the link of an address.
func (a *Agent) Client(link string, n uint32) *OwnClient {
	c := &OwnClient{agent: a, link: netip.MustParseAddr(link), mac: net.HardwareAddr{2, 0, 0, 0, 0, 0}}
	binary.BigEndian.PutUint32(c.mac[2:], n)
	peer := [16]byte{0xfe, 0x80, 8: 0x00, 11: 0xff, 12: 0xfe}
	copy(peer[8:], c.mac[:3])
	copy(peer[13:], c.mac[3:])
	c.peer = netip.AddrFrom16(peer)
	return c
}

// DUID is the client's, a DUID-LL.
func (c *OwnClient) DUID() dhcpv6.DUID {
	if c.duid != nil {
		return c.duid
	}
	return &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: c.mac}
}

// iaid is that of both IAs: each interface of a host has its own.
func (c *OwnClient) iaid() [4]byte {
	if c.duid != nil {
		return [4]byte(c.mac[2:])
	}
	return [4]byte{0, 0, 0, 1}
}

// A Lease is what an OwnClient was told that it has.
type Lease struct {
	Server  dhcpv6.DUID
	Address netip.Addr
	Prefix  netip.Prefix
}

// message makes a message with the IAs of the client; what the lease names is asked for.
func (c *OwnClient) message(kind dhcpv6.MessageType, l Lease) (*dhcpv6.Message, error) {
	m, err := dhcpv6.NewMessage(dhcpv6.WithClientID(c.DUID()), dhcpv6.WithOption(dhcpv6.OptElapsedTime(0)))
	if err != nil {
		return nil, err
	}
	m.MessageType = kind
	for _, o := range c.more {
		m.AddOption(o)
	}
	if l.Server != nil {
		m.AddOption(dhcpv6.OptServerID(l.Server))
	}
	na := &dhcpv6.OptIANA{IaId: c.iaid()}
	if l.Address.IsValid() {
		na.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: l.Address.AsSlice()})
	}
	m.AddOption(na)
	if c.host || kind == dhcpv6.MessageTypeConfirm || kind == dhcpv6.MessageTypeDecline {
		return m, nil // the two are about addresses only
	}
	pd := &dhcpv6.OptIAPD{IaId: c.iaid()}
	if l.Prefix.IsValid() {
		pd.Options.Add(&dhcpv6.OptIAPrefix{Prefix: &net.IPNet{IP: l.Prefix.Addr().AsSlice(), Mask: net.CIDRMask(l.Prefix.Bits(), 128)}})
	}
	m.AddOption(pd)
	return m, nil
}

// Send asks one kind of message about a lease, again and again within the limit.
func (c *OwnClient) Send(kind dhcpv6.MessageType, l Lease, limit time.Duration) (*dhcpv6.Message, error) {
	m, err := c.message(kind, l)
	if err != nil {
		return nil, err
	}
	answers, end := c.agent.listen(question{c.peer, m.TransactionID})
	defer end()
	if err := c.agent.forward(c.link, c.peer, m); err != nil {
		return nil, err
	}
	began, over := time.Now(), time.After(limit)
	repeat := time.NewTicker(repeatAfter)
	defer repeat.Stop()
	var best *dhcpv6.Message
	var chosen <-chan time.Time // a better Advertise has had its time
	for {
		select {
		case answer := <-answers:
			if final := c.weigh(answer, l, &best); final || kind == dhcpv6.MessageTypeRelease {
				return best, nil
			}
			if best != nil && chosen == nil && kind == dhcpv6.MessageTypeSolicit {
				chosen = time.After(cmp.Or(c.offers, offersWithin))
			}
		case <-chosen:
			return best, nil
		case <-repeat.C:
			m.UpdateOption(dhcpv6.OptElapsedTime(time.Since(began)))
			if err := c.agent.forward(c.link, c.peer, m); err != nil {
				return nil, err
			}
		case <-over:
			if best != nil {
				return best, nil
			}
			return nil, errUnanswered
		}
	}
}

// weigh compares an answer with the best one so far. RFC 9915, Section 18.2.9: the Advertise with the highest preference
// wins, and one of 255 at once; one that offers nothing counts for nothing. Section 18.2.10.1: a client goes on with a
// Renew or Rebind whose Reply says nothing of one of its IAs.
func (c *OwnClient) weigh(answer *dhcpv6.Message, l Lease, best **dhcpv6.Message) (final bool) {
	if len(c.agent.servers) == 1 {
		*best = answer
		return true
	}
	if answer.MessageType != dhcpv6.MessageTypeAdvertise {
		*best = answer
		_, whole := l.updated(answer)
		return whole
	}
	if c.only != nil && !c.only.Equal(answer.Options.ServerID()) {
		return false
	}
	if _, err := c.readLease(answer, dhcpv6.MessageTypeAdvertise); err != nil {
		return false
	}
	if *best == nil || answer.Options.Preference() > (*best).Options.Preference() {
		*best = answer
	}
	return answer.Options.Preference() == 255 || c.only != nil
}

// Acquire does Solicit, Advertise, Request, Reply.
func (c *OwnClient) Acquire(limit time.Duration) (Lease, error) {
	advertise, err := c.Send(dhcpv6.MessageTypeSolicit, Lease{}, limit)
	if err != nil {
		return Lease{}, err
	}
	offer, err := c.readLease(advertise, dhcpv6.MessageTypeAdvertise)
	if err != nil {
		return Lease{}, err
	}
	return c.extend(dhcpv6.MessageTypeRequest, offer, limit)
}

// Renew extends a lease and returns what the server says that it is now.
func (c *OwnClient) Renew(l Lease, limit time.Duration) (Lease, error) {
	return c.extend(dhcpv6.MessageTypeRenew, l, limit)
}

func (c *OwnClient) extend(kind dhcpv6.MessageType, l Lease, limit time.Duration) (Lease, error) {
	reply, err := c.Send(kind, l, limit)
	if err != nil {
		return Lease{}, err
	}
	return c.readLease(reply, dhcpv6.MessageTypeReply)
}

// readLease reads the one address and the one prefix of an answer; a host's has no prefix.
func (c *OwnClient) readLease(m *dhcpv6.Message, kind dhcpv6.MessageType) (Lease, error) {
	p := &Packet{Inner: m}
	addresses, prefixes := granted(p), delegations(p)
	if c.host && len(prefixes) == 0 {
		prefixes = append(prefixes, netip.Prefix{})
	}
	if m.MessageType != kind || len(addresses) != 1 || len(prefixes) != 1 {
		return Lease{}, fmt.Errorf("want a %v with one address and one prefix, got\n%s", kind, m.Summary())
	}
	return Lease{m.Options.ServerID(), addresses[0], prefixes[0]}, nil
}

// updated is what the client has after a Reply to its Renew or Rebind. What the Reply leaves out stays as it was, and
// whole is false then; what comes back with lifetimes 0 alone is gone.
func (l Lease) updated(m *dhcpv6.Message) (now Lease, whole bool) {
	p := &Packet{Inner: m}
	now, whole = Lease{m.Options.ServerID(), l.Address, l.Prefix}, true
	if addresses := granted(p); len(addresses) > 0 {
		now.Address = addresses[0]
	} else if slices.Contains(named(p), l.Address) {
		now.Address = netip.Addr{}
	} else {
		whole = false
	}
	if prefixes := delegations(p); len(prefixes) > 0 {
		now.Prefix = prefixes[0]
	} else if slices.Contains(withdrawn(p), l.Prefix) {
		now.Prefix = netip.Prefix{}
	} else if l.Prefix.IsValid() {
		whole = false
	}
	return now, whole
}

// retry repeats a question that stays unanswered, as clients do, until the deadline.
func retry(deadline time.Time, ask func() (Lease, error)) (Lease, error) {
	for {
		l, err := ask()
		if !errors.Is(err, errUnanswered) || time.Now().After(deadline) {
			return l, err
		}
	}
}
