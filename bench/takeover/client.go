package takeover

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// A kind of lease: an index into a client's.
const (
	anAddress = iota
	aPrefix
	kinds
)

// A client is a gateway that wants an address and a prefix.
type client struct {
	number int
	relay  *relay
	rng    *rand.Rand
	times  *times
	leases [kinds]netip.Prefix // what it holds; an address has 128 bits
}

// times are how a message is sent again (RFC 9915, Section 15).
type times struct {
	ask     time.Duration // IRT of Solicit, Request and Renew
	rebind  time.Duration // IRT of Rebind
	silence time.Duration // MRD of all: then nobody answers
}

func newClient(number int, r *relay, t *times, seed uint64) *client {
	return &client{number: number, relay: r, times: t, rng: rand.New(rand.NewPCG(seed, uint64(number)))}
}

// duid is the client's: a DUID-LL whose hardware address holds its number.
func (c *client) duid() dhcpv6.DUID {
	return &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: binary.BigEndian.AppendUint32([]byte{2, 0}, uint32(c.number))}
}

// iaids are the client's for the kinds. They differ so that nothing can confuse them unseen.
var iaids = [kinds][4]byte{{0, 0, 0, 1}, {0, 0, 0, 2}}

// message is a new message that names leases; with none it asks for any.
func (c *client) message(t dhcpv6.MessageType, leases [kinds]netip.Prefix) (*dhcpv6.Message, error) {
	m, err := dhcpv6.NewMessage()
	if err != nil {
		return nil, err
	}
	m.MessageType = t
	m.AddOption(dhcpv6.OptClientID(c.duid()))
	na, pd := &dhcpv6.OptIANA{IaId: iaids[anAddress]}, &dhcpv6.OptIAPD{IaId: iaids[aPrefix]}
	if l := leases[anAddress]; l.IsValid() {
		na.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: l.Addr().AsSlice()})
	}
	if l := leases[aPrefix]; l.IsValid() {
		pd.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(l)})
	}
	m.AddOption(na)
	m.AddOption(pd)
	return m, nil
}

// acquire gets leases from one server, or from whichever advertises first (server -1).
func (c *client) acquire(ctx context.Context, server int) (*dhcpv6.Message, error) {
	m, err := c.message(dhcpv6.MessageTypeSolicit, [kinds]netip.Prefix{})
	if err != nil {
		return nil, err
	}
	// RFC 9915, Section 18.2.9: an Advertise that offers nothing is left aside.
	advertise, _, err := c.ask(ctx, m, c.times.ask, func(h heard) bool {
		return h.message.MessageType == dhcpv6.MessageTypeAdvertise && (server < 0 || h.server == server) && granted(h.message) != [kinds]netip.Prefix{}
	})
	if advertise == nil {
		return nil, err
	}
	if m, err = c.message(dhcpv6.MessageTypeRequest, granted(advertise)); err != nil {
		return nil, err
	}
	m.AddOption(dhcpv6.OptServerID(advertise.Options.ServerID()))
	reply, _, err := c.ask(ctx, m, c.times.ask, isReply)
	return reply, err
}

// bind acquires both leases from one server and renews them once, as a client does that has been there for a while.
func (c *client) bind(ctx context.Context, server int) error {
	reply, err := c.acquire(ctx, server)
	if err != nil {
		return err
	}
	if reply != nil {
		c.leases = granted(reply)
	}
	if !c.leases[anAddress].IsValid() || !c.leases[aPrefix].IsValid() {
		return fmt.Errorf("client %d got %v from the first server: it wants an address and a prefix", c.number, c.leases)
	}
	m, err := c.message(dhcpv6.MessageTypeRenew, c.leases)
	if err != nil {
		return err
	}
	m.AddOption(dhcpv6.OptServerID(reply.Options.ServerID()))
	renewed, _, err := c.ask(ctx, m, c.times.ask, isReply)
	if err == nil && (renewed == nil || granted(renewed) != c.leases) {
		return fmt.Errorf("client %d holds %v, and its Renew is answered with %v", c.number, c.leases, renewed)
	}
	return err
}

// rebind asks every server for more time with the client's leases (RFC 9915, Section 18.2.5). It returns the first Reply
// and how often the client asked for it; nil: silence.
func (c *client) rebind(ctx context.Context) (*dhcpv6.Message, int, error) {
	m, err := c.message(dhcpv6.MessageTypeRebind, c.leases)
	if err != nil {
		return nil, 0, err
	}
	return c.ask(ctx, m, c.times.rebind, isReply)
}

func isReply(h heard) bool { return h.message.MessageType == dhcpv6.MessageTypeReply }

// ask sends a message until an answer will do: with an elapsed-time of 0 at first, then of the time that has passed.
// It returns the answer and how often the message was sent; nil: nobody answers.
func (c *client) ask(ctx context.Context, m *dhcpv6.Message, first time.Duration, will func(heard) bool) (*dhcpv6.Message, int, error) {
	start, elapsed, wait := time.Now(), time.Duration(0), first
	for sent := 1; ; sent++ {
		m.UpdateOption(dhcpv6.OptElapsedTime(elapsed))
		if err := c.relay.send(c.number, m); err != nil {
			return nil, sent, err
		}
		wait += time.Duration((2*c.rng.Float64() - 1) / 10 * float64(wait)) // RFC 9915, Section 15: RAND
		timer := time.NewTimer(min(wait, c.times.silence-time.Since(start)))
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil, sent, context.Cause(ctx)
			case h := <-c.relay.inboxes[c.number]:
				if h.message.TransactionID == m.TransactionID && will(h) {
					return h.message, sent, nil
				}
			case <-timer.C:
				waiting = false
			}
		}
		if elapsed = time.Since(start); elapsed >= c.times.silence {
			return nil, sent, nil
		}
		wait *= 2
	}
}

// unreachable tells whether an error is only the kernel's news that a datagram didn't arrive: the server is dead.
func unreachable(err error) bool {
	return slices.ContainsFunc([]error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH}, func(e error) bool { return errors.Is(err, e) })
}
