package config

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/naming"
)

// name is the domain name in lower case. Lengths of labels are less than any letter.
func (d *domain) name() naming.Name { return bytes.ToLower(d.encoded) }

// plainName is a name as a file has it.
func plainName(n naming.Name) string { return strings.TrimSuffix(n.String(), ".") }

// zoneName is a zone's name, or of a reverse zone the prefix whose addresses' names it has (RFC 3596, Section 2.5).
type zoneName struct {
	leaf
	value naming.Name
}

var (
	reverseRoot = naming.ReverseZone(&[16]byte{}, 0)
	otherRoot   = naming.Name("\x07in-addr\x04arpa\x00")
)

func (z *zoneName) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	z.place, z.given = at, true
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "/") {
		prefix, ok := c.parsePrefix(n.Value, at)
		if !ok {
			return
		}
		if prefix.Bits()%4 != 0 {
			c.fail(at, printable(n.Value)+" is no reverse zone", "its length must be a multiple of 4: write the zones within it, or the one around it, "+around(prefix))
			return
		}
		addr := prefix.Addr().As16()
		z.value, z.ok = naming.ReverseZone(&addr, uint8(prefix.Bits())), true
		return
	}
	var d domain
	if d.read(c, n, at, tag); !d.ok {
		return
	}
	if z.value = d.name(); z.value.Under(otherRoot) {
		c.fail(at, printable(n.Value)+" is for IPv4 addresses", "leave it to the DHCPv4 server")
		return
	}
	z.ok = true
}

// around is the shortest reverse zone's prefix that a prefix lies in.
func around(p netip.Prefix) string {
	return netip.PrefixFrom(p.Addr(), p.Bits()/4*4).Masked().String()
}
