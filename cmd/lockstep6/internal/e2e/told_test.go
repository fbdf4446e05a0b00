package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"
)

// told are the options of all Replies that each client was sent in some time, by name: of an IA its times and leases, of others their
// octets. A client that asks of each IA alone is told the others in several Replies. Of an IA that was told several times the longest
// lifetimes count: dhcpd answers an early Renew with what is left of the lease (dhcp-cache-threshold).
func (m *move) told(from, until time.Time) map[string]map[string]string {
	all, longest := map[string]map[string]string{}, map[string]time.Duration{}
	for _, tap := range m.taps {
		for _, p := range tap.Packets() {
			if !p.Own || p.Inner == nil || p.Inner.MessageType != dhcpv6.MessageTypeReply || p.Time.Before(from) || p.Time.After(until) {
				continue
			}
			client := fmt.Sprintf("%x", p.Inner.Options.ClientID().ToBytes())
			if all[client] == nil {
				all[client] = map[string]string{}
			}
			for _, o := range p.Inner.Options.Options {
				name, text, lifetimes := describe(o)
				if lifetimes >= longest[client+name] {
					all[client][name], longest[client+name] = text, lifetimes
				}
			}
		}
	}
	return all
}

// describe tells an option's name and what is in it, and the sum of the lifetimes there.
func describe(o dhcpv6.Option) (name, text string, lifetimes time.Duration) {
	var leases []string
	add := func(lease fmt.Stringer, preferred, valid time.Duration) {
		leases, lifetimes = append(leases, fmt.Sprint(lease, " ", preferred, " ", valid)), lifetimes+preferred+valid
	}
	switch ia := o.(type) {
	case *dhcpv6.OptIANA:
		for _, a := range ia.Options.Addresses() {
			add(a.IPv6Addr, a.PreferredLifetime, a.ValidLifetime)
		}
		return fmt.Sprintf("IA_NA %x", ia.IaId), fmt.Sprint(ia.T1, " ", ia.T2, " ", leases), lifetimes
	case *dhcpv6.OptIAPD:
		for _, p := range ia.Options.Prefixes() {
			add(p.Prefix, p.PreferredLifetime, p.ValidLifetime)
		}
		return fmt.Sprintf("IA_PD %x", ia.IaId), fmt.Sprint(ia.T1, " ", ia.T2, " ", leases), lifetimes
	}
	return fmt.Sprint(o.Code()), fmt.Sprintf("%x", o.ToBytes()), 0
}

// toldBefore is what the old server told, once all of it that toldAgain wants is recorded.
func (m *move) toldBefore() (all map[string]map[string]string) {
	m.t.Helper()
	m.server.eventually("a recording of what clients were told", func() bool {
		all = m.told(time.Time{}, time.Now())
		return len(all) == len(m.clients) || m.old.Config == nil
	})
	return all
}

// toldAgain waits until every client was told by the node what the old server told it, and nothing else.
func (m *move) toldAgain(before map[string]map[string]string, since time.Time) {
	m.t.Helper()
	if len(before) != len(m.clients) {
		m.t.Fatalf("the old server told %d clients of %d", len(before), len(m.clients))
	}
	// What tcpdump recorded last may not be in its file yet.
	var diff string
	defer func() {
		if diff != "" {
			m.t.Errorf("what clients are told (-by %s +by the node)\n%s", m.old.Name, diff)
		}
	}()
	m.server.eventually("the clients to be told what they were told", func() bool {
		diff = cmp.Diff(before, m.told(since, time.Now()))
		return diff == ""
	})
}

// placed fails the test unless the client with a reservation has that, and the one of the class leases that are for the class.
func (m *move) placed() {
	m.t.Helper()
	if m.old.Config == nil {
		return
	}
	if diff := cmp.Diff(m.old.Reserved, m.holds(0), byString); diff != "" {
		m.t.Errorf("the client with a reservation (-reserved +has)\n%s", diff)
	}
	for i := range m.clients {
		for _, l := range m.holds(i) {
			within := slices.ContainsFunc(m.old.Class, func(p netip.Prefix) bool { return p.Overlaps(l) })
			if of := i == 2; of != within {
				m.t.Errorf("client %d has %v; that it is in the class is %v", i, l, of)
			}
		}
	}
}

// newcomers has new clients come, a real one and a crowd of own ones behind a relay that sends to all servers, and says how many leases they got. Nobody has two.
func (m *move) newcomers(servers ...string) int {
	m.t.Helper()
	const crowd = 24
	taken := map[netip.Prefix]string{}
	for _, l := range m.had {
		taken[l] = "a client of the old server"
	}
	take := func(who string, l netip.Prefix) {
		if holder := taken[l]; holder != "" {
			m.t.Errorf("%s gets %v, which %s has", who, l, holder)
		}
		taken[l] = who
	}
	real := m.Host("newcomer")
	real.Plug(m.lan, "eth0")
	m.old.Guests[0].Start(real, m.old.Wish)
	for _, l := range holds(real, m.old.Guests[0], m.old.Wish) {
		take("the newcomer", l)
	}
	access := m.Host("access")
	access.Plug(m.lan, "eth0", "2001:db8:1::fe/64")
	agent := access.Agent(servers...)
	for n := range uint32(crowd) {
		c := agent.Client("2001:db8:1::fe", firstOwn+n)
		c.host = m.old.Wish.Prefixes == 0
		l, err := c.Acquire(patience)
		if err != nil {
			m.t.Fatal(err)
		}
		take(fmt.Sprintf("newcomer %d", n), netip.PrefixFrom(l.Address, 128))
		if !c.host {
			take(fmt.Sprintf("newcomer %d", n), l.Prefix)
		}
	}
	return len(taken) - len(m.had)
}
