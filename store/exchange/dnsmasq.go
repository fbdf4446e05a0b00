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

// dnsmasq reads the leases of dnsmasq: those of DHCPv4, a line "duid" with the server's, and those of DHCPv6, each with the end of the
// lease, the IAID, the address, a name and the client's DUID. When a client was last heard it doesn't tell, nor lifetimes.
type dnsmasq struct {
	lines *lines
	heard int64
	v6    bool
	duid  []byte
}

// NewDnsmasq reads dnsmasq's leases. Name stands in faults. Heard, in Unix time, counts as the moment in which all clients were last heard: when the
// file was written.
func NewDnsmasq(r io.Reader, name string, heard int64) Reader {
	return &dnsmasq{lines: newLines(r, name), heard: heard}
}

// Next implements Reader.
func (d *dnsmasq) Next(l *Lease) error {
	for {
		line, err := d.lines.next()
		switch {
		case errors.Is(err, errLong):
			return d.lines.fault(Malformed, err)
		case err != nil:
			return err
		}
		fields := strings.Fields(string(line))
		switch {
		case len(fields) == 0:
		case fields[0] == "duid":
			d.v6 = true
		case d.v6:
			*l = Lease{Kind: wire.IANA, State: binding.Bound, File: d.lines.name, Line: d.lines.number}
			if reason, err := d.lease(l, fields); err != nil {
				return d.lines.fault(reason, err)
			}
			return nil
		}
	}
}

func (d *dnsmasq) lease(l *Lease, fields []string) (reason Reason, err error) {
	if len(fields) != 5 {
		return Malformed, fmt.Errorf("%d words, and a lease has five: its end, IAID, address, name and DUID; correct the line, or take it out", len(fields))
	}
	if l.Key, err = keyOf(fields[2], 128, wire.IANA); err != nil {
		return Malformed, err
	}
	if strings.HasPrefix(fields[1], "T") {
		return NotRepresentable, fmt.Errorf("%.60s is a temporary address (IA_TA), which isn't served", fields[2])
	}
	iaid, err := strconv.ParseUint(fields[1], 10, 32)
	if err != nil {
		return Malformed, fmt.Errorf("%.60q isn't an IAID", fields[1])
	}
	end, err := strconv.ParseInt(fields[0], 10, 63)
	if err != nil || end < 0 {
		return Malformed, fmt.Errorf("%.60q isn't a time", fields[0])
	}
	if end > lastUnix {
		return Malformed, fmt.Errorf("the lease ends in the year %d, which no lifetime reaches; the first word is seconds since 1970, or 0 for a lease without end", yearOf(end))
	}
	if d.duid, err = appendHex(d.duid[:0], fields[4]); err == nil {
		err = checkDUID(d.duid)
	}
	if err != nil {
		return Malformed, err
	}
	l.IAID, l.DUID = uint32(iaid), d.duid
	l.Last, l.Expires = binding.TimeOf(d.heard), ends(end, end == 0)
	l.Valid = wire.Infinity
	if l.Expires != binding.Never {
		l.Last = min(l.Last, l.Expires)
		l.Valid = uint32(l.Expires - l.Last)
	}
	l.Preferred = l.Valid
	if fields[3] != "*" {
		l.Name = strings.TrimSuffix(fields[3], ".")
	}
	return 0, nil
}
