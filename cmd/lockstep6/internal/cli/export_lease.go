package cli

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store/exchange"
)

// keaSubnets are the numbers that Kea's configuration gives to subnets.
type keaSubnets []struct {
	prefix netip.Prefix
	id     uint32
}

func parseSubnets(texts []string) (all keaSubnets, err error) {
	for _, text := range texts {
		prefix, id, _ := strings.Cut(text, "=")
		p, err := netip.ParsePrefix(prefix)
		if err != nil || !p.Addr().Is6() {
			return nil, fmt.Errorf("--subnet %s: %q isn't an IPv6 prefix; give PREFIX=ID, such as 2001:db8:1::/64=1", text, prefix)
		}
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("--subnet %s: %q isn't a subnet's id of Kea: 1 to 4294967295", text, id)
		}
		all = append(all, struct {
			prefix netip.Prefix
			id     uint32
		}{p.Masked(), uint32(n)})
	}
	return all, nil
}

// of is the number of the longest prefix that a lease is in, or 1.
func (k keaSubnets) of(l *exchange.Lease) uint32 {
	id, longest := uint32(1), -1
	for _, s := range k {
		if s.prefix.Contains(netip.AddrFrom16(l.Key.Address)) && s.prefix.Bits() > longest {
			id, longest = s.id, s.prefix.Bits()
		}
	}
	return id
}

// toExchange makes l of a lease as the interface has it. Not ok: it is over. Of a lease that the client has turned away from, in favour of
// another server's, the time is kept, for it was granted.
func toExchange(l *exchange.Lease, a *admin.Lease) (ok bool, err error) {
	*l = exchange.Lease{IAID: a.IAID, State: binding.Bound, Extension: l.Extension[:0], DUID: l.DUID[:0]}
	switch a.State {
	case "bound", "superseded":
	case "declined":
		l.State = binding.Declined
	default:
		return false, nil
	}
	lease, err := admin.ParseLease(a.Lease)
	if err != nil {
		return false, err
	}
	l.Key = binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())}
	l.Kind = wire.IANA
	if a.Kind == wire.IAPD.String() {
		l.Kind = wire.IAPD
	}
	if a.DUID != "" {
		if l.DUID, err = admin.ParseDUID(a.DUID); err != nil {
			return false, err
		}
	}
	if l.Preferred, err = lifetime(a.Preferred); err != nil {
		return false, err
	}
	if l.Valid, err = lifetime(a.Valid); err != nil {
		return false, err
	}
	l.Last, l.Expires = binding.TimeOf(a.LastTransaction.Unix()), binding.Never
	if a.Expires != "never" {
		at, err := time.Parse(time.RFC3339, a.Expires)
		if err != nil {
			return false, err
		}
		l.Expires = binding.TimeOf(at.Unix())
		if l.State == binding.Declined && l.Expires <= binding.TimeOf(time.Now().Unix()) {
			return false, nil
		}
	}
	l.Name = a.Name
	l.Forward = strings.Contains(a.NameFlags, "S")
	l.Reverse = a.Name != "" && !strings.Contains(a.NameFlags, "N")
	l.Extension = appendPlace(l.Extension, l, a)
	return true, nil
}

// lifetime reads what admin.LifetimeText wrote.
func lifetime(text string) (uint32, error) {
	if text == "infinite" {
		return wire.Infinity, nil
	}
	d, err := time.ParseDuration(text)
	return uint32(d / time.Second), err
}

// appendPlace appends where the client is.
func appendPlace(b []byte, l *exchange.Lease, a *admin.Lease) []byte {
	for _, p := range []struct {
		kind binding.ExtensionKind
		text string
	}{{binding.ExtPeerAddress, a.PeerAddress}, {binding.ExtLinkAddress, a.LinkAddress}} {
		if addr, err := netip.ParseAddr(p.text); err == nil {
			a16 := addr.As16()
			b = binding.AppendExtension(b, p.kind, a16[:])
		}
	}
	enterprise, remote, _ := strings.Cut(a.RemoteID, ":")
	if n, err := strconv.ParseUint(enterprise, 10, 32); err == nil {
		b = binding.AppendExtension(b, binding.ExtRemoteID, append(binary.BigEndian.AppendUint32(nil, uint32(n)), octetsOf(remote)...))
	}
	if a.SubscriberID != "" {
		b = binding.AppendExtension(b, binding.ExtSubscriberID, octetsOf(a.SubscriberID))
	}
	if duid, err := admin.ParseDUID(a.RelayID); err == nil {
		b = binding.AppendExtension(b, binding.ExtRelayID, duid)
	}
	if a.InterfaceID != "" {
		b = binding.AppendExtension(b, binding.ExtInterfaceID, octetsOf(a.InterfaceID))
	}
	hardware, err := hex.DecodeString(strings.ReplaceAll(a.HardwareAddress, ":", ""))
	if _, told, _ := wire.HardwareAddress(l.DUID); err == nil && len(hardware) > 0 && string(told) != string(hardware) {
		b = binding.AppendExtension(b, binding.ExtHardwareAddress, append([]byte{0, 1}, hardware...)) // its type isn't told; Ethernet is the common one
	}
	return b
}

// octetsOf reads what the interface shows of octets that may be text.
func octetsOf(text string) []byte {
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		if b, err := hex.DecodeString(digits); err == nil {
			return b
		}
	}
	return []byte(text)
}
