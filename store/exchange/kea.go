package exchange

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// keaFiles are the files of Kea's memfile in the order in which Kea loads them. Its cleanup (LFC) moves the file to .1, merges .2 and .1
// into .output, and renames that to .completed when it is whole, to .2 at last. So a .completed stands for .2 and .1, and an
// .output that was left is a part of what these have.
func keaFiles(name string, there func(string) bool) (files []string) {
	if there(name + ".completed") {
		files = append(files, name+".completed")
	} else {
		for _, n := range []string{name + ".2", name + ".1"} {
			if there(n) {
				files = append(files, n)
			}
		}
	}
	if there(name) || len(files) == 0 {
		files = append(files, name)
	}
	return files
}

// keaColumns are those of kea-leases6.csv, as of Kea 2.6 (schema 5.0). Earlier versions have fewer.
var keaColumns = [...]string{
	"address", "duid", "valid_lifetime", "expire", "subnet_id", "pref_lifetime", "lease_type", "iaid", "prefix_len",
	"fqdn_fwd", "fqdn_rev", "hostname", "hwaddr", "state", "user_context", "hwtype", "hwaddr_source", "pool_id",
}

// Numbers of keaColumns.
const (
	colAddress = iota
	colDUID
	colValid
	colExpire
	colSubnet
	colPreferred
	colType
	colIAID
	colLength
	colForward
	colReverse
	colHostname
	colHardware
	colState
	colContext
	colHardwareType
	colHardwareSource
	colPool

	keaNeeded = colHostname + 1 // what every version has
)

// States of a lease in the column state.
const (
	keaAssigned   = 0
	keaDeclined   = 1
	keaReclaimed  = 2 // expired, and the server has dealt with that
	keaReleased   = 3 // given back, and kept for its client
	keaRegistered = 4 // an address that the client made itself (RFC 9686)
)

// keaComma is how Kea writes what its files can't have within a field: "&#x" and two digits.
const keaComma = "&#x"

// kea reads a memfile's CSV. A field has no quotation marks: commas in it are escaped.
type kea struct {
	lines  *lines
	column [len(keaColumns)]int // where in a line a column stands; -1: nowhere
	header bool
	fields []string
	octets []byte // of DUID and extension
}

// NewKea reads one file of Kea's memfile, kea-leases6.csv. Name stands in faults.
func NewKea(r io.Reader, name string) Reader { return &kea{lines: newLines(r, name)} }

// Next implements Reader.
func (k *kea) Next(l *Lease) error {
	for {
		line, err := k.lines.next()
		switch {
		case errors.Is(err, errLong):
			return k.lines.fault(Malformed, err)
		case err != nil:
			return err
		case len(line) == 0:
			continue
		}
		k.split(string(line))
		if !k.header {
			if err := k.begin(); err != nil {
				return err
			}
			continue
		}
		*l = Lease{File: k.lines.name, Line: k.lines.number}
		reason, err := k.lease(l)
		if err != nil {
			return k.lines.fault(reason, err)
		}
		return nil
	}
}

func (k *kea) split(line string) {
	k.fields = k.fields[:0]
	for {
		field, rest, more := strings.Cut(line, ",")
		k.fields = append(k.fields, field)
		if !more {
			return
		}
		line = rest
	}
}

// begin reads the header. Without one that is Kea's, nothing of the file can be understood.
func (k *kea) begin() error {
	for i := range k.column {
		k.column[i] = -1
	}
	for at, field := range k.fields {
		for i, name := range keaColumns {
			if strings.TrimSpace(field) == name {
				k.column[i] = at
			}
		}
	}
	for i, at := range k.column[:keaNeeded] {
		if at < 0 {
			return fmt.Errorf("%s isn't Kea's: its first line has no column %s; kea-leases6.csv begins with one of column names", k.lines.name, keaColumns[i])
		}
	}
	k.header = true
	return nil
}

// field is a column's value as it was before Kea escaped it.
func (k *kea) field(column int) string {
	at := k.column[column]
	if at < 0 || at >= len(k.fields) {
		return ""
	}
	return keaUnescape(k.fields[at])
}

// keaUnescape takes the escapes out of a field.
func keaUnescape(field string) string {
	if !strings.Contains(field, keaComma) {
		return field
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(field, keaComma)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if len(rest) >= 2 {
			if octet, ok := hexOctet(rest[:2]); ok {
				b.WriteByte(octet)
				field = rest[2:]
				continue
			}
		}
		b.WriteString(keaComma)
		field = rest
	}
}

// number reads a column of so many bits.
func (k *kea) number(column, bits int) (uint64, error) {
	text := k.field(column)
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%s: %.60q isn't a number of %d bits", keaColumns[column], text, bits)
	}
	return n, nil
}

// numbers reads columns of 32 bits.
func (k *kea) numbers(columns ...int) (all [4]uint32, err error) {
	for i, c := range columns {
		n, err := k.number(c, 32)
		if err != nil {
			return all, err
		}
		all[i] = uint32(n)
	}
	return all, nil
}

// lease reads one line.
func (k *kea) lease(l *Lease) (reason Reason, err error) {
	if len(k.fields) <= k.column[colHostname] {
		return Malformed, fmt.Errorf("%d columns, and the first line names %d", len(k.fields), keaNeeded)
	}
	n, err := k.numbers(colValid, colPreferred, colType, colIAID)
	if err != nil {
		return Malformed, err
	}
	state, err := k.state()
	if err != nil {
		return Malformed, err
	}
	l.Valid, l.Preferred, l.IAID = n[0], n[1], n[3]
	switch {
	case n[2] == 0:
		l.Kind = wire.IANA
	case n[2] == 2:
		l.Kind = wire.IAPD
	case n[2] == 1:
		return NotRepresentable, fmt.Errorf("%.60s is a temporary address (IA_TA), which isn't served", k.field(colAddress))
	default:
		return Malformed, fmt.Errorf("lease_type: %d isn't 0, 1 or 2", n[2])
	}
	if state == keaRegistered {
		return NotRepresentable, fmt.Errorf("%.60s is registered: its client made it itself", k.field(colAddress))
	}
	length, err := k.number(colLength, 8)
	if err != nil {
		return Malformed, err
	}
	if l.Key, err = keyOf(k.field(colAddress), length, l.Kind); err != nil {
		return Malformed, err
	}
	if err := k.times(l, state); err != nil {
		return Malformed, err
	}
	if err := k.client(l); err != nil {
		return Malformed, err
	}
	return 0, nil
}

func (k *kea) state() (uint32, error) {
	if k.field(colState) == "" {
		return keaAssigned, nil // a file of before there were states
	}
	state, err := k.number(colState, 32)
	if err == nil && state > keaRegistered {
		err = fmt.Errorf("state: %d isn't one of 0 to %d", state, keaRegistered)
	}
	return uint32(state), err
}

// times reads when the client was last heard, and what that makes of the state. A line with a valid lifetime of 0 is how Kea deletes
// a lease: by a Release, or when it has expired.
func (k *kea) times(l *Lease, state uint32) error {
	expire, err := k.number(colExpire, 63)
	if err != nil {
		return err
	}
	last := int64(expire) - int64(l.Valid)
	l.Last, l.Expires = binding.TimeOf(last), ends(int64(expire), l.Valid == wire.Infinity)
	switch {
	case state == keaDeclined && l.Valid > 0:
		l.State = binding.Declined
	case state == keaReclaimed, state == keaReleased, l.Valid == 0:
		l.State, l.Expires = binding.Released, binding.TimeOf(int64(expire))
	default:
		l.State = binding.Bound
	}
	if l.State == binding.Bound {
		l.Preferred = min(l.Preferred, l.Valid)
	}
	return nil
}

// client reads whose the lease is, where that one is, and its name.
func (k *kea) client(l *Lease) (err error) {
	if k.octets, err = appendHex(k.octets[:0], k.field(colDUID)); err != nil {
		return fmt.Errorf("duid: %w", err)
	}
	l.DUID = k.octets
	if err := checkDUID(l.DUID); err != nil && l.State == binding.Bound {
		return err
	}
	if l.State == binding.Declined || len(l.DUID) > wire.MaxDUID {
		l.DUID = nil // nobody's: Kea writes an empty one
	}
	end := len(k.octets)
	hardware := k.field(colHardware)
	if k.octets, err = appendPlace(k.octets, l.DUID, hardware, k.field(colHardwareType), k.field(colContext)); err != nil {
		return err
	}
	if len(l.DUID) > 0 {
		l.DUID = k.octets[:end:end] // it may have moved
	}
	if len(k.octets) > end {
		l.Extension = k.octets[end:]
	}
	l.Name = strings.TrimSuffix(k.field(colHostname), ".")
	l.Forward, l.Reverse = k.field(colForward) == "1", k.field(colReverse) == "1"
	return nil
}
