package admin

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/wire"
)

// A Parameter is a field of a Filter as queries and the command line have it.
type Parameter struct {
	Name  string // in a query; the command line has hyphens in it
	About string // what it is called stands in back quotes
	Set   func(f *Filter, text string) error
	Get   func(f *Filter) string // as Set takes it; empty: it chooses nothing
}

// Parameters are all fields of a Filter.
func Parameters() []Parameter {
	return []Parameter{
		{"whose", "whose leases: own, observed or all", func(f *Filter, v string) (err error) { f.Whose, err = ParseWhose(v); return err }, func(f *Filter) string { return f.Whose.String() }},
		{"lease", "only this `LEASE`, an address or a prefix, found by index", func(f *Filter, v string) (err error) { f.Lease, err = ParseLease(v); return err }, func(f *Filter) string { return prefixText(f.Lease) }},
		{"within", "only leases in `PREFIX`", setWithin, func(f *Filter) string { return prefixText(f.Within) }},
		{"duid", "only leases of the client with this `DUID`, such as 00:03:00:01:02:00:00:00:00:01; with an IAID found by index", setDUID(func(f *Filter) *string { return &f.DUID }), func(f *Filter) string { return f.DUID }},
		{"iaid", "only leases of identity associations with this `IAID`", setIAID, iaidText},
		{"state", "only leases in this `STATE`: " + strings.Join(states, ", "), setState, func(f *Filter) string { return f.State }},
		{"live", "only leases that haven't ended", setLive, func(f *Filter) string { return map[bool]string{true: "true"}[f.Live] }},
		{"hardware_address", "only leases of the client with this link-layer `ADDRESS`", setHardware, func(f *Filter) string { return f.HardwareAddress }},
		{"remote_id", "only leases behind this Remote-ID, as ENTERPRISE:`ID` or ID alone, ID as text or 0x0a0b", setRemote, func(f *Filter) string { return f.RemoteID }},
		{"interface_id", "only leases behind this Interface-ID, `ID` as text or 0x0a0b", setOctets(func(f *Filter) *string { return &f.InterfaceID }), func(f *Filter) string { return f.InterfaceID }},
		{"subscriber_id", "only leases behind this Subscriber-ID, `ID` as text or 0x0a0b", setOctets(func(f *Filter) *string { return &f.SubscriberID }), func(f *Filter) string { return f.SubscriberID }},
		{"relay_id", "only leases behind the relay with this `DUID`", setDUID(func(f *Filter) *string { return &f.RelayID }), func(f *Filter) string { return f.RelayID }},
		{"link_address", "only leases that were given by this link-address", setLinkAddress, func(f *Filter) string { return f.LinkAddress }},
		{"name", "only leases of clients with this `NAME`, whole, or with a star before or behind it, as in host-*", setNamePattern, func(f *Filter) string { return f.Name }},
		{"link", "only leases on the `LINK` of this name", setName(func(f *Filter) *string { return &f.Link }), func(f *Filter) string { return f.Link }},
		{"pool", "only leases in the `POOL` of this name", setName(func(f *Filter) *string { return &f.Pool }), func(f *Filter) string { return f.Pool }},
	}
}

// filters are the names of all of them, and of what else an operation takes.
func filters(also ...string) []string {
	var names []string
	for _, p := range Parameters() {
		names = append(names, p.Name)
	}
	return append(names, also...)
}

// ParseFilter reads a query. It refuses what neither it nor the caller knows: a filter that is left out by mistake would
// show everything.
func ParseFilter(query url.Values, also ...string) (f Filter, err error) {
	known := Parameters()
	for name, values := range query {
		i := slices.IndexFunc(known, func(p Parameter) bool { return p.Name == name })
		switch {
		case i < 0 && !slices.Contains(also, name):
			return f, fmt.Errorf("there is no parameter %q", name)
		case len(values) > 1:
			return f, fmt.Errorf("%s is given twice", name)
		case i >= 0:
			if err := known[i].Set(&f, values[0]); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// Query is what ParseFilter reads.
func (f *Filter) Query() url.Values {
	q := url.Values{}
	for _, p := range Parameters() {
		if text := p.Get(f); text != "" {
			q.Set(p.Name, text)
		}
	}
	return q
}

func setWithin(f *Filter, v string) error {
	p, err := ParseLease(v)
	f.Within = p.Masked()
	return err
}

func setDUID(field func(*Filter) *string) func(*Filter, string) error {
	return func(f *Filter, v string) error {
		duid, err := ParseDUID(v)
		*field(f) = wire.FormatDUID(duid)
		return err
	}
}

func setIAID(f *Filter, v string) error {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return fmt.Errorf("iaid=%q isn't a whole number of 32 bits", v)
	}
	iaid := uint32(n)
	f.IAID = &iaid
	return nil
}

func iaidText(f *Filter) string {
	if f.IAID == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*f.IAID), 10)
}

func setState(f *Filter, v string) error {
	if !slices.Contains(states, v) {
		return fmt.Errorf("state=%q is none of %s", v, strings.Join(states, ", "))
	}
	f.State = v
	return nil
}

func setLive(f *Filter, v string) (err error) {
	if f.Live, err = strconv.ParseBool(v); err != nil {
		return fmt.Errorf("live=%q is neither true nor false", v)
	}
	return nil
}

func setHardware(f *Filter, v string) error {
	addr, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "", ".", "").Replace(v))
	if err != nil || len(addr) == 0 {
		return fmt.Errorf("%q isn't a hardware address such as 02:00:00:00:00:01", v)
	}
	f.HardwareAddress = net.HardwareAddr(addr).String()
	return nil
}

func setLinkAddress(f *Filter, v string) error {
	addr, err := netip.ParseAddr(v)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return fmt.Errorf("%q isn't an IPv6 address", v)
	}
	f.LinkAddress = addr.String()
	return nil
}

func setRemote(f *Filter, v string) (err error) {
	f.RemoteID, err = ParseRemoteID(v)
	return err
}

// ParseRemoteID reads a Remote-ID, with its enterprise number or without, and writes it as Lease has it.
func ParseRemoteID(v string) (string, error) {
	if number, id, ok := strings.Cut(v, ":"); ok {
		if _, err := strconv.ParseUint(number, 10, 32); err == nil {
			id, err = octetsText(id)
			return number + ":" + id, err
		}
	}
	return octetsText(v)
}

func setOctets(field func(*Filter) *string) func(*Filter, string) error {
	return func(f *Filter, v string) (err error) {
		*field(f), err = octetsText(v)
		return err
	}
}

func setName(field func(*Filter) *string) func(*Filter, string) error {
	return func(f *Filter, v string) error {
		if *field(f) = v; v == "" {
			return errors.New("a name is empty; GET /v1/links has the names of links and pools")
		}
		return nil
	}
}

// octetsText brings octets, given as text or in hexadecimal behind 0x, into the form in which they are shown.
func octetsText(v string) (string, error) {
	digits, ok := strings.CutPrefix(v, "0x")
	if !ok && v != "" {
		return opaque([]byte(v)), nil
	}
	octets, err := hex.DecodeString(digits)
	if err != nil || len(octets) == 0 {
		return "", fmt.Errorf("%q is neither text nor octets such as 0x0a0b", v)
	}
	return opaque(octets), nil
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}
