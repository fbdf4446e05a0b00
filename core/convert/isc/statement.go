package isc

import "fmt"

// within are the scopes that a declaration must not stand in, and how dhcpd calls it.
func (p *parser) misplaced(t *token, s *scope, kinds ...scopeKind) bool {
	for _, k := range kinds {
		if s.kind == k {
			p.bad(t, t.text+" can't stand inside of a "+s.kind.String(), "move it out of it")
			return true
		}
	}
	return false
}

// String is the scope as the file calls it.
func (k scopeKind) String() string {
	return [...]string{"file", "group", "shared-network", "subnet6", "pool6", "class", "host", "statement"}[k]
}

// statement reads one statement of a scope. After a fault it goes on behind the statement.
func (p *parser) statement(s *scope) {
	t := p.peek()
	switch t.word() {
	case "include":
		p.include(s)
	case "host":
		p.next()
		if !p.misplaced(t, s, scopeHost, scopeClass) {
			p.hostDeclaration(t, s)
		}
	case "group":
		if s.kind == scopeHost {
			p.next()
			p.hostGroup(t, s)
			return
		}
		p.next()
		if !p.misplaced(t, s, scopeClass) {
			p.group(t, s)
		}
	case "shared-network", "subnet6", "subnet", "pool", "pool6", "range", "range6", "prefix6", "interface":
		p.network(t, s)
	case "class", "subclass", "vendor-class", "user-class":
		p.next()
		if !p.misplaced(t, s, scopeClass) {
			p.classDeclaration(t, s)
		}
	case "hardware", "fixed-address", "fixed-address6", "fixed-prefix6", "host-identifier", "uid", "dynamic", "deleted":
		p.hostStatement(t, s)
	case "match", "spawn", "lease":
		p.classStatement(t, s)
	case "allow", "deny", "ignore":
		p.allowDeny(t, s)
	case "not", "authoritative":
		p.authoritative(t, s)
	case "option":
		p.optionStatement(t, s)
	default:
		p.whole(t, s)
	}
}

// whole reads what belongs to the whole server wherever it stands, and statements that are executed for a message.
func (p *parser) whole(t *token, s *scope) {
	switch t.word() {
	case "server-identifier":
		p.next()
		p.assign(t, s, "", p.spaces["dhcp"].names["dhcp-server-identifier"])
	case "failover":
		p.bad(t, "failover is for DHCPv4 only; a server of DHCPv6 has no pool for it", "remove the declaration")
	case "server-duid":
		p.next()
		p.serverDUID(t)
	case "lease-id-format", "db-time-format":
		p.next()
		p.format(t, s)
	case "key":
		p.next()
		p.key(t)
	case "zone":
		p.next()
		p.zone(t)
	default:
		p.executable(t, s)
	}
}

func (p *parser) group(t *token, s *scope) {
	g := &scope{kind: scopeGroup, at: t.at, parent: s}
	if n := p.peek(); n.name() || n.kind == kindText {
		p.next()
		g.name = n.text
		p.groups[n.text] = true
	}
	s.inner = append(s.inner, g)
	p.body(g)
}

func (p *parser) authoritative(t *token, s *scope) {
	p.next()
	if t.word() == "not" && !p.takeWord("authoritative") {
		p.bad(p.peek(), "not stands before something else than authoritative", "write not authoritative;")
		return
	}
	if s.kind == scopeHost {
		p.fail(t, "authoritative makes no sense in a host", "move it out of it")
	}
	if p.semi() {
		s.note(t.at, t.text, "it is about NAKs, which only DHCPv4 has")
	}
}

// keywords of allow and deny outside of pools. What they say counts for DHCPv4 only, but for leasequery.
var allowed = map[string]string{
	"bootp": "allow-bootp", "booting": "allow-booting", "dynamic-bootp": "dynamic-bootp", "unknown-clients": "boot-unknown-clients",
	"duplicates": "duplicates", "declines": "declines", "client-updates": "client-updates", "leasequery": "leasequery",
}

func (p *parser) allowDeny(t *token, s *scope) {
	p.next()
	if s.kind == scopePool && t.word() != "ignore" {
		p.permission(t, s)
		return
	}
	what := p.peek()
	name, ok := allowed[what.word()]
	if !ok {
		remedy := "write unknown-clients, leasequery or client-updates"
		if w := what.word(); w == "members" || w == "unknown" || w == "known" || w == "all" {
			remedy = "permissions of clients stand inside of pool6 { ... }"
		}
		p.bad(what, fmt.Sprintf("%s %s isn't known here", t.text, what), remedy)
		return
	}
	p.next()
	if !p.semi() {
		return
	}
	value := map[string]byte{"deny": 0, "allow": 1, "ignore": 2}[t.word()]
	s.settings = append(s.settings, setting{at: t.at, option: p.spaces["server"].names[name], data: []byte{value}, fixed: true})
}

// format reads lease-id-format and db-time-format, which are about the file of leases.
func (p *parser) format(t *token, s *scope) {
	w := p.peek()
	ok := w.word() == "octal" || w.word() == "hex"
	remedy := "write octal or hex"
	if t.word() == "db-time-format" {
		ok = w.word() == "default" || w.word() == "local"
		remedy = "write default or local"
	}
	if !ok {
		p.bad(w, fmt.Sprintf("%s is %s", t.text, w), remedy)
		return
	}
	p.next()
	if p.semi() {
		s.odd(t.at, t.text, "leases are kept in another form here")
	}
}
