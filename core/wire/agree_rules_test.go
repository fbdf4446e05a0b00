package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Why we refuse packets that the oracle accepts. Each rule is checked against the octets, read a third time by look.
var whyWeRefuse = map[wire.Drop]struct {
	section string
	holds   func(*sight) bool
}{
	wire.DropRelayDepth: {
		"RFC 9915, Section 7.6: HOP_COUNT_LIMIT bounds the relays",
		func(s *sight) bool { return len(s.relays) > wire.MaxRelays },
	},
	wire.DropNoRelayMessage: {
		"RFC 9915, Section 9.1: a Relay-forward must include a Relay Message option",
		func(s *sight) bool { return s.anyRelay(func(messages int) bool { return messages == 0 }) },
	},
	wire.DropUnknownType: {
		"RFC 9915, Section 16: a message of unknown type is discarded",
		func(s *sight) bool { return s.kind == 0 || s.kind > 23 && s.kind != 36 && s.kind != 37 },
	},
	wire.DropServerMessage: {
		"RFC 9915, Section 16.14: servers discard Relay-reply messages",
		func(s *sight) bool { return s.kind == 13 },
	},
	wire.DropRepeatedOption: {
		"RFC 9915, Section 21: a singleton option appears once",
		func(s *sight) bool {
			return s.anyRelay(func(messages int) bool { return messages > 1 }) ||
				s.count(1) > 1 || s.count(2) > 1 || s.count(6) > 1 || s.count(8) > 1 || s.count(14) > 1
		},
	},
	wire.DropBadClientID: {
		"RFC 9915, Section 11.1: a DUID has 1 to 128 octets behind its type",
		func(s *sight) bool { return s.any(1, func(d []byte) bool { return len(d) < 3 || len(d) > 130 }) },
	},
	wire.DropMalformedOption: {
		"RFC 9915, Sections 11.1, 21.11, 21.14, 21.20, 21.22: lengths that can't be, which the oracle lets pass",
		func(s *sight) bool {
			return s.any(2, func(d []byte) bool { return len(d) < 3 || len(d) > 130 }) ||
				s.any(11, func(d []byte) bool { return len(d) < 11 }) ||
				s.any(14, func(d []byte) bool { return len(d) != 0 }) ||
				s.any(20, func(d []byte) bool { return len(d) != 0 }) ||
				s.any(25, func(d []byte) bool {
					return anyOption(d[12:], 26, func(d []byte) bool { return d[8] > 128 })
				})
		},
	},
	wire.DropTooManyIAs: {
		"none: a limit of this server, MaxIAs",
		func(s *sight) bool { return s.count(3)+s.count(25) > wire.MaxIAs },
	},
	wire.DropTooManyLeases: {
		"none: a limit of this server, MaxLeasesPerIA",
		func(s *sight) bool {
			return s.any(3, func(d []byte) bool { return countOptions(d[12:], 5) > wire.MaxLeasesPerIA }) ||
				s.any(25, func(d []byte) bool { return countOptions(d[12:], 26) > wire.MaxLeasesPerIA })
		},
	},
}

// A sight is a well-framed packet without any judgement.
type sight struct {
	relays  []int // Relay Message options of each Relay-forward
	kind    byte  // the innermost message's type
	options []byte
}

func look(b []byte) *sight {
	s := new(sight)
	for len(b) >= 34 && b[0] == 12 {
		var inner []byte
		messages := 0
		eachOption(b[34:], func(code wire.OptionCode, data []byte) {
			if code == 9 {
				messages++
				inner = data
			}
		})
		s.relays = append(s.relays, messages)
		b = inner
	}
	if len(b) >= 4 {
		s.kind, s.options = b[0], b[4:]
	}
	return s
}

func eachOption(b []byte, see func(code wire.OptionCode, data []byte)) {
	for len(b) >= 4 {
		n := int(b[2])<<8 | int(b[3])
		if n > len(b)-4 {
			return
		}
		see(wire.OptionCode(b[0])<<8|wire.OptionCode(b[1]), b[4:4+n])
		b = b[4+n:]
	}
}

func countOptions(b []byte, code wire.OptionCode) (n int) {
	eachOption(b, func(c wire.OptionCode, _ []byte) {
		if c == code {
			n++
		}
	})
	return n
}

func anyOption(b []byte, code wire.OptionCode, is func([]byte) bool) (found bool) {
	eachOption(b, func(c wire.OptionCode, data []byte) { found = found || c == code && is(data) })
	return found
}

func (s *sight) count(code wire.OptionCode) int { return countOptions(s.options, code) }

func (s *sight) any(code wire.OptionCode, is func([]byte) bool) bool {
	return anyOption(s.options, code, is)
}

func (s *sight) anyRelay(is func(messages int) bool) bool {
	for _, messages := range s.relays {
		if is(messages) {
			return true
		}
	}
	return false
}

// A place is where an option stands.
type place string

// Options that a server reads, by place: of these both must say the same, and no rule excuses a difference.
var read = map[place][]wire.OptionCode{
	"relay":   {9},
	"message": {1, 2, 3, 6, 7, 8, 13, 14, 15, 20, 25},
	"IA_NA":   {5, 13},
	"IA_PD":   {26, 13},
	"lease":   {},
}

// Why we accept what the oracle refuses: it reads these options wherever they stand, and we don't read them there.
// A message isn't discarded for what the server ignores (RFC 9915, Section 16).
var unread = map[wire.OptionCode]string{
	1:   "RFC 9915, Section 21.2: elsewhere than in a message it says nothing",
	2:   "RFC 9915, Section 21.3: likewise",
	3:   "RFC 9915, Section 21.4: an IA_NA may only appear in the options area of a message",
	4:   "RFC 9915, Section 21.5: an IA_TA is ignored",
	5:   "RFC 9915, Section 21.6: an IA Address is only specified inside an IA_NA",
	6:   "RFC 9915, Section 21: unless otherwise noted an option appears in the options area of a message",
	7:   "RFC 9915, Section 21: likewise",
	8:   "RFC 9915, Section 21: likewise",
	9:   "RFC 9915, Section 21.10: a Relay Message is carried in Relay-forward and Relay-reply",
	13:  "RFC 9915, Section 21.13: a client has no status to report of a lease, nor a relay at all",
	15:  "RFC 9915, Section 21: likewise",
	16:  "RFC 9915, Section 16: vendor options of unknown enterprises are ignored",
	17:  "RFC 9915, Section 16: likewise",
	23:  "RFC 3646, Section 3: sent by servers",
	24:  "RFC 3646, Section 4: sent by servers",
	25:  "RFC 9915, Section 21.21: an IA_PD may only appear in the options area of a message",
	26:  "RFC 9915, Section 21.22: an IA Prefix may appear only in an IA_PD",
	31:  "RFC 4075, Section 4: sent by servers",
	32:  "RFC 9915, Section 21.23: sent by servers",
	37:  "RFC 4649, Section 5: opaque to the server",
	39:  "RFC 4704, Section 4.2: whose names are read by those who update the DNS",
	56:  "RFC 5908, Section 4: sent by servers",
	60:  "RFC 5970, Section 3.2: sent by servers",
	61:  "RFC 5970, Section 3.3: what its policy reads, policy checks",
	62:  "RFC 5970, Section 3.4: likewise",
	79:  "RFC 6939, Section 6: ignored but in a Relay-forward, where the function ClientLinkLayer checks it",
	87:  "RFC 7341, Section 7.1: for DHCPv4 servers",
	88:  "RFC 7341, Section 7.2: sent by servers",
	97:  "RFC 7600, Section 4.9: sent by servers",
	98:  "RFC 7600, Section 4.9: likewise",
	99:  "RFC 7600, Section 4.9: likewise",
	135: "RFC 8357, Section 4.2: of another length than 2 it says nothing",
}

// refusals finds the options that the oracle refuses in a packet that we accept, and names those that no rule excuses.
func refusals(b []byte) string {
	var unexplained strings.Builder
	found := 0
	excuse := func(where place, code wire.OptionCode, data []byte) {
		if !oracleRefuses(code, data) {
			return
		}
		found++
		if !excused(where, code, data) {
			fmt.Fprintf(&unexplained, "option %d in %s with %x; ", code, where, data)
		}
	}
	for b[0] == 12 {
		var inner []byte
		eachOption(b[34:], func(code wire.OptionCode, data []byte) {
			if code == 9 {
				inner = data
				return
			}
			excuse("relay", code, data)
		})
		b = inner
	}
	eachOption(b[4:], func(code wire.OptionCode, data []byte) {
		switch code {
		case 3:
			refusalsInIA("IA_NA", 5, 24, data[12:], excuse)
		case 25:
			refusalsInIA("IA_PD", 26, 25, data[12:], excuse)
		default:
			excuse("message", code, data)
		}
	})
	if found == 0 {
		return "no option that the oracle refuses"
	}
	return unexplained.String()
}

func refusalsInIA(where place, lease wire.OptionCode, fixed int, b []byte, excuse func(place, wire.OptionCode, []byte)) {
	eachOption(b, func(code wire.OptionCode, data []byte) {
		if code != lease {
			excuse(where, code, data)
			return
		}
		eachOption(data[fixed:], func(code wire.OptionCode, data []byte) { excuse("lease", code, data) })
	})
}

func excused(where place, code wire.OptionCode, data []byte) bool {
	if where == "message" && (code == 1 || code == 2) {
		// RFC 9915, Section 11: servers must treat DUIDs as opaque values. The oracle wants those of known types whole.
		return len(data) >= wire.MinDUID && len(data) <= wire.MaxDUID && data[0] == 0 && data[1] >= 1 && data[1] <= 4
	}
	for _, c := range read[where] {
		if c == code {
			return false
		}
	}
	_, known := unread[code]
	return known
}

func oracleRefuses(code wire.OptionCode, data []byte) (refuses bool) {
	defer func() {
		if recover() != nil {
			refuses = true
		}
	}()
	_, err := dhcpv6.ParseOption(dhcpv6.OptionCode(code), data)
	return err != nil
}

type seed struct {
	name   string
	octets []byte
}

// disagreements has a packet for each rule, so that no rule stands without a case.
func disagreements() []seed {
	deep := header
	for range wire.MaxRelays + 1 {
		deep = forward(0, "::", "::", deep)
	}
	many := func(n int, o []byte) (all []byte) {
		for i := range n {
			all = append(all, o[:7]...)
			all = append(append(all, byte(i)), o[8:]...)
		}
		return all
	}
	leases := option(wire.OptionIANA, make([]byte, 12), many(33, option(wire.OptionIAAddress, make([]byte, 24))))
	return []seed{
		{"relay-depth", deep},
		{"no-relay-message", rows([]byte{12}, make([]byte, 33))},
		{"unknown-type", []byte{99, 0, 0, 1}},
		{"server-message", rows([]byte{13}, make([]byte, 33), option(9, header))},
		{"repeated-option", rows(header, clientID, clientID)},
		{"bad-client-id", rows(header, option(1, []byte{9, 9}))},
		{"malformed-option", rows(header, option(14, []byte{1}))},
		{"too-many-ias", rows(header, many(33, iana))},
		{"too-many-leases", rows(header, leases)},
		{"opaque DUID", rows(header, option(1, []byte{0, 4, 1, 2}))},
		{"IA_TA", rows(header, option(4, []byte{1}))},
		{"search list", rows(header, option(24, []byte{9, 1}))},
	}
}

func TestDisagreements(t *testing.T) {
	met := map[string]bool{}
	for _, seed := range disagreements() {
		if why := disagreement(seed.octets); why != "" {
			t.Errorf("%s: %s", seed.name, why)
		}
		var p wire.Packet
		drop := p.Parse(seed.octets)
		if _, err := oracle(seed.octets); (err == nil) == (drop == wire.DropNone) {
			t.Errorf("%s: no disagreement: we say %v, the oracle %v", seed.name, drop, err)
		}
		met[drop.String()] = true
	}
	for drop := range whyWeRefuse {
		if !met[drop.String()] {
			t.Errorf("no case for the rule %v", drop)
		}
	}
	// Each unread option is one that the oracle refuses in some form; else the rule explains nothing.
	for code := range unread {
		refused := false
		for n := range 8 {
			refused = refused || oracleRefuses(code, make([]byte, n)) || oracleRefuses(code, append(make([]byte, n), 9))
		}
		if !refused {
			t.Errorf("the oracle takes option %d in any form: no rule is needed", code)
		}
	}
}
