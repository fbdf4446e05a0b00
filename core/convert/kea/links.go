package kea

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// subnet is one of Kea's subnets.
type subnet struct {
	*value
	net    *value // its shared network, or nil
	prefix netip.Prefix
	id     uint32
	pools  []*pool
	hosts  []*host

	// What it has otherwise than its link: options, options of the link that it hasn't, lifetimes.
	extra []*datum
	never []uint16
	life  *times // nil: the link's
}

// scopes are the maps from which a subnet's settings are inherited, the innermost first.
func (t *translator) scopes(s *subnet) []*value {
	if s.net == nil {
		return []*value{s.value, t.kea}
	}
	return []*value{s.value, s.net, t.kea}
}

// link is what one or several subnets become.
type link struct {
	name    string
	net     *value // the shared network, or nil
	subnets []*subnet
	found   []string // interfaces
	out     *draft.Node
}

// head is the map whose settings are the link's: the shared network's, or those of its first subnet.
func (l *link) head() *value {
	if l.net != nil {
		return l.net
	}
	return l.subnets[0].value
}

// readInterfaces reads where Kea listens.
func (t *translator) readInterfaces() {
	for _, item := range t.kea.get("interfaces-config").valueOf().list("interfaces") {
		if item.kind != kindString {
			continue
		}
		name, _, _ := strings.Cut(item.text, "/")
		if name == "*" {
			t.anywhere = true
		} else if !config.InterfaceName(name) {
			t.refuse(item.at, strconv.Quote(name)+" can't be an interface's name, and Kea refuses interfaces that aren't there", "`ip link` lists them")
		} else if !slices.Contains(t.listening, name) {
			t.listening = append(t.listening, name)
		}
	}
}

// readLinks reads shared networks and subnets, and finds what Kea refuses of them.
func (t *translator) readLinks() {
	t.checkNetwork(t.kea, t.kea)
	names := make(map[string]bool)
	seen := &subnetsSeen{prefixes: make(map[netip.Prefix]bool), ids: make(map[uint32]bool)}
	for _, net := range t.kea.list("shared-networks") {
		name := net.get("name")
		switch {
		case name == nil || name.text == "":
			t.refuse(net.at, "a shared network has no name", "give it one")
			continue
		case names[name.text]:
			t.refuse(name.at, fmt.Sprintf("there are two shared networks %q", name.text), "")
			continue
		}
		names[name.text] = true
		t.checkNetwork(net, net, t.kea)
		l := &link{name: t.linkName(name.text), net: net}
		for _, v := range net.list("subnet6") {
			if s := t.readSubnet(v, net, seen); s != nil {
				l.subnets = append(l.subnets, s)
			}
		}
		t.checkRapid(l)
		t.links = append(t.links, l)
	}
	for _, v := range t.kea.list("subnet6") {
		if s := t.readSubnet(v, nil, seen); s != nil {
			t.links = append(t.links, &link{name: t.linkName(fmt.Sprintf("subnet-%d", s.id)), subnets: []*subnet{s}})
		}
	}
}

// shorten is as much of a text as has so many octets at most.
func shorten(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// linkName is a name that no other link has. Kea takes names of any length and of any octets, and here they are up to 63 printable ones.
func (t *translator) linkName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '-'
		}
		return r
	}, name)
	free := shorten(name, 63)
	for n := 2; t.usedNames[free]; n++ {
		free = fmt.Sprintf("%s-%d", shorten(name, 55), n)
	}
	t.usedNames[free] = true
	return free
}

// subnetsSeen finds subnets that there are twice.
type subnetsSeen struct {
	prefixes map[netip.Prefix]bool
	ids      map[uint32]bool
	next     uint32 // how many subnets had no ID, for which Kea counts from 1
}

func (t *translator) readSubnet(v, net *value, seen *subnetsSeen) *subnet {
	s := &subnet{value: v, net: net}
	f := v.get("subnet")
	if f == nil {
		t.refuse(v.at, "a subnet has no prefix", `give it "subnet": "2001:db8:1::/64"`)
		return nil
	}
	var err error
	if s.prefix, err = parsePrefix(f.text); err != nil {
		t.refuse(f.at, "subnet: "+err.Error(), "")
		return nil
	}
	if id := v.get("id"); id != nil && id.number != 0 {
		s.id = uint32(id.number)
	} else {
		seen.next++
		s.id = seen.next
	}
	switch {
	case seen.prefixes[s.prefix]:
		t.refuse(f.at, fmt.Sprintf("there are two subnets %v", s.prefix), "")
	case s.id == 1<<32-1:
		t.refuse(v.at, fmt.Sprintf("subnet %v has the id %d", s.prefix, s.id), "ids go up to 4294967294")
	case seen.ids[s.id]:
		t.refuse(v.at, fmt.Sprintf("subnet %v has the id %d, which another one has", s.prefix, s.id), "give each subnet its own")
	}
	seen.prefixes[s.prefix], seen.ids[s.id] = true, true
	t.checkNetwork(v, t.scopes(s)...)
	t.readPools(s)
	t.readHosts(s)
	return s
}

// checkNetwork finds what Kea refuses of what a subnet and a shared network have alike.
func (t *translator) checkNetwork(v *value, scopes ...*value) {
	t.checkTimes(scopes...)
	t.readOptions(v)
	if a, b := v.get("interface"), v.get("interface-id"); a != nil && b != nil && a.text != "" && b.text != "" {
		t.refuse(b.at, "interface (for clients on it) and interface-id (for clients behind relays) exclude each other", "keep one of the two")
	}
	if mode := v.get("reservation-mode"); mode != nil {
		for _, name := range []string{"reservations-global", "reservations-in-subnet", "reservations-out-of-pool"} {
			if f := v.get(name); f != nil {
				t.refuse(f.at, fmt.Sprintf("reservation-mode and %s exclude each other", name), "keep "+name)
			}
		}
	}
	relay := v.get("relay").valueOf()
	if relay.has("ip-address") && relay.has("ip-addresses") {
		t.refuse(relay.at, "ip-address and ip-addresses of a relay exclude each other", "keep ip-addresses")
	}
	seen := make(map[string]bool)
	for _, text := range append(relay.texts("ip-addresses"), relay.one("ip-address")...) {
		if seen[text] {
			t.refuse(relay.at, fmt.Sprintf("relay address %q stands there twice", text), "")
		}
		seen[text] = true
		if _, err := parseAddr(text); err != nil {
			t.refuse(relay.at, fmt.Sprintf("relay address %q %v", text, err), "")
		}
	}
}

// one is a field's text as a list, empty where there is none.
func (v *value) one(name string) []string {
	if s := v.str(name); s != "" {
		return []string{s}
	}
	return nil
}

// checkRapid finds subnets of a shared network that differ in rapid-commit.
func (t *translator) checkRapid(l *link) {
	for i, s := range l.subnets {
		if flag("rapid-commit", false, s.value, l.net) != flag("rapid-commit", false, l.subnets[0].value, l.net) {
			t.refuse(s.at, fmt.Sprintf("subnet %v has another rapid-commit than subnet %v of the same shared network", l.subnets[i].prefix, l.subnets[0].prefix), "")
			return
		}
	}
}
