package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// A Capture records the DHCPv6 traffic of one interface of a host.
type Capture struct {
	host    *Host
	file    string
	mac     string // of the interface: packets from it are the host's own
	process *Process

	read    int      // octets of the file that have been read
	packets []Packet // what was in them
}

// A Packet is one captured DHCPv6 datagram.
type Packet struct {
	Time        time.Time
	Own         bool // sent by the host that is captured
	Source      netip.Addr
	Destination netip.Addr
	Message     dhcpv6.DHCPv6 // nil where insomniacslk can't read it
	Err         error
	Relays      int             // how many relay headers stood around the inner message
	Inner       *dhcpv6.Message // nil where there is none
}

// Capture starts to record. When the test ends, tshark reads what was sent by the host, and every malformed field
// fails the test; see Judge.
func (h *Host) Capture(device string) *Capture {
	t := h.lab.t
	t.Helper()
	// The server sends several replies as one datagram that the kernel cuts up (UDP_SEGMENT). A device that takes
	// such a datagram whole would show it whole to tcpdump; this one makes the kernel cut before.
	h.lab.run("ip", "-n", h.ns, "link", "set", "dev", device, "gso_max_segs", "1")
	c := &Capture{host: h, file: h.File(device + ".pcap"), mac: h.MAC(device)}
	c.process = h.Start("tcpdump", "tcpdump", "-Z", "root", "-n", "-p", "-U", "-s", "0", "--immediate-mode",
		"-i", device, "-w", c.file, "udp port 546 or udp port 547")
	h.eventually("tcpdump to listen", func() bool { return strings.Contains(c.process.Log(), "listening on") })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("--- what passed the server's interface\n%s", c.Decode())
		}
	})
	return c
}

// Packets returns what was recorded so far.
func (c *Capture) Packets() []Packet {
	f, err := os.Open(c.file)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, int64(c.read), 1<<40))
	if err != nil {
		c.host.lab.t.Fatal(err)
	}
	if c.read == 0 {
		if len(data) < pcapHeader {
			return nil
		}
		// Classic little-endian pcap with microseconds is what tcpdump writes here.
		if magic := binary.LittleEndian.Uint32(data); magic != 0xa1b2c3d4 {
			c.host.lab.t.Fatalf("pcap: unexpected magic number %#x", magic)
		}
		c.read, data = pcapHeader, data[pcapHeader:]
	}
	more, n := readRecords(data, c.mac)
	c.read += n
	c.packets = append(c.packets, more...)
	return slices.Clip(c.packets)
}

// Answered waits until a message of the given type has got a Reply or Advertise with the same transaction, both
// recorded at or after since, and returns question and answer.
func (c *Capture) Answered(kind, answer dhcpv6.MessageType, since time.Time) (question, reply *Packet) {
	c.host.lab.t.Helper()
	c.host.eventually(fmt.Sprintf("a %v answered by %v", kind, answer), func() bool {
		question, reply = c.find(kind, answer, since)
		return reply != nil
	})
	return question, reply
}

func (c *Capture) find(kind, answer dhcpv6.MessageType, since time.Time) (question, reply *Packet) {
	packets := c.Packets()
	asked := map[dhcpv6.TransactionID]*Packet{}
	for i := range packets {
		p := &packets[i]
		if p.Inner == nil || p.Time.Before(since) {
			continue
		}
		if !p.Own && p.Inner.MessageType == kind {
			asked[p.Inner.TransactionID] = p
		}
		if q := asked[p.Inner.TransactionID]; q != nil && p.Own && p.Inner.MessageType == answer {
			return q, p
		}
	}
	return nil, nil
}

// Seen waits until a client sent a message of this type, answered or not.
func (c *Capture) Seen(kind dhcpv6.MessageType, since time.Time) {
	c.host.lab.t.Helper()
	c.host.eventually(fmt.Sprintf("a %v", kind), func() bool { return c.Count(kind, false, since) > 0 })
}

// Count returns how many messages of a type the host sent (own) or was sent.
func (c *Capture) Count(kind dhcpv6.MessageType, own bool, since time.Time) int {
	n := 0
	for _, p := range c.Packets() {
		if p.Inner != nil && p.Inner.MessageType == kind && p.Own == own && !p.Time.Before(since) {
			n++
		}
	}
	return n
}

// Judge stops the recording and lets tshark read it: a packet of the host that is malformed, or that carries an
// expert remark of severity error, fails the test; so does a recording without any packet of the host.
func (c *Capture) Judge() {
	t := c.host.lab.t
	t.Helper()
	if err := c.process.Stop(syscall.SIGINT); err != nil {
		t.Errorf("tcpdump: %v", err)
	}
	total := c.tshark("-Y", "dhcpv6 && eth.src == "+c.mac, "-T", "fields", "-e", "frame.number")
	if strings.TrimSpace(total) == "" {
		t.Error("the capture holds no DHCPv6 packet of the server")
	}
	remarks := c.tshark("-Y", verdict(c.mac), "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message")
	if remarks != "" {
		t.Errorf("tshark finds fault with our packets:\n%s\n%s", remarks, c.tshark("-Y", verdict(c.mac), "-O", "dhcpv6"))
	}
	for _, p := range c.Packets() {
		if p.Own && p.Err != nil {
			t.Errorf("insomniacslk/dhcp can't read our packet of %v: %v", p.Time, p.Err)
		}
	}
}

// verdict is the display filter for packets of ours that a reader of the RFCs would object to.
func verdict(mac string) string {
	return "eth.src == " + mac + " && udp && (_ws.malformed || !dhcpv6 || _ws.expert.severity >= error)"
}

// Decode returns tshark's reading of the recording, shortened.
func (c *Capture) Decode() string {
	out := c.tshark("-O", "dhcpv6", "-t", "ad")
	const limit = 48 << 10
	if len(out) > limit {
		return out[:limit] + "\n... (shortened; all of it: tshark -O dhcpv6 -r " + c.file + ")"
	}
	return out
}

func (c *Capture) tshark(args ...string) string {
	return tshark(c.host.lab.t, c.file, args...)
}

func tshark(t testing.TB, file string, args ...string) string {
	t.Helper()
	cmd := exec.Command("tshark", append([]string{"-n", "-r", file}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("tshark %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// Lengths of what stands in front of a DHCPv6 message in a capture of Ethernet.
const (
	pcapHeader   = 24
	recordHeader = 16
	etherLen     = 14
	ipv6Len      = 40
	udpLen       = 8
)

// readRecords reads a pcap's records and says how many octets they took. A record that is still being written is left
// for the next time.
func readRecords(data []byte, mac string) (all []Packet, read int) {
	for {
		rest := data[read:]
		if len(rest) < recordHeader {
			return all, read
		}
		seconds, micros := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
		length := int(binary.LittleEndian.Uint32(rest[8:]))
		if len(rest) < recordHeader+length {
			return all, read
		}
		read += recordHeader + length
		p, ok := readFrame(rest[recordHeader:recordHeader+length], mac)
		if !ok {
			continue
		}
		p.Time = time.Unix(int64(seconds), int64(micros)*1000)
		all = append(all, p)
	}
}

func readFrame(frame []byte, mac string) (Packet, bool) {
	const ipv6Ether, udpProtocol = 0x86dd, 17
	if len(frame) < etherLen+ipv6Len+udpLen || binary.BigEndian.Uint16(frame[12:]) != ipv6Ether || frame[etherLen+6] != udpProtocol {
		return Packet{}, false
	}
	ip := frame[etherLen:]
	length := int(binary.BigEndian.Uint16(ip[ipv6Len+4:]))
	if length < udpLen || ipv6Len+length > len(ip) {
		return Packet{}, false
	}
	p := Packet{Own: fmt.Sprintf("%x", frame[6:12]) == strings.ReplaceAll(mac, ":", "")}
	p.Source, _ = netip.AddrFromSlice(ip[8:24])
	p.Destination, _ = netip.AddrFromSlice(ip[24:40])
	// The reader keeps slices of what it reads, and insomniacslk's relays are read again and again.
	p.Message, p.Err = dhcpv6.FromBytes(bytes.Clone(ip[ipv6Len+udpLen : ipv6Len+length]))
	if p.Err == nil {
		p.Relays, p.Inner = unwrap(p.Message)
	}
	return p, true
}

// unwrap takes the relay headers off a message.
func unwrap(m dhcpv6.DHCPv6) (levels int, inner *dhcpv6.Message) {
	for {
		switch v := m.(type) {
		case *dhcpv6.Message:
			return levels, v
		case *dhcpv6.RelayMessage:
			levels++
			m = v.Options.RelayMessage()
		default:
			return levels, nil
		}
	}
}
