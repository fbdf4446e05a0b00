package exchange

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// lease reads a block in a block.
func (i *isc) lease(prefix bool) error {
	line, faults := i.tokens.line, len(i.faults)
	name, _, err := i.word()
	if err != nil {
		return err
	}
	l := Lease{Kind: i.kind, IAID: i.iaid, DUID: i.duid, State: binding.Released, File: i.tokens.name, Line: line}
	if err := i.body(func(t token) error { return i.property(&l, string(t.octets)) }); err != nil {
		return err
	}
	if prefix != (i.kind == wire.IAPD) {
		i.note(Malformed, line, "%.60q is in an IA of the other kind", name)
	} else if l.Key, err = i.named(name); err != nil {
		i.note(Malformed, line, "%v", err)
	} else if len(i.block) == maxBlock {
		i.note(Malformed, line, "an IA has more than %d leases", maxBlock)
	}
	if len(i.faults) == faults {
		i.block = append(i.block, l)
	}
	return nil
}

// named reads an address, or a prefix with its length.
func (i *isc) named(name string) (k binding.Key, err error) {
	length := uint64(128)
	if i.kind == wire.IAPD {
		address, bits, _ := strings.Cut(name, "/")
		if length, err = strconv.ParseUint(bits, 10, 8); err != nil {
			return k, fmt.Errorf("%.60q isn't a prefix", name)
		}
		name = address
	}
	return keyOf(name, length, i.kind)
}

// property reads a statement within a lease.
func (i *isc) property(l *Lease, what string) error {
	switch what {
	case "ends":
		unix, never, err := i.date()
		l.Expires = ends(unix, never)
		return err
	case "binding", "preferred-life", "max-life", "set":
	default:
		return i.statement()
	}
	words, err := i.words()
	if err != nil {
		return err
	}
	switch {
	case what == "binding" && len(words) == 2:
		l.State = iscState(words[1])
	case what == "set" && len(words) == 3:
		variable(l, words[0], words[2])
	case what == "preferred-life" && len(words) == 1:
		l.Preferred = i.lifetime(words[0])
	case what == "max-life" && len(words) == 1:
		l.Valid = i.lifetime(words[0])
	case what != "set": // dhcpd keeps variables of any form
		i.note(Malformed, i.tokens.line, "%s stands with %.60q, which isn't how dhcpd writes it; correct the statement, or take the lease out", what, words)
	}
	return nil
}

// iscState is what dhcpd calls a binding's state. What is neither in use nor kept away is over.
func iscState(word string) binding.State {
	switch word {
	case "active":
		return binding.Bound
	case "abandoned":
		return binding.Declined
	}
	return binding.Released
}

// variable reads what dhcpd keeps of a name that it put into DNS.
func variable(l *Lease, name, value string) {
	value = strings.TrimSuffix(value, ".")
	switch name {
	case "ddns-fwd-name":
		l.Name, l.Forward = value, true
	case "ddns-client-fqdn":
		if l.Name == "" {
			l.Name = value
		}
	case "ddns-rev-name":
		l.Reverse = true
	}
}

func (i *isc) lifetime(text string) uint32 {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		i.note(Malformed, i.tokens.line, "%.60q isn't a lifetime in seconds", text)
	}
	return uint32(n)
}

// date reads a moment, and tells one that no lease reaches.
func (i *isc) date() (unix int64, never bool, err error) {
	if unix, never, err = i.moment(); unix > lastUnix {
		i.note(Malformed, i.tokens.line, "a time in the year %d, which no lifetime reaches; correct the date, or take the lease out", yearOf(unix))
		unix = 0
	}
	return unix, never, err
}

// moment reads one: the day of the week, date and time in UTC; epoch and seconds; or never.
func (i *isc) moment() (unix int64, never bool, err error) {
	words, err := i.words()
	switch {
	case err != nil:
		return 0, false, err
	case len(words) == 1 && words[0] == "never":
		return 0, true, nil
	case len(words) == 2 && words[0] == "epoch":
		if unix, err = strconv.ParseInt(words[1], 10, 64); err == nil {
			return unix, false, nil
		}
	case len(words) >= 3:
		if at, err := time.Parse("2006/1/2 15:4:5", words[1]+" "+words[2]); err == nil {
			return at.Unix() - offset(words[3:]), false, nil
		}
	}
	i.note(Malformed, i.tokens.line, "%.60q isn't a time as dhcpd writes it", words)
	return 0, false, nil
}

// offset is a time zone's, such as -0500, in seconds; old files may have one.
func offset(words []string) int64 {
	if len(words) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(words[0], 10, 32)
	if err != nil {
		return 0
	}
	return n/100*3600 + n%100*60
}
