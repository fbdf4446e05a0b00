package engine_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A message is a script's message, built octet by octet so that wrong ones can be built as well.
// Its lines:
//
//	solicit|request|confirm|renew|rebind|release|decline|inform|register|type=N
//	duid=HEX | noduid           default 00030001020000000001; the last one counts
//	xid=HEX                     transaction-id, default 010203
//	server=ours|NODE|HEX        Server Identifier
//	na=IAID [ADDRESS...]        IA_NA that names addresses; ADDRESS*N names it N times
//	pd=IAID [PREFIX/LEN...]     IA_PD; ::/LEN is a length hint; PREFIX/LEN!HEX has Prefix Exclude data
//	na=FIRST..LAST, pd=...      as many IAs
//	ta=IAID                     IA_TA
//	ia=ADDRESS,PREFERRED,VALID  IA Address outside of an IA
//	oro=CODE,CODE...
//	rapid | reconfigure-accept | elapsed=HUNDREDTHS
//	fqdn=FLAGS [NAME]           Client FQDN with flags as in SN or -; the name is partial without a dot at its end
//	option=CODE:HEX             HEX*N repeats the octets
//	relay [link=ADDR] [peer=ADDR] [hop=N] [CODE:HEX...]     innermost first; "empty": without Relay Message
//	from=ADDR | port=N | unicast | listen=N
//	raw=HEX                     the whole client's message
//	cut=N                       without its last N octets
type message struct {
	octets []byte
	source netip.Addr
	port   uint16
	uni    bool
	listen uint16
	relays int
}

var messageTypes = map[string]wire.MessageType{
	"solicit": wire.Solicit, "request": wire.Request, "confirm": wire.Confirm, "renew": wire.Renew,
	"rebind": wire.Rebind, "release": wire.Release, "decline": wire.Decline, "inform": wire.InformationRequest, "register": wire.AddrRegInform,
}

func parseMessage(text string, s *session) (*message, error) {
	m := &message{source: netip.MustParseAddr("fe80::1"), listen: 1, port: wire.ClientPort}
	duid, header, xid := mustHex("00030001020000000001"), wire.Solicit, mustHex("010203")
	var options, raw []byte
	var relays [][]string
	cut := 0
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		name, value, _ := strings.Cut(words[0], "=")
		switch {
		case messageTypes[name] != 0:
			header = messageTypes[name]
		case name == "type":
			header = wire.MessageType(number(value))
		case name == "duid":
			duid = mustHex(value)
		case name == "xid":
			xid = mustHex(value)
		case name == "noduid":
			duid = nil
		case name == "relay":
			relays = append(relays, words[1:])
		case name == "raw":
			raw = mustHex(value)
		case name == "cut":
			cut = int(number(value))
		case m.envelope(name, value):
		default:
			var ok bool
			if options, ok = appendLine(options, name, value, words[1:], s); !ok {
				return nil, fmt.Errorf("no such line: %s", line)
			}
		}
	}
	m.octets = wire.AppendHeader(nil, header, [3]byte(xid))
	if duid != nil {
		m.octets = wire.AppendOption(m.octets, wire.OptionClientID, duid)
	}
	m.octets = append(m.octets, options...)
	if raw != nil {
		m.octets = raw
	}
	for hop, words := range relays {
		m.octets = relayed(m.octets, hop, words)
		m.uni, m.relays = true, len(relays)
	}
	m.octets = m.octets[:len(m.octets)-cut]
	return m, nil
}

// envelope reads what the datagram says beside its octets.
func (m *message) envelope(name, value string) bool {
	switch name {
	case "from":
		m.source = netip.MustParseAddr(value)
	case "port":
		m.port = uint16(number(value))
	case "unicast":
		m.uni = true
	case "listen":
		m.listen = uint16(number(value))
	default:
		return false
	}
	return true
}

// appendLine appends the options that a line stands for.
func appendLine(dst []byte, name, value string, words []string, s *session) ([]byte, bool) {
	switch name {
	case "server":
		duid, ok := s.serverID(value)
		return wire.AppendOption(dst, wire.OptionServerID, duid), ok
	case "na", "pd":
		first, last, many := strings.Cut(value, "..")
		if !many {
			last = first
		}
		for iaid := number(first); iaid <= number(last); iaid++ {
			dst = appendIA(dst, name, uint32(iaid), words)
		}
		return dst, true
	case "ta":
		return wire.AppendOption(dst, wire.OptionIATA, []byte{0, 0, 0, byte(number(value))}), true
	case "ia":
		parts := strings.Split(value, ",")
		a := netip.MustParseAddr(parts[0]).As16()
		return wire.AppendIAAddress(dst, &a, uint32(number(parts[1])), uint32(number(parts[2]))), true
	case "oro":
		var codes []byte
		for code := range strings.SplitSeq(value, ",") {
			codes = append(codes, byte(number(code)>>8), byte(number(code)))
		}
		return wire.AppendOption(dst, wire.OptionORO, codes), true
	case "fqdn":
		return wire.AppendOption(dst, wire.OptionClientFQDN, fqdnData(value, strings.Join(words, ""))), true
	case "rapid":
		return wire.AppendOption(dst, wire.OptionRapidCommit, nil), true
	case "reconfigure-accept":
		return wire.AppendOption(dst, wire.OptionReconfigureAccept, nil), true
	case "elapsed":
		return wire.AppendUint16Option(dst, wire.OptionElapsedTime, uint16(number(value))), true
	case "option":
		return appendRaw(dst, value), true
	default:
		return dst, false
	}
}

func appendIA(dst []byte, kind string, iaid uint32, leases []string) []byte {
	k := wire.IANA
	if kind == "pd" {
		k = wire.IAPD
	}
	dst, mark := wire.OpenIA(dst, k, iaid)
	for _, text := range repeated(leases) {
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

// repeated writes out LEASE*N.
func repeated(words []string) (out []string) {
	for _, word := range words {
		text, times, many := strings.Cut(word, "*")
		n := uint64(1)
		if many {
			n = number(times)
		}
		for range n {
			out = append(out, text)
		}
	}
	return out
}

func appendRaw(dst []byte, text string) []byte {
	code, data, _ := strings.Cut(text, ":")
	return wire.AppendOption(dst, wire.OptionCode(number(code)), mustHex(data))
}

func relayed(inner []byte, hop int, words []string) []byte {
	link, peer := netip.IPv6Unspecified(), netip.MustParseAddr("fe80::1")
	var options []byte
	empty := false
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "empty":
			empty = true
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
	if empty {
		return b
	}
	return wire.AppendOption(b, wire.OptionRelayMessage, inner)
}

func (m *message) input() *engine.Input {
	return &engine.Input{Data: m.octets, Source: m.source.As16(), SourcePort: m.port, Multicast: !m.uni, Listen: m.listen}
}

func mustHex(text string) []byte {
	text, times, many := strings.Cut(strings.ReplaceAll(text, ":", ""), "*")
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	if many {
		b = bytes.Repeat(b, int(number(times)))
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
