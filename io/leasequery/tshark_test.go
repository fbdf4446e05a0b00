package leasequery

import (
	"bytes"
	"encoding/binary"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	protocolTCP = 6
	protocolUDP = 17
)

// A capture is a pcap file of raw IPv6 packets between [::1]:40000 and [::1]:547.
type capture struct {
	b    []byte
	sent [2]uint32 // octets of TCP so far, by who sends: 0 the requestor, 1 the server
}

func newCapture() *capture {
	b := binary.NativeEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(b, 2), 4) // the format's version
	for _, v := range []uint32{0, 0, 1 << 18, 229} {                                // 229: IPv6
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return &capture{b: b}
}

// udp adds a datagram; from: 0 the requestor's, 1 the server's.
func (c *capture) udp(from int, data []byte) {
	c.packet(from, protocolUDP, []byte{0, 0, 0, 0, byte((len(data) + 8) >> 8), byte(len(data) + 8), 0, 0}, 6, data)
}

// tcp adds octets of a connection, in segments.
func (c *capture) tcp(from int, data []byte) {
	for len(data) > 0 {
		n := min(len(data), 1400)
		h := make([]byte, 20)
		binary.BigEndian.PutUint32(h[4:], 1+c.sent[from])
		binary.BigEndian.PutUint32(h[8:], 1+c.sent[1-from])
		h[12], h[13], h[14] = 5<<4, 0x18, 0xff // data offset, PSH and ACK, window
		c.packet(from, protocolTCP, h, 16, data[:n])
		c.sent[from], data = c.sent[from]+uint32(n), data[n:]
	}
}

// packet adds a packet; the transport's header lacks ports and, at an offset, the checksum.
func (c *capture) packet(from int, protocol byte, header []byte, checksum int, data []byte) {
	ports := [2]uint16{40000, 547}
	binary.BigEndian.PutUint16(header, ports[from])
	binary.BigEndian.PutUint16(header[2:], ports[1-from])
	addresses := net.IPv6loopback.To16()
	addresses = append(append([]byte{}, addresses...), addresses...)
	length := len(header) + len(data)
	pseudo := append(append([]byte{}, addresses...), 0, 0, byte(length>>8), byte(length), 0, 0, 0, protocol)
	binary.BigEndian.PutUint16(header[checksum:], sum(pseudo, header, data))
	packet := append([]byte{6 << 4, 0, 0, 0, byte(length >> 8), byte(length), protocol, 64}, addresses...)
	packet = append(append(packet, header...), data...)
	for _, v := range []uint32{0, 0, uint32(len(packet)), uint32(len(packet))} {
		c.b = binary.NativeEndian.AppendUint32(c.b, v)
	}
	c.b = append(c.b, packet...)
}

// sum is the Internet checksum (RFC 1071); all parts but the last have an even length.
func sum(parts ...[]byte) uint16 {
	total := uint32(0)
	for _, p := range parts {
		for i, v := range p {
			total += uint32(v) << (8 * uint(1-i%2))
		}
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return ^uint16(total)
}

func (c *capture) tshark(t *testing.T, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatal("tshark isn't installed; `make deps` installs it")
	}
	command := exec.Command(path, append([]string{
		"-r", "-", "-n", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
	}, arguments...)...)
	command.Stdin = bytes.NewReader(c.b)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return string(out)
}

// complaints are the lines in which Wireshark finds fault.
func (c *capture) complaints(t *testing.T) (found []string) {
	t.Helper()
	for line := range strings.Lines(c.tshark(t, "-V")) {
		for _, word := range []string{"alformed", "Expert Info", "Unknown", "Error", "[Checksum Status: Bad]"} {
			if strings.Contains(line, word) {
				found = append(found, strings.TrimSpace(line))
				break
			}
		}
	}
	return found
}

// everyQuery is one of each kind, and one that is refused. All ask for the time: Wireshark calls a LEASEQUERY-DONE malformed that has
// no option, as RFC 5460, Section 5.2.2 wants it.
func everyQuery() []query.Question {
	options := []byte{0, byte(wire.OptionRemoteID), 0, byte(wire.OptionRelayID), 0, byte(wire.OptionIANA)}
	known := client(1, 0).Client
	all := []query.Question{
		{Type: query.ByAddress, Address: known[0].Key.Address, Options: options},
		{Type: query.ByClientID, DUID: known.DUID()},
		{Type: query.ByRelayID, DUID: []byte{0, 3, 0, 1, 9, 1}, Options: options},
		{Type: query.ByLink, LinkAddress: links[0], Start: 100, HasStart: true, End: 1000, HasEnd: true},
		{Type: query.ByRemoteID, RemoteID: []byte{0, 0, 0, 9, 1}},
		{Type: query.ByLink, LinkAddress: addr("2001:db8:9::1")},
	}
	for i := range all {
		all[i].BaseTime = true
	}
	return all
}

// granted is a fake whose bindings are all by a server with a proper DUID.
type granted struct{ *fake }

func (granted) Granter(uint8) []byte { return serverID }

// everyMessage is what UDP and TCP carry of an exchange for each of these queries.
func everyMessage(t *testing.T) *capture {
	t.Helper()
	f := &fake{found: append(crowd(30), client(1, 1)), now: 1000} // client 1 is on two links
	f.found[1].Client = append(f.found[1].Client, binding.Stored{
		Key: binding.Key{Address: addr("2001:db8:8000:100::"), Length: 56}, Kind: wire.IAPD, DUID: f.found[1].Client.DUID(),
		State: binding.Bound, Expires: 2000,
	})
	c := newCapture()
	server, _ := start(t, granted{f}, rules(), Config{})
	conn, err := net.Dial("tcp6", server.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer := func() (a query.Answer) {
		b, err := readFrame(conn, nil, patience)
		if err == nil {
			a, err = query.ReadAnswer(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		c.tcp(1, framed(b))
		return a
	}
	for i, q := range everyQuery() {
		if q.Type <= query.ByClientID { // others are queries by TCP
			b := query.AppendQuestion(nil, wire.Leasequery, [3]byte{1, 0, byte(i)}, requestor, &q)
			reply, _ := server.responder.UDP(b, asker)
			c.udp(0, b)
			c.udp(1, reply)
		}
		b := framed(query.AppendQuestion(nil, wire.Leasequery, [3]byte{0, 0, byte(i)}, requestor, &q))
		c.tcp(0, b)
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		for a := answer(); len(a.Clients) > 0; {
			a = answer()
		}
	}
	return c
}

// Wireshark finds nothing to complain of in queries and answers, by UDP and by TCP, and sees as many messages as there are. It doesn't
// know ACTIVELEASEQUERY and STARTTLS.
func TestTshark(t *testing.T) {
	c := everyMessage(t)
	for _, line := range c.complaints(t) {
		t.Errorf("tshark: %s", line)
	}
	types := c.tshark(t, "-Y", "dhcpv6.bulk_leasequery", "-T", "fields", "-e", "dhcpv6.bulk_leasequery.msgtype")
	count := make(map[string]int)
	for _, name := range strings.Fields(strings.ReplaceAll(types, ",", " ")) {
		count[name]++
	}
	want := map[string]int{"14": len(everyQuery()), "15": len(everyQuery()), "16": len(everyQuery()) - 1}
	for name, n := range want {
		if count[name] != n {
			t.Errorf("tshark sees %d messages of type %s, want %d; all: %v", count[name], name, n, count)
		}
	}
	if t.Failed() {
		t.Log(c.tshark(t))
	}
}

// The test above can fail: Wireshark does complain of what is broken.
func TestTsharkComplains(t *testing.T) {
	broken := wire.AppendOption(wire.AppendHeader(nil, wire.LeasequeryReply, [3]byte{}), wire.OptionClientData, []byte{0, 5, 0, 1, 1})
	c := newCapture()
	c.tcp(1, framed(broken))
	if len(c.complaints(t)) == 0 {
		t.Errorf("no complaint by TCP in\n%s", c.tshark(t, "-V"))
	}
	c = newCapture()
	c.udp(1, broken)
	if len(c.complaints(t)) == 0 {
		t.Errorf("no complaint by UDP in\n%s", c.tshark(t, "-V"))
	}
}
