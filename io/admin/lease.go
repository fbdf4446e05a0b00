package admin

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Lease is a binding as people and programs read it. Identifiers are hexadecimal octets joined by colons.
type Lease struct {
	Lease           string    `json:"lease"` // an address, or a prefix with its length
	Kind            string    `json:"kind"`  // IA_NA, IA_PD, or registered: an address that the client gave itself (RFC 9686)
	State           string    `json:"state"` // bound, expired, released, declined, superseded
	DUID            string    `json:"duid"`
	IAID            uint32    `json:"iaid"`
	IAIDUnknown     bool      `json:"iaid_unknown,omitempty"` // a server that told of the lease couldn't tell it; IAID is 0 then
	Preferred       string    `json:"preferred"`              // lifetime as it was granted, or "infinite"
	Valid           string    `json:"valid"`
	Since           time.Time `json:"since"`            // when the client got it
	LastTransaction time.Time `json:"last_transaction"` // when the client last asked
	Expires         string    `json:"expires"`          // RFC 3339, or "never"
	HardwareAddress string    `json:"hardware_address,omitempty"`
	PeerAddress     string    `json:"peer_address,omitempty"` // the client's link-local address
	LinkAddress     string    `json:"link_address,omitempty"` // of the relay closest to it
	InterfaceID     string    `json:"interface_id,omitempty"`
	RemoteID        string    `json:"remote_id,omitempty"` // ENTERPRISE:text or octets
	SubscriberID    string    `json:"subscriber_id,omitempty"`
	RelayID         string    `json:"relay_id,omitempty"`
	Name            string    `json:"name,omitempty"`       // the client's whole name, as NameText writes it
	NameFlags       string    `json:"name_flags,omitempty"` // of the Client FQDN option that it was told (RFC 4704, Section 4.1), as in SO
	Owner           string    `json:"owner"`                // the peer of which it is observed: a node's name, else a DUID; empty: this node granted it
	Claim           string    `json:"claim"`                // of an observed one: strong where the configuration explains it, else weak
	Confirmed       bool      `json:"confirmed"`            // the client was heard with it again, half a minute or more after the first time
}

// epoch is 2000-01-01 00:00:00 UTC in Unix seconds.
const epoch = 946684800

// NewLease makes a Lease of a stored binding as of a time. Owner is the name of the peer of which it is observed.
func NewLease(s *binding.Stored, owner string, now binding.Time) Lease {
	l := Lease{
		Lease: LeaseText(s.Key), Kind: s.Kind.String(), State: shownState(s, now),
		DUID: wire.FormatDUID(s.DUID), IAID: s.IAID,
		Preferred: LifetimeText(s.Preferred), Valid: LifetimeText(s.Valid),
		Since: unix(s.Since), LastTransaction: unix(s.LastTransaction), Expires: "never",
	}
	if s.Expires != binding.Time(wire.Infinity) {
		l.Expires = unix(s.Expires).Format(time.RFC3339)
	}
	l.Confirmed, l.IAIDUnknown = s.Flags&engine.FlagConfirmed != 0, s.Flags&engine.FlagAnonymous != 0
	if observed(s) {
		l.Owner, l.Claim = owner, "weak"
		if s.Flags&engine.FlagStrong != 0 {
			l.Claim = "strong"
		}
	}
	l.where(s.DUID, s.Extension)
	return l
}

// observed tells whether a binding is a peer's.
func observed(s *binding.Stored) bool { return s.Owner != peer.Self }

// IAIDText is an IAID as commands show it; empty where it isn't known.
func IAIDText(iaid uint32, unknown bool) string {
	if unknown {
		return ""
	}
	return strconv.FormatUint(uint64(iaid), 10)
}

// states are what shownState can return.
var states = []string{"bound", "expired", "released", "declined", "superseded"}

// shownState is the state as people see it: a lease whose time is over has expired.
func shownState(s *binding.Stored, now binding.Time) string {
	if (s.State == binding.Bound || s.State == binding.Superseded) && s.Expires != binding.Never && s.Expires <= now {
		return "expired"
	}
	return s.State.String()
}

// HardwareText is a binding's client's link-layer address; empty: nobody told it.
func HardwareText(s *binding.Stored) string { return hardwareAddress(s.DUID, s.Extension) }

// hardwareAddress is the client's. It is kept only where the DUID doesn't tell the same.
func hardwareAddress(duid []byte, e binding.Extension) string {
	if v, ok := e.Find(binding.ExtHardwareAddress); ok && len(v) > 2 {
		return net.HardwareAddr(v[2:]).String()
	}
	_, addr, _ := wire.HardwareAddress(duid)
	return net.HardwareAddr(addr).String()
}

// remoteText is the enterprise number and the octets behind it (RFC 4649, Section 3); empty: too short.
func remoteText(v []byte) string {
	if len(v) < 4 {
		return ""
	}
	enterprise := uint64(v[0])<<24 | uint64(v[1])<<16 | uint64(v[2])<<8 | uint64(v[3])
	return strconv.FormatUint(enterprise, 10) + ":" + opaque(v[4:])
}

func addressText(v []byte) string {
	if len(v) != 16 {
		return ""
	}
	return netip.AddrFrom16([16]byte(v)).String()
}

// where fills in what is known of the client's place, and its name. Of several relays it is what the innermost one said.
func (l *Lease) where(duid []byte, e binding.Extension) {
	l.HardwareAddress = hardwareAddress(duid, e)
	l.Name, l.NameFlags = nameOf(e)
	for _, piece := range []struct {
		kind binding.ExtensionKind
		into *string
		show func([]byte) string
	}{
		{binding.ExtPeerAddress, &l.PeerAddress, addressText},
		{binding.ExtLinkAddress, &l.LinkAddress, addressText},
		{binding.ExtInterfaceID, &l.InterfaceID, opaque},
		{binding.ExtRemoteID, &l.RemoteID, remoteText},
		{binding.ExtSubscriberID, &l.SubscriberID, opaque},
		{binding.ExtRelayID, &l.RelayID, wire.FormatDUID},
	} {
		if v, ok := e.Find(piece.kind); ok {
			*piece.into = piece.show(v)
		}
	}
}

// LeaseText is an address, or a prefix with its length.
func LeaseText(k binding.Key) string {
	addr := netip.AddrFrom16(k.Address)
	if k.Length == 128 {
		return addr.String()
	}
	return netip.PrefixFrom(addr, int(k.Length)).String()
}

// ParseLease reads what LeaseText writes.
func ParseLease(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil || !p.Addr().Is6() {
			return netip.Prefix{}, fmt.Errorf("%q isn't an IPv6 prefix", text)
		}
		return p, nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q isn't an IPv6 address", text)
	}
	return netip.PrefixFrom(addr, 128), nil
}

// ParseDUID reads octets in hexadecimal, with colons or hyphens between them or without.
func ParseDUID(text string) ([]byte, error) {
	duid, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(text))
	if err != nil || len(duid) < wire.MinDUID || len(duid) > wire.MaxDUID {
		return nil, fmt.Errorf("%q isn't a DUID: %d to %d octets in hexadecimal, such as 00:03:00:01:02:00:00:00:00:01", text, wire.MinDUID, wire.MaxDUID)
	}
	return duid, nil
}

// opaque shows octets as text where they are printable, else in hexadecimal.
func opaque(v []byte) string {
	for _, c := range v {
		if c < 0x20 || c > 0x7e {
			return "0x" + hex.EncodeToString(v)
		}
	}
	return string(v)
}

func unix(t binding.Time) time.Time { return time.Unix(epoch+int64(t), 0).UTC() }

// LifetimeText shows a lifetime in seconds, wire.Infinity as "infinite" (RFC 9915, Section 7.7).
func LifetimeText(seconds uint32) string {
	if seconds == wire.Infinity {
		return "infinite"
	}
	return (time.Duration(seconds) * time.Second).String()
}
