package kea

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// zones writes zones and keys of kea-dhcp-ddns.
func (t *translator) zones(out *draft.Node) {
	if t.d2 == nil {
		if out.Get("updates") == nil {
			out.Set("updates", draft.Bool(false))
			t.d.Changed(out, t.kea.get("dhcp-ddns").at, "dhcp-ddns", "the zones stand in the configuration of kea-dhcp-ddns: give that file to --d2; without zones nothing is updated")
		}
		return
	}
	keys := make(map[string]string)
	for _, v := range t.d2.list("tsig-keys") {
		t.key(out, v, keys)
	}
	for _, part := range []string{"forward-ddns", "reverse-ddns"} {
		for _, v := range t.d2.get(part).valueOf().list("ddns-domains") {
			t.zone(out, v, keys)
		}
	}
	for _, f := range t.d2.fields {
		if contains([]string{"ip-address", "port", "ncr-protocol", "ncr-format", "control-socket", "control-sockets", "hooks-libraries", "loggers"}, f.name) {
			f.value.settle()
			f.fate = fateNoted
		}
	}
	if f := t.d2.get("dns-server-timeout"); f != nil {
		out.Set("timeout", draft.Seconds(uint32(max(1, min(60, f.number/1000)))))
	}
	if out.Get("zones") == nil || out.List("zones").Len() == 0 {
		out.Set("updates", draft.Bool(false))
	}
}

// key writes a key of TSIG, whose secret goes into a file of its own.
func (t *translator) key(out *draft.Node, v *value, keys map[string]string) {
	name := strings.TrimSuffix(v.str("name"), ".")
	algorithm := strings.ToLower(v.str("algorithm"))
	list := out.List("keys")
	if !contains([]string{"hmac-sha256", "hmac-sha384", "hmac-sha512"}, algorithm) {
		v.settle()
		t.lost(list, v, "tsig-key "+name, fmt.Sprintf("algorithm %s is too weak; make one for HMAC-SHA256, and name it at its zones", v.str("algorithm")))
		return
	}
	if f := v.get("digest-bits"); f != nil && f.number != 0 {
		t.lost(list, f.value, "digest-bits of tsig-key "+name, "signatures aren't cut off")
	}
	n := draft.Map().From(v.at)
	n.Set("name", draft.Text(name))
	n.Set("algorithm", draft.Text(algorithm))
	file := v.str("secret-file")
	if secret := v.str("secret"); secret != "" {
		file = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
				return r
			}
			return '-'
		}, name) + ".key"
		t.secrets = append(t.secrets, draft.Secret{Name: file, Data: []byte(secret + "\n")})
	}
	n.Set("secret", draft.Text("file:"+file))
	list.Append(n)
	keys[v.str("name")] = name
}

func (t *translator) zone(out *draft.Node, v *value, keys map[string]string) {
	list := out.List("zones")
	name := strings.TrimSuffix(v.str("name"), ".")
	if strings.HasSuffix(name, "in-addr.arpa") {
		t.lost(list, v, "zone "+name, "it is for IPv4 addresses")
		for _, item := range v.list("dns-servers") {
			item.settle()
		}
		return
	}
	n := draft.Map().From(v.at)
	n.Set("zone", draft.Text(zoneName(name)))
	key := v.str("key-name")
	servers := n.List("servers")
	for _, s := range v.list("dns-servers") {
		address, err := netip.ParseAddr(s.str("ip-address"))
		if err != nil {
			t.lost(list, s, "a server of zone "+name, "it has no address")
			continue
		}
		port := uint16(53)
		if f := s.get("port"); f != nil {
			port = uint16(f.number)
		}
		if port == 53 {
			servers.Append(draft.Text(address.String()))
		} else {
			servers.Append(draft.Text(netip.AddrPortFrom(address, port).String()))
		}
		if own := s.str("key-name"); own != "" && own != key {
			key = own
		}
		skip(s, "hostname")
	}
	switch {
	case servers.Len() == 0:
		t.lost(list, v, "zone "+name, "it has no server")
		return
	case key != "" && keys[key] != "":
		n.Set("key", draft.Text(keys[key]))
	case key != "":
		t.lost(list, v, "key-name "+key+" of zone "+name, "the key isn't translated, so its updates aren't signed")
	}
	list.Append(n)
}

// zoneName is a zone as our configuration has it: a reverse zone is its prefix.
func zoneName(name string) string {
	digits, ok := strings.CutSuffix(strings.ToLower(name), ".ip6.arpa")
	if !ok {
		return name
	}
	labels := strings.Split(digits, ".")
	var octets [16]byte
	for i, label := range labels {
		place := len(labels) - 1 - i
		if len(label) != 1 || !strings.Contains("0123456789abcdef", label) || place > 31 {
			return name
		}
		octets[place/2] |= byte(strings.Index("0123456789abcdef", label)) << (4 * (1 - place%2))
	}
	return netip.PrefixFrom(netip.AddrFrom16(octets), 4*len(labels)).String()
}
