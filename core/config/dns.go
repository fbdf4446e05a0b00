package config

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// DNS says what the servers keep in DNS of their clients' names (RFC 2136, RFC 4703, RFC 4704).
type DNS struct {
	Updates  bool // on any link. False: names are kept with bindings and told to clients, and of bindings that end the records are removed
	Zones    []DNSZone
	Keys     []DNSKey
	Naming   naming.Rules // of links that have none of their own
	TTL      uint32       // seconds of records; 0: a third of the valid lifetime, ten minutes at least (RFC 4704, Section 7)
	Conflict Conflict
	Prefixes bool   // a delegated prefix has wildcard PTR records
	Queue    int    // tasks that may wait
	GiveUp   uint32 // seconds after which a task that can't be done is dropped; wire.Infinity: never
	Timeout  uint32 // milliseconds that one try of an update waits for its answer
	Parallel int    // updates that are on their way at a time
	Audit    uint32 // seconds between two audits that the node makes by itself; 0: none
}

// A DNSZone is a zone that takes updates, forward or reverse.
type DNSZone struct {
	Name    naming.Name
	Servers []netip.AddrPort // the primary first; at least one
	Key     int              // index into DNS.Keys; negative: updates aren't signed
	Reverse bool             // it lies under ip6.arpa
}

// A DNSKey signs updates (RFC 8945).
type DNSKey struct {
	Name      naming.Name
	Algorithm string // hmac-sha256, hmac-sha384 or hmac-sha512
	Secret    Secret // file:NAME, env:NAME: base64, or a file as BIND's tsig-keygen writes it
}

// A Conflict says what becomes of a name that another client has (RFC 4703, Section 5.3).
type Conflict uint8

// The ways.
const (
	ConflictCheck    Conflict = iota // the name stays the other client's
	ConflictTakeOver                 // the name is this client's from now on: no DHCID is asked for
)

// Defaults of what is kept in DNS. Times are in seconds.
const (
	DefaultDNSTimeout  = 2
	DefaultDNSParallel = 16
	DefaultDNSQueue    = 1_000_000
	DefaultDNSGiveUp   = 86400
)

func (c *checker) dns(raw *rawDNS) *DNS {
	if raw == nil {
		return nil
	}
	d := &DNS{
		TTL:      raw.TTL.or(0),
		Prefixes: raw.Prefixes.value,
		Queue:    int(raw.Queue.or(DefaultDNSQueue)),
		GiveUp:   raw.GiveUp.or(DefaultDNSGiveUp),
		Timeout:  1000 * raw.Timeout.or(DefaultDNSTimeout),
		Parallel: int(raw.Parallel.or(DefaultDNSParallel)),
	}
	if raw.Conflicts.ok {
		d.Conflict = Conflict(wordIndex(&raw.Conflicts, "check|take-over"))
	}
	if raw.Audit.ok && raw.Audit.value != wire.Infinity {
		d.Audit = raw.Audit.value
	}
	c.dnsKeys(d, raw)
	c.dnsZones(d, raw)
	inherited := naming.Rules{
		Updates: len(raw.Zones) > 0, Prefix: []byte("host"),
		Refused: [][]byte{[]byte("wpad"), []byte("isatap"), []byte("localhost")},
	}
	for i := range d.Zones {
		if !d.Zones[i].Reverse {
			inherited.Zones = append(inherited.Zones, d.Zones[i].Name)
		}
	}
	d.Naming = c.naming(&rawLinkDNS{
		At: raw.At, Updates: raw.Updates, Domain: raw.Domain, Clients: raw.Clients, Generate: raw.Generate, Prefix: raw.Prefix,
		AllowOwn: raw.AllowOwn, AllowNone: raw.AllowNone, Substitute: raw.Substitute, Refused: raw.Refused,
	}, inherited, len(raw.Zones) > 0)
	d.Updates = d.Naming.Updates
	return d
}
