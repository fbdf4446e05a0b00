package config

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Defaults of what isn't given.
const (
	DefaultPath       = "/var/lib/lockstep6"
	DefaultCapacity   = 1 << 20
	DefaultQuarantine = 86400 // seconds
	DefaultDeclines   = 10    // per client
	DefaultAfter      = 300   // seconds
)

// maxInterfaceName is the kernel's IFNAMSIZ without the octet that ends a name.
const maxInterfaceName = 15

func (c *checker) listen(raw *rawListen) Listen {
	l := Listen{Workers: int(raw.Workers.value), After: raw.After.or(DefaultAfter)}
	lines := make(map[string]int)
	once := func(t *text, key string) bool {
		if line := lines[key]; line > 0 {
			c.fail(t.place, fmt.Sprintf("%s stands in line %d already", key, line), "keep one of the two")
			return false
		}
		lines[key] = t.line
		return true
	}
	for i := range raw.Interfaces {
		if t := &raw.Interfaces[i]; c.interfaceName(t) && once(t, t.value) {
			l.Interfaces = append(l.Interfaces, t.value)
		}
	}
	for i := range raw.Addresses {
		t := &raw.Addresses[i]
		if addr, ok := c.socketAddress(t); ok && once(t, addr.String()) {
			l.Addresses = append(l.Addresses, addr)
		}
	}
	if len(raw.Interfaces)+len(raw.Addresses) == 0 && raw.At.given() {
		c.fail(raw.At, "names neither interfaces nor addresses", "write interfaces: [eth0]")
	}
	return l
}

// InterfaceName tells whether the kernel may have an interface of that name.
func InterfaceName(name string) bool {
	return name != "" && len(name) <= maxInterfaceName && !strings.ContainsAny(name, "/ \t\n:%") && name != "." && name != ".." && utf8.ValidString(name)
}

func (c *checker) interfaceName(t *text) bool {
	if !t.ok {
		return false
	}
	if !InterfaceName(t.value) {
		c.fail(t.place, printable(t.value)+" can't be an interface's name", "`ip link` lists them")
		return false
	}
	return true
}

// socketAddress reads where to take unicast.
func (c *checker) socketAddress(t *text) (netip.AddrPort, bool) {
	if !t.ok {
		return netip.AddrPort{}, false
	}
	at, err := netip.ParseAddrPort(t.value)
	if err != nil {
		if strings.HasPrefix(t.value, "[") || !strings.Contains(t.value, ":") {
			c.fail(t.place, printable(t.value)+" isn't an address with a port", "write [2001:db8::547]:547, or an address alone")
			return netip.AddrPort{}, false
		}
		addr, ok := c.parseAddr(t.value, t.place)
		return netip.AddrPortFrom(addr, wire.ServerPort), ok && c.notMulticast(addr, t.place)
	}
	addr, ok := c.parseAddr(at.Addr().String(), t.place)
	return at, ok && c.notMulticast(addr, t.place)
}

func (c *checker) notMulticast(addr netip.Addr, at place) bool {
	if addr.IsMulticast() {
		c.fail(at, addr.String()+" is a multicast address", "name the interface in listen.interfaces; the groups are joined there")
	}
	return !addr.IsMulticast()
}

// listens checks that every node listens somewhere.
func (c *checker) listens(raw *rawConfig, cfg *Config) {
	if raw.Listen != nil || !raw.At.given() {
		return
	}
	const remedy = "write listen: {interfaces: [eth0]}"
	if raw.Cluster == nil {
		c.fail(raw.At.in("listen"), "is missing", remedy)
		return
	}
	for i := range raw.Cluster.Nodes {
		if n := &raw.Cluster.Nodes[i]; n.Listen == nil {
			c.fail(n.At.in("listen"), "is missing, and there is no shared one", remedy+" for all nodes or for this one")
		}
	}
}

// interfacesOf are the interfaces that a node listens on, by the names or labels that links may use.
func interfacesOf(l *Listen, labels map[string]string) (out []string) {
	out = slices.Clone(l.Interfaces)
	for label, name := range labels {
		if slices.Contains(l.Interfaces, name) {
			out = append(out, label)
		}
	}
	return out
}

func (c *checker) store(raw *rawStore) Store {
	if raw == nil {
		raw = &rawStore{}
	}
	return Store{
		Path:       path.Clean(raw.Path.or(DefaultPath)),
		Sync:       raw.Sync.value != "never",
		Capacity:   int(raw.Capacity.or(DefaultCapacity)),
		RenewCache: raw.RenewCache.value,
	}
}

func (c *checker) history(raw *rawHistory) History {
	if raw == nil {
		return History{}
	}
	return History{Keep: raw.Keep.or(0)}
}

func (c *checker) log(raw *rawLog) Log {
	if raw == nil {
		raw = &rawLog{}
	}
	return Log{Level: raw.Level.or("info"), Format: raw.Format.or("auto"), Leases: raw.Leases.or(true)}
}

func (c *checker) limits(raw *rawLimits) Limits {
	if raw == nil {
		raw = &rawLimits{}
	}
	leases := raw.Leases.or(0)
	return Limits{
		LeasesPerPort: int(leases), WeakPerPort: int(raw.Weak.or(leases)),
		PerClient: PerClient{int(raw.Addresses.or(0)), int(raw.Prefixes.or(0))},
		OfRelay:   rate(raw.Relay, Rate{}), OfNeighbour: rate(raw.Neighbour, Rate{}), OfClient: rate(raw.Client, DefaultClientRate),
		NoShares: !raw.Shares.or(true),
	}
}

// DefaultClientRate is far more than any exchange that goes wrong takes (RFC 9915, Section 7.6), and far less than a loop.
var DefaultClientRate = Rate{PerSecond: 20, Burst: 100}

func rate(raw *rawRate, otherwise Rate) Rate {
	if raw == nil {
		return otherwise
	}
	second := raw.Second.value
	return Rate{PerSecond: int(second), Burst: int(raw.Burst.or(min(max(5*second, 1), 1_000_000)))}
}

func (c *checker) decline(raw *rawDecline) Decline {
	if raw == nil {
		raw = &rawDecline{}
	}
	return Decline{
		Quarantine:   raw.Quarantine.or(DefaultQuarantine),
		MaxPerClient: int(raw.PerClient.or(DefaultDeclines)),
	}
}

func (c *checker) server(raw *rawServer, cluster *rawCluster) (s Server) {
	if raw == nil {
		return s
	}
	if cluster != nil {
		c.fail(raw.At, "is for a single node, and there is a cluster", "say it in cluster.nodes")
	}
	return Server{DUID: raw.DUID.value, Preference: uint8(raw.Preference.value)}
}

// allowedRelays are the prefixes from which relays may send. An empty list would silence all of them, which nobody means.
func (c *checker) allowedRelays(raw *rawRelays) (allowed []netip.Prefix) {
	if raw == nil {
		return nil
	}
	if len(raw.Allow) == 0 && c.positions["relays.allow"] != (Position{}) {
		c.fail(raw.At.in("allow"), "is an empty list", "name the relays' prefixes, or leave it out: then all relays are listened to")
	}
	for i := range raw.Allow {
		allowed = append(allowed, raw.Allow[i].value)
	}
	return allowed
}

// MaxSupplied is the highest code of an option that relays can be allowed to supply.
const MaxSupplied = 16383

// relays checks what is taken from relays. Of options that they may supply IANA lists one as permitted: 65 (RFC 6422, Section 4; RFC 6440).
func (c *checker) relays(raw *rawRelays) Relays {
	r := Relays{NamedPools: c.namedPools(raw), Allow: c.allowedRelays(raw)}
	if raw == nil || c.positions["relays.supplied-options"] == (Position{}) {
		r.Supplied = []wire.OptionCode{wire.OptionERPLocalDomain}
		return r
	}
	for i := range raw.Supplied {
		ref := &raw.Supplied[i]
		code, ok := c.codeOf(ref)
		switch {
		case !ok:
		case code > MaxSupplied:
			c.fail(ref.place, fmt.Sprintf("option %d can't be supplied by relays", code), fmt.Sprintf("codes up to %d can", MaxSupplied))
		case slices.Contains(r.Supplied, code):
			c.fail(ref.place, fmt.Sprintf("option %d stands here twice", code), "keep one of the two")
		default:
			r.Supplied = append(r.Supplied, code)
		}
	}
	slices.Sort(r.Supplied)
	return r
}
