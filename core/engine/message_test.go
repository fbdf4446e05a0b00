package engine_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A message is a script's message, built octet by octet so that wrong ones can be built as well.
// Its lines:
//
//	solicit|request|confirm|renew|rebind|release|decline|inform|type=N
//	duid=HEX | noduid           default 00030001020000000001
//	server=ours|HEX             Server Identifier
//	na=IAID [ADDRESS...]        IA_NA that names addresses
//	pd=IAID [PREFIX/LEN...]     IA_PD; ::/LEN is a length hint; PREFIX/LEN!HEX has Prefix Exclude data
//	oro=CODE,CODE...
//	rapid | reconfigure-accept | elapsed=HUNDREDTHS
//	option=CODE:HEX
//	relay [link=ADDR] [peer=ADDR] [hop=N] [CODE:HEX...]     innermost first
//	from=ADDR | unicast | listen=N
type message struct {
	octets []byte
	source netip.Addr
	uni    bool
	listen uint16
}

var messageTypes = map[string]wire.MessageType{
	"solicit": wire.Solicit, "request": wire.Request, "confirm": wire.Confirm, "renew": wire.Renew,
	"rebind": wire.Rebind, "release": wire.Release, "decline": wire.Decline, "inform": wire.InformationRequest,
}

func parseMessage(text string, s *session) (*message, error) {
	m := &message{source: netip.MustParseAddr("fe80::1"), listen: 1}
	duid, header := mustHex("00030001020000000001"), wire.Solicit
	var options []byte
	var relays [][]string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		name, value, _ := strings.Cut(words[0], "=")
		switch {
		case messageTypes[name] != 0:
			header = messageTypes[name]
		case name == "type":
			header = wire.MessageType(number(value))
		case name == "duid":
			duid = mustHex(value)
		case name == "noduid":
			duid = nil
		case name == "server" && value == "ours":
			options = wire.AppendOption(options, wire.OptionServerID, s.site.Policy.ServerID)
		case name == "server":
			options = wire.AppendOption(options, wire.OptionServerID, mustHex(value))
		case name == "na", name == "pd":
			options = appendIA(options, name, uint32(number(value)), words[1:])
		case name == "oro":
			var codes []byte
			for code := range strings.SplitSeq(value, ",") {
				codes = append(codes, byte(number(code)>>8), byte(number(code)))
			}
			options = wire.AppendOption(options, wire.OptionORO, codes)
		case name == "rapid":
			options = wire.AppendOption(options, wire.OptionRapidCommit, nil)
		case name == "reconfigure-accept":
			options = wire.AppendOption(options, wire.OptionReconfigureAccept, nil)
		case name == "elapsed":
			options = wire.AppendOption(options, wire.OptionElapsedTime, []byte{byte(number(value) >> 8), byte(number(value))})
		case name == "option":
			options = appendRaw(options, value)
		case name == "relay":
			relays = append(relays, words[1:])
		case name == "from":
			m.source = netip.MustParseAddr(value)
		case name == "unicast":
			m.uni = true
		case name == "listen":
			m.listen = uint16(number(value))
		default:
			return nil, fmt.Errorf("no such line: %s", line)
		}
	}
	m.octets = wire.AppendHeader(nil, header, [3]byte{1, 2, 3})
	if duid != nil {
		m.octets = wire.AppendOption(m.octets, wire.OptionClientID, duid)
	}
	m.octets = append(m.octets, options...)
	for hop, words := range relays {
		m.octets = relayed(m.octets, hop, words)
		m.uni = true
	}
	return m, nil
}

func appendIA(dst []byte, kind string, iaid uint32, leases []string) []byte {
	k := wire.IANA
	if kind == "pd" {
		k = wire.IAPD
	}
	dst, mark := wire.OpenIA(dst, k, iaid)
	for _, text := range leases {
		if k == wire.IANA {
			a := netip.MustParseAddr(text).As16()
			dst = wire.AppendIAAddress(dst, &a, 0, 0)
			continue
		}
		text, exclude, _ := strings.Cut(text, "!")
		p := netip.MustParsePrefix(text)
		a := p.Addr().As16()
		var data []byte
		if exclude != "" {
			data = mustHex(exclude)
		}
		dst = wire.AppendIAPrefix(dst, &a, uint8(p.Bits()), 0, 0, data)
	}
	return wire.CloseOption(dst, mark)
}

func appendRaw(dst []byte, text string) []byte {
	code, data, _ := strings.Cut(text, ":")
	return wire.AppendOption(dst, wire.OptionCode(number(code)), mustHex(data))
}

func relayed(inner []byte, hop int, words []string) []byte {
	link, peer := netip.IPv6Unspecified(), netip.MustParseAddr("fe80::1")
	var options []byte
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "link":
			link = netip.MustParseAddr(value)
		case "peer":
			peer = netip.MustParseAddr(value)
		case "hop":
			hop = int(number(value))
		default:
			options = appendRaw(options, word)
		}
	}
	l, p := link.As16(), peer.As16()
	b := append([]byte{byte(wire.RelayForward), byte(hop)}, l[:]...)
	b = append(append(b, p[:]...), options...)
	return wire.AppendOption(b, wire.OptionRelayMessage, inner)
}

func (m *message) input() *engine.Input {
	return &engine.Input{Data: m.octets, Source: m.source.As16(), SourcePort: 546, Multicast: !m.uni, Listen: m.listen}
}

// describeReply reads a reply with an independent library and prints what it says.
func describeReply(t *testing.T, b []byte) string {
	t.Helper()
	d, err := dhcpv6.FromBytes(b)
	if err != nil {
		t.Fatalf("the reply %x can't be read: %v", b, err)
	}
	var out strings.Builder
	for indent := ""; ; indent += "  " {
		relay, ok := d.(*dhcpv6.RelayMessage)
		if !ok {
			break
		}
		fmt.Fprintf(&out, "%srelay-reply hop=%d link=%s peer=%s%s\n", indent, relay.HopCount, relay.LinkAddr, relay.PeerAddr, relayOptions(relay))
		d = relay.Options.RelayMessage()
	}
	m := d.(*dhcpv6.Message)
	fmt.Fprintf(&out, "%s\n", strings.ToLower(m.MessageType.String()))
	for _, o := range m.Options.Options {
		describeOption(&out, o)
	}
	return out.String()
}

func relayOptions(r *dhcpv6.RelayMessage) (text string) {
	for _, o := range r.Options.Options {
		if o.Code() != dhcpv6.OptionRelayMsg {
			text += fmt.Sprintf(" %d:%x", o.Code(), o.ToBytes())
		}
	}
	return text
}

func describeOption(out *strings.Builder, o dhcpv6.Option) {
	switch v := o.(type) {
	case *dhcpv6.OptIANA:
		fmt.Fprintf(out, "  na=%d T1=%d T2=%d\n", be32(v.IaId), int(v.T1.Seconds()), int(v.T2.Seconds()))
		for _, sub := range v.Options.Options {
			describeLease(out, sub)
		}
	case *dhcpv6.OptIAPD:
		fmt.Fprintf(out, "  pd=%d T1=%d T2=%d\n", be32(v.IaId), int(v.T1.Seconds()), int(v.T2.Seconds()))
		for _, sub := range v.Options.Options {
			describeLease(out, sub)
		}
	case *dhcpv6.OptStatusCode:
		fmt.Fprintf(out, "  status %s: %s\n", v.StatusCode, v.StatusMessage)
	default:
		switch o.Code() {
		case dhcpv6.OptionClientID, dhcpv6.OptionServerID:
			return
		}
		fmt.Fprintf(out, "  option %d: %x\n", o.Code(), o.ToBytes())
	}
}

func describeLease(out *strings.Builder, o dhcpv6.Option) {
	switch v := o.(type) {
	case *dhcpv6.OptIAAddress:
		fmt.Fprintf(out, "    %s preferred=%d valid=%d\n", v.IPv6Addr, int(v.PreferredLifetime.Seconds()), int(v.ValidLifetime.Seconds()))
	case *dhcpv6.OptIAPrefix:
		fmt.Fprintf(out, "    %s preferred=%d valid=%d", v.Prefix, int(v.PreferredLifetime.Seconds()), int(v.ValidLifetime.Seconds()))
		for _, sub := range v.Options.Options {
			fmt.Fprintf(out, " %d:%x", sub.Code(), sub.ToBytes())
		}
		out.WriteString("\n")
	case *dhcpv6.OptStatusCode:
		fmt.Fprintf(out, "    status %s: %s\n", v.StatusCode, v.StatusMessage)
	default:
		fmt.Fprintf(out, "    option %d: %x\n", o.Code(), o.ToBytes())
	}
}

func be32(b [4]byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func mustHex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func number(text string) uint64 {
	n, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		panic(err)
	}
	return n
}

func sorted(lines []string) string {
	slices.Sort(lines)
	if len(lines) == 0 {
		return "empty\n"
	}
	return strings.Join(lines, "")
}
