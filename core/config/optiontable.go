package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

// An optionSpec tells how an option is written in the file and encoded.
type optionSpec struct {
	code    wire.OptionCode
	names   []string // the first is ours, the others are Kea's and the registry's
	types   []dataType
	array   bool              // the last type repeats
	subs    []optionSpec      // what stands in its suboptions, by name
	bare    bool              // there may be no value at all
	raw     reflect.Type      // what is read where the types don't tell
	tag     reflect.StructTag // its bounds
	encode  func(c *checker, n *yaml.Node, at place) []Option
	about   string // for people: meaning and source
	example string // YAML of a value
}

// Bounds in seconds from the standard: IRT_MINIMUM (RFC 9915, Section 21.23), and those of SOL_MAX_RT and INF_MAX_RT
// (RFC 9915, Sections 21.24 and 21.25).
const (
	refreshBounds = `min:"600" max:"4294967295"`
	maxRTBounds   = `min:"60" max:"86400"`
)

// boundedTimes are the options with those bounds.
var boundedTimes = map[wire.OptionCode]reflect.StructTag{
	wire.OptionInformationRefresh: refreshBounds, wire.OptionSOLMaxRT: maxRTBounds, wire.OptionINFMaxRT: maxRTBounds,
}

// optionSpecs are the options that have names, by code.
var optionSpecs = slices.SortedFunc(
	slices.Values(slices.Concat(addressOptions(), bootOptions(), rareOptions(), structuredOptions(), softwireOptions())),
	func(a, b optionSpec) int { return cmp.Compare(a.code, b.code) },
)

func typed(code wire.OptionCode, array bool, types string, about, example string, names ...string) optionSpec {
	var parsed []dataType
	for _, word := range strings.Fields(types) {
		parsed = append(parsed, dataType(word))
	}
	return optionSpec{code: code, names: names, types: parsed, array: array, about: about, example: example}
}

func addressOptions() []optionSpec {
	const servers = `["2001:db8::1", "2001:db8::2"]`
	dhcp4o6 := typed(88, true, "ipv6-address", "DHCP 4o6 servers (RFC 7341); [] lets clients multicast.", servers, "dhcp4o6-servers", "dhcp4o6-server-addr")
	dhcp4o6.bare = true
	const domains = "[example.net, example.com]"
	return []optionSpec{
		typed(21, true, "fqdn", "SIP servers by domain name (RFC 3319).", "[sip.example.net]", "sip-domains", "sip-server-dns", "sip-servers-names"),
		typed(22, true, "ipv6-address", "SIP servers by address (RFC 3319).", servers, "sip-servers", "sip-server-addr", "sip-servers-addresses"),
		typed(23, true, "ipv6-address", "Recursive DNS servers (RFC 3646).", servers, "dns-servers", "name-servers"),
		typed(24, true, "fqdn", "Domain search list (RFC 3646).", domains, "domain-search"),
		typed(27, true, "ipv6-address", "NIS servers (RFC 3898).", servers, "nis-servers"),
		typed(28, true, "ipv6-address", "NIS+ servers (RFC 3898).", servers, "nisp-servers"),
		typed(29, true, "fqdn", "NIS domain name (RFC 3898).", "[example.net]", "nis-domain-name"),
		typed(30, true, "fqdn", "NIS+ domain name (RFC 3898).", "[example.net]", "nisp-domain-name"),
		typed(31, true, "ipv6-address", "SNTP servers (RFC 4075; ntp-servers replaces it).", servers, "sntp-servers"),
		typed(33, true, "fqdn", "BCMCS controllers by domain name (RFC 4280).", "[bcmcs.example.net]", "bcmcs-server-dns", "bcms-server-d"),
		typed(34, true, "ipv6-address", "BCMCS controllers by address (RFC 4280).", servers, "bcmcs-server-addr", "bcms-server-a"),
		typed(36, false, "uint8 uint16 binary", "Civic location: what, country code, elements (RFC 4776).", `[1, 17477, "0102"]`, "geoconf-civic"),
		typed(40, true, "ipv6-address", "PANA authentication agents (RFC 5192).", servers, "pana-agent"),
		typed(51, false, "fqdn", "LoST server (RFC 5223).", "lost.example.net", "lost-server", "v6-lost"),
		typed(52, true, "ipv6-address", "CAPWAP access controllers (RFC 5417).", servers, "capwap-ac", "capwap-ac-v6"),
		typed(57, false, "fqdn", "Access network domain name (RFC 5986).", "access.example.net", "access-domain", "v6-access-domain"),
		typed(58, true, "fqdn", "SIP user agent configuration domains (RFC 6011).", "[sip.example.net]", "sip-ua-domains", "sip-ua-cs-list"),
		typed(64, false, "fqdn", "DS-Lite tunnel endpoint, one name (RFC 6334).", "aftr.example.net", "aftr-name"),
		typed(65, false, "fqdn", "ERP local domain name (RFC 6440).", "erp.example.net", "erp-local-domain-name"),
		typed(74, true, "ipv6-address uint8 fqdn", "A recursive DNS server for certain domains: address, preference, domains (RFC 6731).", `["2001:db8::1", 1, example.net]`, "rdnss-selection"),
		dhcp4o6,
		typed(143, true, "ipv6-address", "ANDSF servers (RFC 6153).", servers, "andsf-servers", "ipv6-address-andsf"),
	}
}

func bootOptions() []optionSpec {
	return []optionSpec{
		typed(41, false, "string", "Time zone as POSIX writes it (RFC 4833). timezone sets it together with option 42.", `"CET-1CEST,M3.5.0,M10.5.0/3"`, "new-posix-timezone"),
		typed(42, false, "string", "Time zone by its name in the TZ database (RFC 4833). timezone sets it together with option 41.", "Europe/Berlin", "new-tzdb-timezone"),
		typed(60, true, "tuple", "Parameters for the boot file, in order (RFC 5970).", "[root=/dev/nfs, quiet]", "boot-file-parameters", "bootfile-param"),
		typed(61, true, "uint16", "Client architectures that the boot file is for; a client is told those of them that it asks about (RFC 5970).", "[7, 9]", "client-architectures", "client-arch-type"),
	}
}

// An owned option is one that the server itself writes, or that isn't for clients: a file can't set it.
type ownedOption struct {
	names  []string
	reason string
}

const (
	writtenByServer = "the server writes it itself"
	sentByClients   = "only clients send it"
	sentByRelays    = "only relays send it"
	obsolete        = "it is obsolete (RFC 9915)"
	forLeasequery   = "it belongs to leasequery"
	linkLayer       = "the server assigns no link-layer addresses (RFC 8947)"
	inside4RD       = "it stands inside of option 97 only (RFC 7600); set that by its code in custom"
	insideSoftwire  = "it stands inside of a softwire container only; set s46-mape, s46-mapt or s46-lw"
)

var ownedOptions = map[wire.OptionCode]ownedOption{
	1:   {[]string{"client-id", "clientid"}, writtenByServer},
	2:   {[]string{"server-id", "serverid"}, writtenByServer + "; server.duid and cluster.nodes[].duid say what"},
	3:   {[]string{"ia-na"}, writtenByServer + "; links[].addresses says from what"},
	4:   {[]string{"ia-ta"}, obsolete},
	5:   {[]string{"ia-address", "iaaddr"}, writtenByServer},
	6:   {[]string{"option-request", "oro"}, sentByClients},
	7:   {[]string{"preference"}, writtenByServer + "; server.preference and cluster.nodes[].preference say what"},
	8:   {[]string{"elapsed-time"}, sentByClients},
	9:   {[]string{"relay-message", "relay-msg"}, writtenByServer},
	11:  {[]string{"authentication", "auth"}, writtenByServer},
	12:  {[]string{"server-unicast", "unicast"}, "RFC 9915 removed it, and clients speak to all servers; leave it out"},
	13:  {[]string{"status-code"}, writtenByServer},
	14:  {[]string{"rapid-commit"}, writtenByServer + "; rapid-commit outside of options says when"},
	15:  {[]string{"user-class"}, sentByClients},
	18:  {[]string{"interface-id"}, writtenByServer},
	19:  {[]string{"reconfigure-message", "reconf-msg"}, writtenByServer},
	20:  {[]string{"reconfigure-accept", "reconf-accept"}, writtenByServer},
	25:  {[]string{"ia-pd"}, writtenByServer + "; links[].prefixes says from what"},
	26:  {[]string{"ia-prefix", "iaprefix"}, writtenByServer},
	37:  {[]string{"remote-id"}, sentByRelays},
	38:  {[]string{"subscriber-id"}, sentByRelays},
	39:  {[]string{"client-fqdn"}, writtenByServer},
	43:  {[]string{"echo-request", "ero"}, sentByRelays},
	44:  {[]string{"lq-query"}, forLeasequery},
	45:  {[]string{"client-data"}, forLeasequery},
	46:  {[]string{"clt-time"}, forLeasequery},
	47:  {[]string{"lq-relay-data"}, forLeasequery},
	48:  {[]string{"lq-client-link"}, forLeasequery},
	53:  {[]string{"relay-id"}, sentByRelays},
	66:  {[]string{"relay-supplied-options", "rsoo"}, sentByRelays},
	67:  {[]string{"prefix-exclude", "pd-exclude"}, writtenByServer + "; links[].prefixes[].excluded-prefix says what"},
	79:  {[]string{"client-linklayer-addr"}, sentByRelays},
	80:  {[]string{"link-address"}, sentByRelays},
	87:  {[]string{"dhcpv4-message", "dhcpv4-msg"}, writtenByServer},
	89:  {[]string{"s46-rule"}, insideSoftwire},
	90:  {[]string{"s46-br"}, insideSoftwire},
	91:  {[]string{"s46-dmr"}, insideSoftwire},
	92:  {[]string{"s46-v4v6bind"}, insideSoftwire},
	93:  {[]string{"s46-portparams"}, insideSoftwire},
	62:  {[]string{"client-network-interface", "nii"}, sentByClients},
	68:  {[]string{"vss"}, sentByRelays},
	81:  {[]string{"radius"}, sentByRelays},
	98:  {[]string{"4rd-map-rule"}, inside4RD},
	99:  {[]string{"4rd-non-map-rule"}, inside4RD},
	100: {[]string{"lq-base-time"}, forLeasequery},
	101: {[]string{"lq-start-time"}, forLeasequery},
	102: {[]string{"lq-end-time"}, forLeasequery},
	112: {[]string{"mud-url", "mud-url-v6"}, sentByClients},
	135: {[]string{"relay-source-port", "relay-port"}, writtenByServer},
	137: {[]string{"s46-bind-ipv6-prefix"}, sentByClients},
	138: {[]string{"ia-ll"}, linkLayer},
	139: {[]string{"lladdr"}, linkLayer},
	140: {[]string{"slap-quad"}, linkLayer},
	148: {[]string{"addr-reg-enable"}, "the server registers no addresses (RFC 9686)"},
}

func (spec *optionSpec) shape() shape { return shape{spec.types, spec.array, spec.subs} }

// specOf finds an option by name; owned is the code of one that a file can't set.
func (c *checker) specOf(name string) (spec *optionSpec, owned wire.OptionCode) {
	if spec := c.defined[name]; spec != nil {
		return spec, 0
	}
	for i := range optionSpecs {
		if slices.Contains(optionSpecs[i].names, name) {
			return &optionSpecs[i], 0
		}
	}
	for code, o := range ownedOptions {
		if slices.Contains(o.names, name) {
			return nil, code
		}
	}
	return nil, 0
}

// optionNames are the names that a file can use.
func (c *checker) optionNames() (out []string) {
	for i := range optionSpecs {
		out = append(out, optionSpecs[i].names...)
	}
	for name := range c.defined {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
