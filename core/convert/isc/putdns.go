package isc

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// dns writes what is kept in DNS, where dhcpd keeps anything there.
func (t *translator) dns(root *draft.Node) {
	style, ok := t.global.parameter(t.known, "ddns-update-style")
	if !ok || len(style.data) != 1 || style.data[0] < 2 || len(t.zones) == 0 {
		for _, z := range t.zones {
			t.d.Lost(root, z.at, "zone "+z.name, "nothing is kept in DNS without ddns-update-style")
		}
		if ok && len(style.data) == 1 && style.data[0] == 0 {
			t.took(style)
		}
		return
	}
	n := root.Map("dns").From(style.at)
	t.took(style)
	if style.data[0] == 2 {
		t.d.Changed(n, style.at, "ddns-update-style interim", "whose a name is stands in DHCID records (RFC 4701), not in TXT")
	}
	if s, ok := t.global.parameter(t.known, "ddns-updates"); ok {
		n.Set("updates", draft.Bool(s.data[0] == 1))
		t.took(s)
	}
	if s, ok := t.global.parameter(t.known, "ddns-domainname"); ok && len(s.data) > 0 {
		n.Set("domain", draft.Text(strings.TrimSuffix(string(s.data), "."))).From(s.at)
		t.took(s)
	}
	if s, ok := t.global.parameter(t.known, "ddns-ttl"); ok && len(s.data) == 4 {
		ttl, _ := t.global.seconds(t.known, "ddns-ttl")
		n.Set("ttl", draft.Seconds(ttl)).From(s.at)
		t.took(s)
	}
	own := true // dhcpd lets clients that want it keep their AAAA record
	if s, ok := t.global.parameter(t.known, "client-updates"); ok {
		own = s.data[0] == 1
		t.took(s)
	}
	n.Set("allow-own-updates", draft.Bool(own))
	if s, ok := t.global.parameter(t.known, "update-conflict-detection"); ok && s.data[0] == 0 {
		n.Set("conflicts", draft.Text("take-over"))
		t.took(s)
	}
	used := make(map[*key]bool)
	for _, z := range t.zones {
		t.dnsZone(n, z, used)
	}
}

func (t *translator) dnsZone(n *draft.Node, z *zone, used map[*key]bool) {
	list := n.List("zones")
	name := strings.TrimSuffix(z.name, ".")
	switch {
	case strings.HasSuffix(strings.ToLower(name), "in-addr.arpa"):
		t.d.Lost(list, z.at, "zone "+name, "it is for IPv4 addresses")
		return
	case len(z.servers) == 0:
		t.d.Lost(list, z.at, "zone "+name, "its primary must be given by its address")
		return
	case z.names:
		t.d.Changed(list, z.at, "zone "+name, "servers are given by their addresses; those with names are left out")
	}
	t.d.Took(1)
	zone := list.Append(draft.Map()).From(z.at)
	zone.Set("zone", draft.Text(name))
	var servers []string
	seen := make(map[string]bool)
	for _, s := range z.servers {
		if !seen[s] {
			servers = append(servers, s)
		}
		seen[s] = true
	}
	zone.Set("servers", draft.Texts(servers...))
	if z.key == nil {
		return
	}
	algorithm, _, _ := strings.Cut(z.key.algorithm, ".")
	if algorithm != "hmac-sha256" && algorithm != "hmac-sha384" && algorithm != "hmac-sha512" {
		t.d.Lost(zone, z.key.at, "key "+z.key.name, fmt.Sprintf("%s is too weak; make a key with tsig-keygen for both sides", algorithm))
		return
	}
	zone.Set("key", draft.Text(z.key.name))
	if used[z.key] {
		return
	}
	used[z.key] = true
	t.d.Took(1)
	k := n.List("keys").Append(draft.Map()).From(z.key.at)
	k.Set("name", draft.Text(z.key.name))
	k.Set("algorithm", draft.Text(algorithm))
	file := secretFile(z.key.name)
	k.Set("secret", draft.Text("file:"+file))
	t.secrets = append(t.secrets, draft.Secret{Name: file, Data: []byte(z.key.secret + "\n")})
}

// secretFile is the name of the file that a key goes into.
func secretFile(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && isNamePart(byte(r)) {
			return r
		}
		return '-'
	}, name) + ".key"
}

// linkDNS writes how a link's clients are named, in what differs.
func (t *translator) linkDNS(n *draft.Node, v *values) {
	if t.d.Root().Get("dns") == nil {
		return
	}
	own := v.beyond(t.global)
	if s, ok := own.parameter(t.known, "ddns-updates"); ok {
		n.Map("dns").Set("updates", draft.Bool(s.data[0] == 1))
		t.took(s)
	}
	if s, ok := own.parameter(t.known, "ddns-domainname"); ok && len(s.data) > 0 {
		n.Map("dns").Set("domain", draft.Text(strings.TrimSuffix(string(s.data), "."))).From(s.at)
		t.took(s)
	}
	if s, ok := own.parameter(t.known, "client-updates"); ok {
		n.Map("dns").Set("allow-own-updates", draft.Bool(s.data[0] == 1))
		t.took(s)
	}
}

// asPrefix is the prefix that a range of addresses is, where it is one.
func asPrefix(first, last netip.Addr) (netip.Prefix, bool) {
	for bits := 0; bits <= 128; bits++ {
		if p := netip.PrefixFrom(first, bits); p.Masked() == p && lastOf(p) == last {
			return p, true
		}
	}
	return netip.Prefix{}, false
}
