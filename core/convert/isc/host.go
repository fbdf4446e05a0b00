package isc

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

func (p *parser) hostDeclaration(t *token, s *scope) {
	name := p.hostName()
	if name == "" {
		p.bad(p.peek(), "the host has no name", "write host NAME { ... }, the name without quotes")
		return
	}
	h := &scope{kind: scopeHost, at: t.at, name: name, parent: s, host: &hostBody{relay: -1}}
	s.inner = append(s.inner, h)
	if !p.body(h) {
		return
	}
	if p.hosts[name] {
		p.fail(t, "another host is called "+name, "give each its own name")
	}
	p.hosts[name] = true
}

// hostName reads words and numbers with dots between them; "" where there are none.
func (p *parser) hostName() string {
	var parts []string
	for {
		t := p.peek()
		if !t.name() && t.kind != kindNumber {
			break
		}
		p.next()
		parts = append(parts, t.text)
		if !p.take(".") {
			break
		}
		if n := p.peek(); !n.name() && n.kind != kindNumber {
			return strings.Join(parts, ".") + "."
		}
	}
	return strings.Join(parts, ".")
}

// hostStatement reads what says for whom a host is, and what it reserves.
func (p *parser) hostStatement(t *token, s *scope) {
	p.next()
	mark := t.word() == "dynamic" || t.word() == "deleted"
	if mark && s.kind == scopeGroup && p.at+1 < len(p.tokens) && p.tokens[p.at+1].is("}") {
		p.bad(t, t.text+" is the group's last statement", "remove it: it is for dhcpd's file of leases")
		return
	}
	if mark && (s.kind == scopeClass || s.kind == scopeGroup || s.kind == scopeHost) {
		if p.semi() {
			s.odd(t.at, t.text, "it is for dhcpd's file of leases")
		}
		return
	}
	if s.kind != scopeHost {
		p.bad(t, t.text+" stands outside of a host", "move it into a host")
		return
	}
	switch t.word() {
	case "hardware":
		p.hardware(t, s)
	case "fixed-address", "fixed-address6":
		p.fixedAddress(t, s)
	case "fixed-prefix6":
		p.fixedPrefix(s)
	case "host-identifier":
		p.hostIdentifier(t, s)
	default: // uid
		if v := p.next(); v.kind != kindText {
			p.at--
			if _, ok := p.hexList(); !ok {
				return
			}
		}
		if p.semi() {
			s.odd(t.at, "uid", "it is for dhcpd's file of leases")
		}
	}
}

func (p *parser) hostGroup(t *token, s *scope) {
	n := p.next()
	if n.kind != kindText && !n.name() {
		p.bad(n, "group in a host has no name", `write group "NAME";`)
		return
	}
	if !p.groups[n.text] {
		p.fail(n, "there is no group called "+n.text, "declare it before this line, or remove this one")
	}
	if p.semi() {
		s.odd(t.at, "group "+n.text, "a host gets nothing of a group by its name; it is for dhcpd's file of leases")
	}
}

func (p *parser) hardware(t *token, s *scope) {
	if s.host.hardware != nil {
		p.bad(t, "the host has a hardware address already", "keep one, or declare another host")
		return
	}
	kind := p.next()
	switch {
	case kind.word() == "ethernet":
		s.host.ethernet = true
	case kind.word() == "token-ring" || kind.word() == "fddi" || kind.word() == "infiniband" || strings.HasPrefix(kind.text, "unknown-"):
	default:
		p.bad(kind, fmt.Sprintf("%s isn't a kind of hardware", kind), "write hardware ethernet 02:00:00:00:00:01;")
		return
	}
	s.host.hardware = []byte{}
	if !p.peek().is(";") {
		octets, ok := p.hexList()
		if !ok {
			return
		}
		if len(octets) > 20 {
			p.fail(t, "the hardware address is too long", "write up to 20 octets")
		}
		s.host.hardware = octets
	}
	p.semi()
}

func (p *parser) fixedAddress(t *token, s *scope) {
	if len(s.host.addresses) > 0 || s.host.ipv4 {
		p.bad(t, "the host has a fixed address already", "declare another host for the other address")
		return
	}
	for {
		if t.word() == "fixed-address" {
			if !p.hostOrAddress4() {
				return
			}
			s.host.ipv4 = true
		} else {
			a, ok := p.address6()
			if !ok {
				return
			}
			s.host.addresses = append(s.host.addresses, a)
		}
		if !p.take(",") {
			break
		}
	}
	p.semi()
}

// hostOrAddress4 reads an IPv4 address, or a name that dhcpd would look up.
func (p *parser) hostOrAddress4() bool {
	t := p.peek()
	if t.kind == kindNumber && p.at+2 < len(p.tokens) && p.tokens[p.at+1].is(".") && p.tokens[p.at+2].kind == kindNumber {
		_, ok := p.address4()
		return ok
	}
	if p.hostName() == "" {
		return p.bad(t, fmt.Sprintf("%s is neither an IPv4 address nor a name", t), "write it as 192.0.2.1")
	}
	return true
}

func (p *parser) fixedPrefix(s *scope) {
	a, ok := p.address6()
	if !ok {
		return
	}
	if !p.take("/") {
		p.bad(p.peek(), "fixed-prefix6 has no length", "write it as fixed-prefix6 2001:db8:8000::/56;")
		return
	}
	number := p.next()
	bits, err := strconv.Atoi(number.text)
	if number.kind != kindNumber || err != nil || bits < 0 || bits > 128 {
		p.bad(number, fmt.Sprintf("the fixed-prefix6's length is %s", number), "write a number from 0 to 128")
		return
	}
	if p.masked(number, a, bits) && p.semi() {
		s.host.prefixes = append(s.host.prefixes, netip.PrefixFrom(a, bits))
	}
}

// hostIdentifier reads by which option of the client's, or of a relay's, a host is known.
func (p *parser) hostIdentifier(t *token, s *scope) {
	how := p.next()
	switch how.word() {
	case "option":
	case "v6relopt":
		number := p.next()
		n, err := strconv.Atoi(number.text)
		if number.kind != kindNumber || err != nil {
			p.bad(number, fmt.Sprintf("the relay is %s", number), "write a number: 1 is the relay next to the client")
			return
		}
		s.host.relay = n
	default:
		p.bad(how, fmt.Sprintf("host-identifier is followed by %s", how), "write host-identifier option dhcp6.client-id 00:01:...;")
		return
	}
	if s.host.identifier != nil {
		p.bad(t, "the host has a host-identifier already", "keep one, or declare another host")
		return
	}
	option, ok := p.optionName(false)
	if !ok {
		return
	}
	value, ok := p.formatted(option.format)
	if !ok || !p.semi() {
		return
	}
	s.host.identifier, s.host.value = option, value
}

// identity is by what a host is known, as text that is the same for the same client, or why it can't be.
func (h *hostBody) identity() (key, why string) {
	option := uint32(0) // that names the client; 0: none of DHCPv6
	if h.identifier != nil && h.identifier.space.name == "dhcp6" && len(h.value) > 0 {
		option = h.identifier.code
	}
	switch {
	case option == 1 && h.relay <= 0:
		return fmt.Sprintf("duid %x", h.value), ""
	case option == 37 && h.relay > 0 && len(h.value) > 4:
		return fmt.Sprintf("remote-id %x", h.value), ""
	case option == 38 && h.relay > 0:
		return fmt.Sprintf("subscriber-id %x", h.value), ""
	case option == 18 && h.relay > 0:
		return fmt.Sprintf("interface-id %x", h.value), ""
	case len(h.hardware) > 0:
		return fmt.Sprintf("hardware %x", h.hardware), ""
	case h.identifier != nil:
		return "", "clients are known by their DUID or hardware address, or by the Remote-ID, Subscriber-ID or Interface-ID of a relay, not by " + h.identifier.full()
	default:
		return "", "nothing says for which client it is"
	}
}
