package exchange

import (
	"errors"
	"fmt"
	"io"
	"strings"
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

// keaComma is how Kea writes what its files can't have within a field: "&#x" and two digits.
const keaComma = "&#x"

// kea reads a memfile's CSV. A field has no quotation marks: commas in it are escaped.
type kea struct {
	lines  *lines
	column [len(keaColumns)]int // where in a line a column stands; -1: nowhere
	named  int                  // how many columns the header names; 0: it wasn't read yet
	fields []string
	octets []byte // of DUID and extension
}

// NewKea reads one file of Kea's memfile, kea-leases6.csv. Name stands in faults.
func NewKea(r io.Reader, name string) Reader { return newKea(r, name) }

func newKea(r io.Reader, name string) *kea { return &kea{lines: newLines(r, name)} }

// Next implements Reader.
func (k *kea) Next(l *Lease) error {
	if err := k.begin(); err != nil {
		return err
	}
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

// begin reads the header, if it wasn't yet. Without one that is Kea's, nothing of the file can be understood; an empty file ends here.
func (k *kea) begin() error {
	for k.named == 0 {
		line, err := k.lines.next()
		switch {
		case errors.Is(err, errLong), err == nil && len(line) > 0:
			k.split(string(line)) // of a line that is too long there is nothing
			err = k.header()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// header finds the columns in the first line.
func (k *kea) header() error {
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
	k.named = len(k.fields)
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

// width finds rows that don't fit the header. Kea refuses such a row too; one with too few at its end has columns of an older version.
func (k *kea) width() error {
	switch n := len(k.fields); {
	case n > k.named:
		return fmt.Errorf("%d columns, and the first line names %d; within a field Kea writes a comma as %s2c: correct the line, or take it out", n, k.named, keaComma)
	case n <= k.column[colHostname]:
		return fmt.Errorf("%d columns, and the first line names %d; correct the line, or take it out", n, k.named)
	}
	return nil
}
