package admin

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Whose says of whom leases are.
type Whose uint8

// Whose leases.
const (
	Own      Whose = iota // this node granted them
	Observed              // peers granted them, as far as their clients' messages tell
	All                   // both
)

// String returns the word as it is written in a query.
func (w Whose) String() string { return [...]string{"own", "observed", "all"}[w] }

// ParseWhose reads what String writes.
func ParseWhose(text string) (Whose, error) {
	for w := Own; w <= All; w++ {
		if w.String() == text {
			return w, nil
		}
	}
	return 0, fmt.Errorf("whose=%q is none of own, observed and all", text)
}

// Check tells whether a lease that is observed, or not, is among those that are meant.
func (w Whose) Check(observed bool) bool { return w == All || observed == (w == Observed) }

// A Filter chooses leases; zero fields choose all that are the node's own. Texts are as NewLease writes them;
// Parameter.Set makes them so.
type Filter struct {
	Whose           Whose
	Lease           netip.Prefix // this one; invalid: any
	Within          netip.Prefix // the lease lies in it; invalid: anywhere
	DUID            string
	IAID            *uint32
	State           string
	Live            bool // only what hasn't ended
	HardwareAddress string
	RemoteID        string // with the enterprise number in front, or without for any
	InterfaceID     string
	SubscriberID    string
	RelayID         string
	LinkAddress     string
	Name            string // the client's; a star before or behind it stands for any octets
	Link, Pool      string // names
}

// Places tells of which link and pool a lease is; empty: of none.
type Places func(s *binding.Stored) (link, pool string)

// Match tells whether a lease passes the filter. Places is asked only where the filter names a link or a pool.
func (f *Filter) Match(s *binding.Stored, now binding.Time, places Places) bool {
	if !f.Whose.Check(observed(s)) || f.Live && (s.State != binding.Bound || s.Expires <= now) {
		return false
	}
	addr, bits := netip.AddrFrom16(s.Key.Address), int(s.Key.Length)
	if f.Lease.IsValid() && (f.Lease.Addr() != addr || f.Lease.Bits() != bits) {
		return false
	}
	if f.Within.IsValid() && (!f.Within.Contains(addr) || bits < f.Within.Bits()) {
		return false
	}
	if f.IAID != nil && (*f.IAID != s.IAID || s.Flags&engine.FlagAnonymous != 0) || f.DUID != "" && !strings.EqualFold(f.DUID, wire.FormatDUID(s.DUID)) {
		return false
	}
	if f.State != "" && f.State != shownState(s, now) || !f.matchPlace(s) || !f.matchName(s.Extension) {
		return false
	}
	if f.Link == "" && f.Pool == "" {
		return true
	}
	link, pool := places(s)
	return (f.Link == "" || f.Link == link) && (f.Pool == "" || f.Pool == pool)
}

// matchPlace compares what relays said. Of several relays any may have said it.
func (f *Filter) matchPlace(s *binding.Stored) bool {
	if f.HardwareAddress != "" && f.HardwareAddress != hardwareAddress(s.DUID, s.Extension) {
		return false
	}
	says := func(kind binding.ExtensionKind, want string, show func([]byte) string) bool {
		for e := s.Extension; want != ""; {
			k, data, rest, ok := e.Next()
			if !ok {
				return false
			}
			if k == kind && show(data) == want {
				return true
			}
			e = rest
		}
		return true
	}
	remote := func(v []byte) string {
		if text := remoteText(v); text == f.RemoteID {
			return text
		}
		return opaque(v[min(4, len(v)):])
	}
	return says(binding.ExtRemoteID, f.RemoteID, remote) && says(binding.ExtInterfaceID, f.InterfaceID, opaque) &&
		says(binding.ExtSubscriberID, f.SubscriberID, opaque) && says(binding.ExtRelayID, f.RelayID, wire.FormatDUID) &&
		says(binding.ExtLinkAddress, f.LinkAddress, addressText)
}
