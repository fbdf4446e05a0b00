package isc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// A Result is what a configuration becomes.
type Result struct {
	Draft   *draft.Draft
	Secrets []draft.Secret // what the new configuration names as file:NAME
}

// Convert translates a configuration. What dhcpd itself would refuse is an error of type draft.Faults.
func Convert(src *Source) (*Result, error) {
	root, k := parse(src)
	if len(k.faults) > 0 {
		return nil, k.faults
	}
	t := &translator{known: k, d: draft.New(), root: root, global: inEffect(root), interfaces: src.Interfaces, done: make(map[draft.Place]bool),
		named: make(map[string]bool), classNames: make(map[*scope]string), optionNames: make(map[*option]string), prefixes: make(map[netip.Prefix]bool), placed: make(map[*scope]bool)}
	t.collect(root)
	t.gather()
	t.server()
	t.putClasses()
	t.putLinks()
	t.leftovers()
	return &Result{t.d, t.secrets}, nil
}

// A translator writes a configuration of ours.
type translator struct {
	*known
	d          *draft.Draft
	root       *scope
	global     *values
	interfaces []Interface
	secrets    []draft.Secret

	links    []*link
	nets     []*scope // shared networks, and subnets that are none's
	declared []*scope // hosts
	ordered  []*scope // classes, in the order of the file
	all      []*scope // all scopes

	done        map[draft.Place]bool // settings that were told of or taken over
	named       map[string]bool      // names of links
	classNames  map[*scope]string
	usedClasses map[string]bool

	optionNames map[*option]string    // "": it has none
	prefixes    map[netip.Prefix]bool // link-addresses that a link has
	heard       []string              // interfaces that links have
	reserved    []netip.Prefix        // what hosts have for themselves
	placed      map[*scope]bool       // hosts that have a reservation
	spans       []span                // what pools have
	tellsKeeps  bool                  // it is told that who has a lease keeps it
}

// collect lists scopes by what they are.
func (t *translator) collect(s *scope) {
	t.all = append(t.all, s)
	switch s.kind {
	case scopeShared:
		t.nets = append(t.nets, s)
	case scopeSubnet:
		if s.link() == s && !s.ipv4 {
			t.nets = append(t.nets, s)
		}
	case scopeHost:
		t.declared = append(t.declared, s)
	case scopeClass:
		t.ordered = append(t.ordered, s)
		t.all = append(t.all, s.class.subs...)
	}
	for _, in := range s.inner {
		t.collect(in)
	}
}

// took counts a setting that is translated, once.
func (t *translator) took(s setting) {
	if !t.done[s.at] {
		t.done[s.at] = true
		t.d.Took(1)
	}
}

// lost says that a setting has no equal, once.
func (t *translator) lost(n *draft.Node, s setting, why string) {
	if !t.done[s.at] {
		t.done[s.at] = true
		t.d.Lost(n, s.at, s.option.full(), why)
	}
}

// told notes a setting that needs no equal, once.
func (t *translator) told(n *draft.Node, s setting, why string) {
	if !t.done[s.at] {
		t.done[s.at] = true
		t.d.Note(n, s.at, s.option.full(), why)
	}
}

// remarks tells what has no equal in a scope.
func (t *translator) remarks(n *draft.Node, s *scope) {
	for _, o := range s.oddities {
		if o.note {
			t.d.Note(n, o.at, o.what, o.why)
		} else {
			t.d.Lost(n, o.at, o.what, o.why)
		}
	}
	s.oddities = nil
}

// leftovers tells of settings that nothing was done with: where they stand they have no effect that could be kept.
func (t *translator) leftovers() {
	root := t.d.Root()
	for _, h := range t.declared {
		if key, _ := h.host.identity(); key != "" && !t.placed[h] && len(h.host.addresses) == 0 && !h.host.ipv4 {
			t.d.Note(root, h.at, "host "+h.name, "nothing is reserved for it, so that it only makes the client known")
		}
	}
	for _, s := range t.all {
		t.remarks(root, s)
		for _, set := range s.settings {
			if why := t.why(set); why != "" {
				t.lost(root, set, why)
			}
		}
		if s.kind == scopeSubnet && s.ipv4 {
			t.d.Lost(root, s.at, "subnet "+s.prefix.String(), "it is for DHCPv4")
		}
	}
}

// why tells why a setting has no equal.
func (t *translator) why(s setting) string {
	switch o := s.option; {
	case !s.fixed && o.format != "Z":
		return "its value is computed for each message; what depends on the client's message can be a class"
	case o.space.name == "dhcp":
		return "it is an option of DHCPv4"
	case o.space.name == "server":
		if why := parameterWhy[o.name]; why != "" {
			return why
		}
		return "it is about DHCPv4"
	case o.space.name == "dhcp6":
		if why := codeWhy[o.code]; why != "" {
			return why
		}
		return "nobody gets leases by it, or another place says otherwise"
	case o.space.name == "fqdn":
		return "names are told as dns says"
	default:
		return "its space isn't in an option of DHCPv6"
	}
}

// parameterWhy tells of parameters why they have no equal, or not there.
var parameterWhy = map[string]string{
	"default-lease-time":         "lifetimes are of a link, a pool or a class here; nobody gets leases by this one",
	"preferred-lifetime":         "lifetimes are of a link, a pool or a class here; nobody gets leases by this one",
	"dhcpv6-set-tee-times":       "lifetimes are of a link, a pool or a class here",
	"lease-file-name":            "leases are kept in store.path",
	"dhcpv6-lease-file-name":     "leases are kept in store.path; import reads dhcpd's file",
	"pid-file-name":              "there is no such file",
	"dhcpv6-pid-file-name":       "there is no such file",
	"omapi-port":                 "there is the HTTP interface of admin instead",
	"omapi-key":                  "there is the HTTP interface of admin, with a token, instead",
	"log-facility":               "messages go to standard error, and from there to the journal",
	"local-port":                 "listen.addresses can have ports",
	"local-address6":             "listen.addresses says where relays' messages are taken",
	"bind-local-address6":        "listen.addresses says where relays' messages are taken",
	"limit-addrs-per-ia":         "an IA has one address, and what is reserved for it; limits bounds a client's leases",
	"limit-prefs-per-ia":         "an IA has one prefix, and what is reserved for it; limits bounds a client's leases",
	"dhcp-cache-threshold":       "store.renew-cache is a share of T1; without it each renewal is written",
	"dont-use-fsync":             "store.sync never is as bold; by default a lease is on the disk before it is granted",
	"delayed-ack":                "writes are grouped by themselves",
	"max-ack-delay":              "writes are grouped by themselves",
	"release-on-roam":            "a client that comes on another link keeps what it had on the former one until it ends",
	"abandon-lease-time":         "decline.quarantine says how long a declined address is kept from everybody",
	"log-threshold-low":          "the metrics show how full pools are",
	"log-threshold-high":         "the metrics show how full pools are",
	"boot-unknown-clients":       "dhcpd looks at it for DHCPv4 only; in a pool6 `deny unknown clients` counts",
	"vendor-option-space":        "it is about option 43 of DHCPv4",
	"site-option-space":          "it is about options of DHCPv4",
	"declines":                   "declined addresses are always put aside, up to decline.max-per-client of a client",
	"leasequery":                 "leasequery is for the whole server",
	"ddns-hostname":              "a name is a reservation's hostname here",
	"ddns-domainname":            "dns says how clients are named",
	"ddns-rev-domainname":        "reverse zones are under ip6.arpa",
	"ddns-updates":               "dns says whose names are kept",
	"ddns-ttl":                   "dns.ttl is for the whole server",
	"ddns-update-style":          "without zones that take updates nothing is kept in DNS",
	"client-updates":             "dns.allow-own-updates says that",
	"do-forward-updates":         "forward records are kept where a zone of dns.zones has the name",
	"do-reverse-updates":         "reverse records are kept where a zone of dns.zones has the address",
	"update-optimization":        "records are compared before they are changed",
	"update-conflict-detection":  "dns.conflicts says that for the whole server",
	"update-static-leases":       "reserved leases have names like all others",
	"ddns-local-address4":        "the system chooses the address that updates are sent from",
	"ddns-local-address6":        "the system chooses the address that updates are sent from",
	"ddns-dual-stack-mixed-mode": "records are of DHCPv6 alone",
	"ddns-guard-id-must-match":   "a name is its client's (RFC 4703)", "ddns-other-guard-is-dynamic": "a name is its client's (RFC 4703)",
	"fqdn-reply":          "clients that send their name are told it back",
	"ignore-client-uids":  "identity says by what clients are known",
	"use-host-decl-names": "a name is a reservation's hostname here",
}

// codeWhy tells of options of DHCPv6 why they can't be set.
var codeWhy = map[uint32]string{
	1: "clients send it", 3: "the server writes it itself", 4: "temporary addresses are obsolete (RFC 9915)", 5: "the server writes it itself",
	2: "the server has one DUID, server.duid", 6: "only clients send it", 7: "the server has one preference, server.preference", 8: "only clients send it", 9: "the server writes it itself",
	12: "server unicast is obsolete (RFC 9915)", 13: "the server writes it itself", 18: "the server writes it itself", 19: "the server writes it itself",
	20: "the server writes it itself, where reconfigure says so", 25: "the server writes it itself", 26: "the server writes it itself",
	37: "only relays send it", 38: "only relays send it", 39: "the server writes it itself, as dns says", 43: "only relays send it",
	44: "it belongs to leasequery", 45: "it belongs to leasequery", 46: "it belongs to leasequery", 47: "it belongs to leasequery",
	48: "it belongs to leasequery", 62: "only clients send it", 79: "only relays send it", 87: "the server writes it itself", 135: "the server writes it itself",
}

// linkName gives a link a name that no other one has.
func (t *translator) linkName(want string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '-'
		}
		return r
	}, want)
	if len(name) > 60 {
		name = strings.ToValidUTF8(name[:60], "")
	}
	base := name
	for i := 2; t.named[name]; i++ {
		name = fmt.Sprintf("%.57s-%d", base, i)
	}
	t.named[name] = true
	return name
}

// one is a list's only entry, or the list.
func one(items []string) *draft.Node {
	if len(items) == 1 {
		return draft.Text(items[0])
	}
	return draft.Texts(items...)
}

// overlaps tells whether two ranges of addresses do.
func overlaps(first, last netip.Addr, p netip.Prefix) bool {
	return !last.Less(p.Addr()) && !lastOf(p).Less(first)
}

// taken tells whether somebody has some of a prefix reserved already.
func (t *translator) taken(p netip.Prefix) bool { return slices.ContainsFunc(t.reserved, p.Overlaps) }
