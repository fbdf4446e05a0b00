package takeover

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

const serverPort = 547 // servers and relays listen there (RFC 9915, Section 7.2)

// serverAddress is that of server number i, on a link of its own to the relay.
func serverAddress(i int) netip.Addr { return onLink(i, 2).Addr() }

func onLink(i, host int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0xff, 0, 0, byte(i), 15: byte(host)}), 64)
}

// A lab is a relay and the places of two servers: a namespace each.
type lab struct {
	options   *Options
	contender *Contender
	dir       string
	hosts     [2]*namespace
	router    *namespace
	relay     *relay
	servers   [2]*process
	clients   []*client
	probe     *client
	fail      context.CancelCauseFunc
}

// newLab makes everything but the servers' processes. Close must be called whatever it returns.
func newLab(o *Options, c *Contender, fail context.CancelCauseFunc) (l *lab, err error) {
	l = &lab{options: o, contender: c, fail: fail}
	if l.dir, err = os.MkdirTemp(o.Dir, "takeover-"); err != nil {
		return l, err
	}
	if l.router, err = newNamespace(); err != nil {
		return l, err
	}
	var addresses []netip.AddrPort
	for i := range l.hosts {
		if l.hosts[i], err = newNamespace(); err != nil {
			return l, err
		}
		if err := connect(l.router, "srv"+strconv.Itoa(i), onLink(i, 1), l.hosts[i], "eth0", onLink(i, 2)); err != nil {
			return l, err
		}
		addresses = append(addresses, netip.AddrPortFrom(serverAddress(i), serverPort))
	}
	var conn *net.UDPConn
	err = l.router.do(func() (err error) {
		conn, err = net.ListenUDP("udp6", &net.UDPAddr{Port: serverPort})
		return err
	})
	if err != nil {
		return l, err
	}
	t := &times{ask: o.AskTimeout, rebind: o.RebindTimeout, silence: o.Silence}
	l.relay = newRelay(conn, addresses, o.Clients+1)
	for i := range o.Clients {
		l.clients = append(l.clients, newClient(i, l.relay, t, o.Seed))
	}
	l.probe = newClient(o.Clients, l.relay, &times{silence: time.Second}, o.Seed)
	return l, nil
}

// close ends and removes all that the lab has made.
func (l *lab) close() error {
	for _, p := range l.servers {
		if p != nil {
			p.kill()
		}
	}
	if l.relay != nil {
		l.relay.close()
	}
	for _, n := range []*namespace{l.router, l.hosts[0], l.hosts[1]} {
		if n != nil {
			n.close()
		}
	}
	if l.dir == "" {
		return nil
	}
	return os.RemoveAll(l.dir)
}

// start starts some of the servers and waits until each has answered a Solicit of a client that never binds.
func (l *lab) start(ctx context.Context, numbers ...int) error {
	for _, i := range numbers {
		dir := filepath.Join(l.dir, strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		c, err := l.contender.command(l.options, i, dir)
		if err != nil {
			return err
		}
		if l.servers[i], err = l.hosts[i].start(c, dir); err != nil {
			return err
		}
		go l.servers[i].watch(l.fail)
	}
	return l.await(ctx, numbers)
}

// await has the probe ask again and again until all of these servers have answered.
func (l *lab) await(ctx context.Context, numbers []int) error {
	for begun := time.Now(); time.Since(begun) < patience; {
		m, err := l.probe.message(dhcpv6.MessageTypeSolicit, [kinds]netip.Prefix{})
		if err != nil {
			return err
		}
		var up [2]bool
		answered, _, err := l.probe.ask(ctx, m, time.Second, func(h heard) bool {
			up[h.server] = true
			return !slices.ContainsFunc(numbers, func(i int) bool { return !up[i] })
		})
		if answered != nil || err != nil {
			return err
		}
	}
	return errors.New("the servers don't answer")
}
