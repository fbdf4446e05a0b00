package exchange

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// dibbler reads server-AddrMgr.xml: an AddrClient for each client, in it an AddrIA or AddrPD for each identity association, in those
// an AddrAddr or AddrPrefix for each lease, and behind them the association's name.
type dibbler struct {
	xml    *xml.Decoder
	name   string
	ended  bool
	duid   []byte // of the present client; nil: not told yet, or wrong
	peer   []byte // the piece of its link-local address; nil: none
	kind   wire.Kind
	iaid   uint32
	queue  []Lease
	faults []*Fault
	in     string // the element whose text is read
	text   strings.Builder
	attr   []xml.Attr
}

// NewDibbler reads Dibbler's server-AddrMgr.xml. Name stands in faults.
func NewDibbler(r io.Reader, name string) Reader {
	d := xml.NewDecoder(r)
	d.Strict = false // what Dibbler writes isn't always XML to the letter
	return &dibbler{xml: d, name: name}
}

// maxDibblerText is the most octets of an element's text that are read.
const maxDibblerText = 1024

// Next implements Reader.
func (d *dibbler) Next(l *Lease) error {
	for len(d.queue) == 0 || d.kind != 0 {
		if len(d.faults) > 0 {
			f := d.faults[0]
			d.faults = d.faults[1:]
			return f
		}
		if d.ended {
			return io.EOF
		}
		t, err := d.xml.Token()
		var wrong *xml.SyntaxError
		switch {
		case errors.As(err, &wrong):
			d.ended, d.kind = true, 0
			d.note("%s; nothing behind it can be read", wrong.Msg)
		case errors.Is(err, io.EOF):
			d.ended, d.kind = true, 0
		case err != nil:
			return err
		default:
			d.token(t)
		}
	}
	*l = d.queue[0]
	d.queue = d.queue[1:]
	return nil
}

func (d *dibbler) note(format string, args ...any) {
	line, _ := d.xml.InputPos()
	d.faults = append(d.faults, &Fault{Malformed, d.name, line, fmt.Sprintf(format, args...)})
}

func (d *dibbler) token(t xml.Token) {
	switch t := t.(type) {
	case xml.StartElement:
		d.begin(&t)
	case xml.CharData:
		if d.in != "" && d.text.Len()+len(t) <= maxDibblerText {
			d.text.Write(t)
		}
	case xml.EndElement:
		d.end(t.Name.Local)
	}
}

func (d *dibbler) begin(t *xml.StartElement) {
	d.in = ""
	switch t.Name.Local {
	case "AddrClient":
		d.duid, d.peer = nil, nil
	case "AddrIA":
		d.begins(wire.IANA, t)
	case "AddrPD":
		d.begins(wire.IAPD, t)
	case "AddrTA":
		line, _ := d.xml.InputPos()
		d.faults = append(d.faults, &Fault{NotRepresentable, d.name, line, "a temporary address (IA_TA), which isn't served"})
	case "duid", "AddrAddr", "AddrPrefix", "fqdn":
		d.in, d.attr = t.Name.Local, t.Copy().Attr
		d.text.Reset()
	}
}

// begins begins an identity association.
func (d *dibbler) begins(kind wire.Kind, t *xml.StartElement) {
	iaid, err := strconv.ParseUint(attribute(t.Attr, "IAID"), 10, 32)
	if err != nil {
		d.note("%s has no IAID", t.Name.Local)
		return
	}
	d.kind, d.iaid, d.peer = kind, uint32(iaid), nil
	if a, err := netip.ParseAddr(attribute(t.Attr, "unicast")); err == nil && a.IsLinkLocalUnicast() {
		a16 := a.As16()
		d.peer = binding.AppendExtension(nil, binding.ExtPeerAddress, a16[:])
	}
}

func attribute(all []xml.Attr, name string) string {
	for _, a := range all {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (d *dibbler) end(element string) {
	if element == "AddrIA" || element == "AddrPD" {
		d.kind = 0 // its leases may go now
		return
	}
	if element != d.in {
		return
	}
	d.in = ""
	text := strings.TrimSpace(d.text.String())
	switch element {
	case "duid":
		duid, err := appendHex(nil, text)
		if err == nil {
			err = checkDUID(duid)
		}
		if err != nil {
			d.note("duid: %v", err)
			duid = nil
		}
		d.duid = duid
	case "fqdn":
		for i := range d.queue {
			d.queue[i].Name = strings.TrimSuffix(text, ".")
			d.queue[i].Forward, d.queue[i].Reverse = true, true
		}
	default:
		if err := d.lease(element, text); err != nil {
			d.note("%v", err)
		}
	}
}

// lease reads AddrAddr or AddrPrefix.
func (d *dibbler) lease(element, text string) error {
	switch {
	case d.kind == 0:
		return nil // of an IA that can't be read, which was told
	case d.duid == nil:
		return fmt.Errorf("%.60s: its client has no DUID", text)
	case len(d.queue) >= maxBlock:
		return fmt.Errorf("an IA has more than %d leases", maxBlock)
	}
	n := [3]uint64{}
	for i, name := range []string{"timestamp", "pref", "valid"} {
		var err error
		if n[i], err = strconv.ParseUint(attribute(d.attr, name), 10, 32); err != nil {
			return fmt.Errorf("%.60s: %s isn't a number", text, name)
		}
	}
	length, _ := strconv.ParseUint(attribute(d.attr, "length"), 10, 8) // keyOf refuses a prefix of length 0
	if d.kind == wire.IANA && element != "AddrAddr" || d.kind == wire.IAPD && element != "AddrPrefix" {
		return fmt.Errorf("%.60s: %s is in an IA of the other kind", text, element)
	}
	key, err := keyOf(text, length, d.kind)
	if err != nil {
		return err
	}
	line, _ := d.xml.InputPos()
	last := binding.TimeOf(int64(n[0]))
	d.queue = append(d.queue, Lease{
		Key: key, Kind: d.kind, IAID: d.iaid, DUID: d.duid, State: binding.Bound,
		Preferred: uint32(n[1]), Valid: uint32(n[2]), Last: last, Expires: last.Add(uint32(n[2])),
		Extension: d.peer, File: d.name, Line: line,
	})
	return nil
}
