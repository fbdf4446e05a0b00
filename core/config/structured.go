package config

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

// structuredOptions are those whose data isn't a record of plain types, or has rules of its own.
func structuredOptions() []optionSpec {
	return []optionSpec{
		{
			code: 16, names: []string{"vendor-class"}, raw: reflect.TypeFor[[]rawVendorClass](), encode: encodeVendorClass,
			about: "The vendor of the server's hardware, once per enterprise number (RFC 9915, Section 21.16).", example: "[{enterprise: 4491, data: [eRouter1.0]}]",
		},
		{
			code: 17, names: []string{"vendor-options", "vendor-opts"}, raw: reflect.TypeFor[[]rawVendorOptions](), encode: encodeVendorOptions,
			about: "Vendor-specific suboptions, once per enterprise number (RFC 9915, Section 21.17).", example: "[{enterprise: 4491, options: [{code: 32, type: ipv6-address, array: true, value: [\"2001:db8::1\"]}]}]",
		},
		{
			code: 32, names: []string{"information-refresh", "information-refresh-time", "info-refresh-time"}, raw: reflect.TypeFor[span](), tag: refreshBounds, encode: encodeSpan(32, refreshBounds),
			about: "How long clients keep what an Information-request told them: 10 minutes or more (RFC 9915, Section 21.23).", example: "1d",
		},
		{
			code: 41, names: []string{"timezone"}, raw: reflect.TypeFor[rawTimezone](), encode: encodeTimezone,
			about: "Time zone in both forms (RFC 4833): options 41 and 42.", example: "{posix: \"CET-1CEST,M3.5.0,M10.5.0/3\", tzdb: Europe/Berlin}",
		},
		{
			code: 56, names: []string{"ntp-servers", "ntp-server"}, raw: reflect.TypeFor[texts](), encode: encodeNTP,
			about: "NTP servers: addresses, multicast addresses or domain names (RFC 5908).", example: "[\"2001:db8::123\", \"ff05::101\", ntp.example.net]",
		},
		{
			code: 59, names: []string{"boot-file-url", "bootfile-url"}, raw: reflect.TypeFor[text](), encode: encodeURL(59, ""),
			about: "Where the boot file is (RFC 5970). IPv6 addresses stand in brackets.", example: "\"tftp://[2001:db8::69]/boot.efi\"",
		},
		{
			code: 82, names: []string{"sol-max-rt", "solmax-rt"}, raw: reflect.TypeFor[span](), tag: maxRTBounds, encode: encodeSpan(82, maxRTBounds),
			about: "The longest pause between a client's Solicits (RFC 9915, Section 21.24).", example: "1h",
		},
		{
			code: 83, names: []string{"inf-max-rt"}, raw: reflect.TypeFor[span](), tag: maxRTBounds, encode: encodeSpan(83, maxRTBounds),
			about: "The longest pause between a client's Information-requests (RFC 9915, Section 21.25).", example: "1h",
		},
		{
			code: 103, names: []string{"captive-portal", "v6-captive-portal"}, raw: reflect.TypeFor[text](), encode: encodeURL(103, "https"),
			about: "The captive portal's API (RFC 8910), or urn:ietf:params:capport:unrestricted where there is none.", example: "\"https://portal.example.net/api\"",
		},
		{
			code: 144, names: []string{"encrypted-dns", "v6-dnr", "dnr"}, raw: reflect.TypeFor[[]rawResolver](), encode: encodeResolvers,
			about: "DNS servers that speak an encrypted protocol (RFC 9463).", example: "[{name: doh1.example.net, addresses: [\"2001:db8::53\"], alpn: [h2, dot], dohpath: \"/dns-query{?dns}\"}]",
		},
	}
}

type rawVendorClass struct {
	At         place    `json:"-"`
	Enterprise number   `json:"enterprise" jsonschema:"The vendor's enterprise number." example:"4491"`
	Data       []octets `json:"data" jsonschema:"Text, or hexadecimal as 0x0a0b or 0a:0b." min:"1" max:"65535" example:"[eRouter1.0]"`
}

type rawVendorOptions struct {
	At         place         `json:"-"`
	Enterprise number        `json:"enterprise" jsonschema:"The vendor's enterprise number." example:"4491"`
	Options    rawSuboptions `json:"options" jsonschema:"Its suboptions: a table by name, of those that option-definitions has for the enterprise and of CableLabs (4491), or a list by code." example:"[{code: 1, hex: 0a0b}]"`
}

type rawTimezone struct {
	At    place `json:"-"`
	POSIX text  `json:"posix,omitempty" jsonschema:"As POSIX writes it; works without a TZ database." example:"CET-1CEST,M3.5.0,M10.5.0/3"`
	TZDB  text  `json:"tzdb,omitempty" jsonschema:"Its name in the TZ database." example:"Europe/Berlin"`
}

type rawResolver struct {
	At        place  `json:"-"`
	Priority  number `json:"priority,omitempty" jsonschema:"Clients take the lowest first." min:"1" max:"65535" default:"its place in the list" example:"1"`
	Name      domain `json:"name" jsonschema:"The domain name that its certificate is for." example:"doh1.example.net"`
	Addresses []ip   `json:"addresses,omitempty" jsonschema:"Its addresses; without any clients look the name up, and alpn, port and dohpath can't be given." example:"[\"2001:db8::53\"]"`
	ALPN      texts  `json:"alpn,omitempty" jsonschema:"Its protocols: dot, doq, h2, h3." example:"[h2, dot]"`
	Port      number `json:"port,omitempty" jsonschema:"Its port." min:"1" max:"65535" default:"the protocol's" example:"8443"`
	DoHPath   text   `json:"dohpath,omitempty" jsonschema:"The path of DNS over HTTPS, a URI template with the variable dns." example:"/dns-query{?dns}"`
}

func one(code wire.OptionCode, data []byte) []Option {
	return []Option{{Code: code, Encoded: appendOption(nil, code, data)}}
}

// once reports an enterprise number that came before: a message has one option for each (RFC 9915, Section 21.17).
func (c *checker) once(seen map[uint64]bool, enterprise *number) {
	if enterprise.ok && seen[enterprise.value] {
		c.fail(enterprise.place, fmt.Sprintf("enterprise %d stands here twice", enterprise.value), "join the two")
	}
	seen[enterprise.value] = true
}

func encodeVendorClass(c *checker, n *yaml.Node, at place) []Option {
	all := Option{Code: wire.OptionVendorClass}
	seen := make(map[uint64]bool)
	for _, v := range read[[]rawVendorClass](c, n, at.path, "") {
		c.once(seen, &v.Enterprise)
		data := binary.BigEndian.AppendUint32(nil, uint32(v.Enterprise.value))
		for _, item := range v.Data {
			data = binary.BigEndian.AppendUint16(data, uint16(len(item.value)))
			data = append(data, item.value...)
		}
		c.fits(v.At, data)
		all.Encoded = appendOption(all.Encoded, all.Code, data)
	}
	return c.some(all, at)
}

func encodeVendorOptions(c *checker, n *yaml.Node, at place) []Option {
	all := Option{Code: wire.OptionVendorInformation}
	seen := make(map[uint64]bool)
	for _, v := range read[[]rawVendorOptions](c, n, at.path, "") {
		c.once(seen, &v.Enterprise)
		data := binary.BigEndian.AppendUint32(nil, uint32(v.Enterprise.value))
		if v.Options.given {
			data = c.suboptions(data, c.vendorSpecs(uint32(v.Enterprise.value)), v.Options.node, v.Options.place)
		}
		c.fits(v.At, data)
		all.Encoded = appendOption(all.Encoded, all.Code, data)
	}
	return c.some(all, at)
}

func (c *checker) fits(at place, data []byte) {
	if len(data) > 0xffff {
		c.fail(at, fmt.Sprintf("has %d octets of data", len(data)), "an option has room for 65535")
	}
}

// some reports a list without entries.
func (c *checker) some(o Option, at place) []Option {
	if len(o.Encoded) == 0 {
		c.fail(at, "is empty", "remove it or fill it in")
	}
	return []Option{o}
}

func encodeSpan(code wire.OptionCode, tag reflect.StructTag) func(*checker, *yaml.Node, place) []Option {
	return func(c *checker, n *yaml.Node, at place) []Option {
		s := read[span](c, n, at.path, tag)
		return one(code, binary.BigEndian.AppendUint32(nil, s.value))
	}
}

var (
	posixZoneForm = regexp.MustCompile(`^(<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})[+-]?[0-9][!-~]*$`)
	tzdbZoneForm  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)
)

// encodeTimezone makes options 41 and 42. A server with one should have both (RFC 4833, Section 6).
func encodeTimezone(c *checker, n *yaml.Node, at place) (out []Option) {
	z := read[rawTimezone](c, n, at.path, "")
	if z.POSIX.ok && !posixZoneForm.MatchString(z.POSIX.value) {
		c.fail(z.POSIX.place, printable(z.POSIX.value)+" isn't a POSIX time zone", "write one such as CET-1CEST,M3.5.0,M10.5.0/3")
	}
	if z.TZDB.ok && !tzdbZoneForm.MatchString(z.TZDB.value) {
		c.fail(z.TZDB.place, printable(z.TZDB.value)+" isn't a name in the TZ database", "write one such as Europe/Berlin")
	}
	switch {
	case !z.POSIX.given && !z.TZDB.given:
		c.fail(at, "has neither posix nor tzdb", "write {posix: \"CET-1CEST,M3.5.0,M10.5.0/3\", tzdb: Europe/Berlin}")
	case !z.POSIX.given || !z.TZDB.given:
		c.warn(at, "has only one of posix and tzdb", "clients know one or the other; give both (RFC 4833)")
	}
	if z.POSIX.ok {
		out = append(out, one(wire.OptionPOSIXTimezone, []byte(z.POSIX.value))...)
	}
	if z.TZDB.ok {
		out = append(out, one(wire.OptionTZDBTimezone, []byte(z.TZDB.value))...)
	}
	return out
}

// Suboptions of the NTP server option (RFC 5908, Section 4).
const (
	ntpAddress   = 1
	ntpMulticast = 2
	ntpName      = 3
)

// encodeNTP makes one option for each server: it holds one and only one suboption (RFC 5908, Section 4).
func encodeNTP(c *checker, n *yaml.Node, at place) []Option {
	all := Option{Code: wire.OptionNTPServer}
	servers := read[texts](c, n, at.path, "")
	for i := range servers.list {
		t := &servers.list[i]
		code, data := wire.OptionCode(ntpName), []byte(nil)
		if _, err := netip.ParseAddr(t.value); t.ok && (err == nil || strings.Contains(t.value, ":")) {
			addr, ok := c.parseAddr(t.value, t.place)
			if !ok {
				continue
			}
			code, data = ntpAddress, addr.AsSlice()
			if addr.IsMulticast() {
				code = ntpMulticast
			}
		} else if t.ok {
			data = c.appendDomain(nil, t.value, t.place)
		}
		all.Encoded = appendOption(all.Encoded, all.Code, appendOption(nil, code, data))
	}
	return c.some(all, at)
}

// unrestricted tells clients that there is no captive portal (RFC 8910, Section 2).
const unrestricted = "urn:ietf:params:capport:unrestricted"

// encodeURL makes an option of a URL; with a scheme only that one will do.
func encodeURL(code wire.OptionCode, scheme string) func(*checker, *yaml.Node, place) []Option {
	return func(c *checker, n *yaml.Node, at place) []Option {
		t := read[text](c, n, at.path, "")
		if !t.ok {
			return nil
		}
		c.checkURL(&t, code, scheme)
		if code == wire.OptionCaptivePortal && len(t.value) > maxPortal {
			c.warn(t.place, fmt.Sprintf("has %d octets", len(t.value)), fmt.Sprintf("write one of %d at most, which every client takes (RFC 8910)", maxPortal))
		}
		c.fits(at, []byte(t.value))
		return one(code, []byte(t.value))
	}
}

// checkURL checks an option's URL; with a scheme only that one will do.
func (c *checker) checkURL(t *text, code wire.OptionCode, scheme string) {
	u, err := url.Parse(t.value)
	isURN := code == wire.OptionCaptivePortal && t.value == unrestricted
	switch {
	case isURN:
	case err != nil || u.Scheme == "" || u.Host == "" || strings.ContainsAny(t.value, " \t\r\n"):
		c.fail(t.place, printable(t.value)+" isn't a URL", "write one such as https://[2001:db8::1]/path, IPv6 addresses in brackets")
	case scheme != "" && u.Scheme != scheme:
		c.fail(t.place, "the URL's scheme is "+printable(u.Scheme), "it must be "+scheme)
	case strings.Count(u.Host, ":") > 1 && !strings.HasPrefix(u.Host, "["):
		c.fail(t.place, "its IPv6 address doesn't stand in brackets", "write https://[2001:db8::1]/path")
	}
}

// maxPortal is how long a captive portal's URL should be at most (RFC 8910, Section 2).
const maxPortal = 255

// Keys of service parameters (RFC 9460; RFC 9461). They stand in ascending order.
const (
	svcALPN    = 1
	svcPort    = 3
	svcDoHPath = 7
)

// encodeResolvers makes one option for each resolver (RFC 9463, Section 4.1). Hints of addresses have no place among
// the service parameters: the addresses stand before them.
func encodeResolvers(c *checker, n *yaml.Node, at place) []Option {
	all := Option{Code: wire.OptionEncryptedDNS}
	resolvers := read[[]rawResolver](c, n, at.path, "")
	for i := range resolvers {
		r := &resolvers[i]
		data := binary.BigEndian.AppendUint16(nil, uint16(r.Priority.or(uint64(i+1))))
		data = binary.BigEndian.AppendUint16(data, uint16(len(r.Name.encoded)))
		data = append(data, r.Name.encoded...)
		if len(r.Addresses) > 0 {
			data = binary.BigEndian.AppendUint16(data, uint16(16*min(len(r.Addresses), 0xfff)))
			for _, a := range r.Addresses {
				if a.ok {
					data = append(data, a.value.AsSlice()...)
				}
			}
			data = c.appendServiceParameters(data, r)
		} else if r.ALPN.given || r.Port.given || r.DoHPath.given {
			c.fail(r.At, "has alpn, port or dohpath, and no addresses", "add addresses, or give the name only")
		}
		c.fits(r.At, data)
		all.Encoded = appendOption(all.Encoded, all.Code, data)
	}
	return c.some(all, at)
}

func (c *checker) appendServiceParameters(data []byte, r *rawResolver) []byte {
	var alpn []byte
	for _, id := range r.ALPN.list {
		if id.ok && len(id.value) > 255 {
			c.fail(id.place, "is too long", "255 octets are possible")
			continue
		}
		alpn = append(append(alpn, byte(len(id.value))), id.value...)
	}
	isHTTP := slices.ContainsFunc(r.ALPN.list, func(t text) bool { return t.value == "h2" || t.value == "h3" })
	switch {
	case !r.ALPN.given:
		c.warn(r.At, "has no alpn", "clients can't know the protocol; write alpn: [dot]")
	case isHTTP && !r.DoHPath.given:
		c.fail(r.At, "has an alpn of DNS over HTTPS and no dohpath", "write dohpath: \"/dns-query{?dns}\"")
	case r.DoHPath.ok && (!strings.HasPrefix(r.DoHPath.value, "/") || !strings.Contains(r.DoHPath.value, "dns}")):
		c.fail(r.DoHPath.place, printable(r.DoHPath.value)+" isn't a path with the variable dns", "write /dns-query{?dns}")
	}
	parameter := func(key uint16, value []byte) {
		data = binary.BigEndian.AppendUint16(data, key)
		data = binary.BigEndian.AppendUint16(data, uint16(min(len(value), 0xffff)))
		data = append(data, value...)
	}
	if len(alpn) > 0 {
		parameter(svcALPN, alpn)
	}
	if r.Port.ok {
		parameter(svcPort, binary.BigEndian.AppendUint16(nil, uint16(r.Port.value)))
	}
	if r.DoHPath.ok {
		parameter(svcDoHPath, []byte(r.DoHPath.value))
	}
	return data
}
