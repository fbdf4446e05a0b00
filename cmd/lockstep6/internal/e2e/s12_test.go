package e2e

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Scenario S12: a requestor bulk-queries the surviving nodes and gets every living binding of the cluster.

const (
	collectorAddress = "2001:db8:ffff::200"
	// s12Crowd is how many own clients S12 has.
	s12Crowd = 100
)

func TestS12OneDead(t *testing.T) {
	t.Parallel()
	for _, model := range models {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			file := preferred(model)
			file.Lifetimes += `leasequery: {requestors: ["` + collectorAddress + "\"]}\n"
			c := NewLab(t).NewCluster(file)
			collector := c.Host("collector")
			collector.Plug(c.core, "eth0", collectorAddress+"/64")
			stranger := c.Host("stranger")
			stranger.Plug(c.core, "eth0", "2001:db8:ffff::201/64")
			crowd := c.Crowd()
			crowd.Acquire(between(firstOwn, firstOwn+s12Crowd))
			crowd.Overheard()
			c.Nodes[0].Signal(syscall.SIGKILL)
			c.Nodes[0].Kill()
			for _, n := range c.Nodes[1:] {
				wantTold(t, crowd, n, tells(t, collector, n, 2*s12Crowd))
			}
			if _, err := bulk(stranger, c.Nodes[1].Address, linkAddress); err == nil {
				t.Error("a host that isn't among the requestors was answered")
			}
			c.Nodes[1].tap.Judge()
		})
	}
}

// tells asks a node until it has told so many leases: what a client said to another node a moment ago may wait to be read.
func tells(t *testing.T, collector *Host, n *Node, leases int) (got map[netip.Prefix]string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		got, err := bulk(collector, n.Address, linkAddress)
		if err != nil {
			t.Errorf("node %s: %v", n.Name, err)
		}
		if err != nil || len(got) >= leases || time.Now().After(end) {
			return got
		}
	}
}

// wantTold fails the test unless a node told of all that the crowd has, and of nothing else.
func wantTold(t *testing.T, crowd *Crowd, n *Node, got map[netip.Prefix]string) {
	t.Helper()
	for _, client := range crowd.book.clients() {
		l, _ := crowd.book.lease(client)
		duid := string(crowd.agent.Client(crowd.link, client).DUID().ToBytes())
		for _, p := range []netip.Prefix{netip.PrefixFrom(l.Address, 128), l.Prefix} {
			if got[p] != duid {
				t.Errorf("node %s tells that %v is %x's, it is %x's", n.Name, p, got[p], duid)
			}
			delete(got, p)
		}
	}
	for p, duid := range got {
		t.Errorf("node %s tells that %x has %v", n.Name, duid, p)
	}
}

// bulk asks a server from a host for all leases on a link by RFC 5460, and returns whose each is. It shares nothing with
// the server but the standard.
func bulk(from *Host, server, link string) (told map[netip.Prefix]string, err error) {
	told = make(map[netip.Prefix]string)
	err = from.Inside(func() error {
		conn, err := net.DialTimeout("tcp", "["+server+"]:547", patience)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		m, err := dhcpv6.NewMessage(dhcpv6.WithClientID((&OwnClient{mac: net.HardwareAddr{2, 0, 0, 0, 0, 1}}).DUID()))
		if err != nil {
			return err
		}
		m.MessageType = dhcpv6.MessageTypeLeaseQuery
		address := netip.MustParseAddr(link).As16()
		m.AddOption(&dhcpv6.OptionGeneric{OptionCode: dhcpv6.OptionLQQuery, OptionData: slices.Concat([]byte{4}, address[:])})
		octets := m.ToBytes()
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(octets))), octets...)); err != nil {
			return err
		}
		for {
			answer, err := readBulk(conn)
			if err != nil {
				return err
			}
			if err := takeBulk(told, m, answer); err != nil {
				return err
			}
			if answer.MessageType == dhcpv6.MessageTypeLeaseQueryDone || answer.GetOneOption(dhcpv6.OptionClientData) == nil {
				return nil
			}
		}
	})
	return told, err
}

// readBulk reads one message behind its length.
func readBulk(conn net.Conn) (*dhcpv6.Message, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		return nil, err
	}
	return dhcpv6.MessageFromBytes(b)
}

// takeBulk notes the leases of an answer to m.
func takeBulk(told map[netip.Prefix]string, m, answer *dhcpv6.Message) error {
	if answer.TransactionID != m.TransactionID {
		return fmt.Errorf("an answer to %v came, asked was %v", answer.TransactionID, m.TransactionID)
	}
	if s := answer.Options.Status(); s != nil {
		return fmt.Errorf("the server answers %v", s)
	}
	for _, o := range answer.GetOption(dhcpv6.OptionClientData) {
		var data dhcpv6.Options
		if err := data.FromBytes(o.ToBytes()); err != nil {
			return err
		}
		duid := string(data.GetOne(dhcpv6.OptionClientID).ToBytes())
		for _, o := range data {
			switch lease := o.(type) {
			case *dhcpv6.OptIAAddress:
				address, _ := netip.AddrFromSlice(lease.IPv6Addr)
				told[netip.PrefixFrom(address, 128)] = duid
			case *dhcpv6.OptIAPrefix:
				address, _ := netip.AddrFromSlice(lease.Prefix.IP)
				bits, _ := lease.Prefix.Mask.Size()
				told[netip.PrefixFrom(address, bits)] = duid
			}
		}
	}
	return nil
}
