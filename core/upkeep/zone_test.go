package upkeep_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A dnsServer is a DNS server in memory: zones that take updates as RFC 2136, Section 3, has them.
type dnsServer struct {
	zones   []naming.Name
	records []map[string][]zoneRecord // by zone, by name
	log     []string                  // each update that came, as text

	before func(n int, u *upkeep.Update) (upkeep.Answer, error) // of update number n from 0; an error or an answer: it isn't made
	after  func(n int) error                                    // it was made, and this becomes of the answer
}

type zoneRecord struct {
	kind upkeep.RRType
	data string
}

var errLost = errors.New("no answer")

func newServer(t testing.TB, zones ...string) *dnsServer {
	t.Helper()
	d := new(dnsServer)
	for _, z := range zones {
		d.zones = append(d.zones, parse(t, z))
		d.records = append(d.records, map[string][]zoneRecord{})
	}
	return d
}

func parse(t testing.TB, text string) naming.Name {
	t.Helper()
	name, err := naming.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Exchange makes an update.
func (d *dnsServer) Exchange(_ context.Context, u *upkeep.Update) (upkeep.Answer, error) {
	n := len(d.log)
	d.log = append(d.log, show(u))
	if d.before != nil {
		if answer, err := d.before(n, u); err != nil || answer != upkeep.NoError {
			return answer, err
		}
	}
	answer := d.update(u)
	if d.after != nil {
		if err := d.after(n); err != nil {
			return 0, err
		}
	}
	return answer, nil
}

func (d *dnsServer) update(u *upkeep.Update) upkeep.Answer {
	zone := d.records[u.Zone]
	for _, p := range u.Requires {
		if !p.Name.Under(d.zones[u.Zone]) {
			return upkeep.NotZone
		}
		if p.Kind == upkeep.Exists && p.Data != nil {
			continue // Section 3.2.5: looked at last
		}
		if answer := holds(zone[string(p.Name)], &p); answer != upkeep.NoError {
			return answer
		}
	}
	for _, p := range u.Requires {
		set := only(zone[string(p.Name)], p.Type)
		if p.Kind == upkeep.Exists && p.Data != nil && (len(set) != 1 || set[0].data != string(p.Data)) {
			return upkeep.NXRRSet
		}
	}
	for _, c := range u.Changes {
		if !c.Name.Under(d.zones[u.Zone]) {
			return upkeep.NotZone
		}
	}
	for _, c := range u.Changes {
		change(zone, &c)
	}
	return upkeep.NoError
}

func holds(records []zoneRecord, p *upkeep.Prerequisite) upkeep.Answer {
	switch set := only(records, p.Type); {
	case p.Kind == upkeep.NameUnused && len(records) > 0:
		return upkeep.YXDomain
	case p.Kind == upkeep.NameUsed && len(records) == 0:
		return upkeep.NXDomain
	case p.Kind == upkeep.Exists && len(set) == 0:
		return upkeep.NXRRSet
	case p.Kind == upkeep.Absent && len(set) > 0:
		return upkeep.YXRRSet
	}
	return upkeep.NoError
}

func only(records []zoneRecord, kind upkeep.RRType) (set []zoneRecord) {
	for _, r := range records {
		if r.kind == kind {
			set = append(set, r)
		}
	}
	return set
}

func change(zone map[string][]zoneRecord, c *upkeep.Change) {
	name := string(c.Name)
	r := zoneRecord{c.Type, string(c.Data)}
	switch c.Kind {
	case upkeep.AddRecord:
		if len(only(zone[name], upkeep.TypeCNAME)) == 0 && !slices.Contains(zone[name], r) {
			zone[name] = append(zone[name], r)
		}
	case upkeep.DeleteName:
		delete(zone, name)
	default:
		zone[name] = slices.DeleteFunc(zone[name], func(old zoneRecord) bool {
			return old == r || c.Kind == upkeep.DeleteRRset && old.kind == r.kind
		})
		if len(zone[name]) == 0 {
			delete(zone, name)
		}
	}
}

// put adds a record by hand.
func (d *dnsServer) put(name naming.Name, kind upkeep.RRType, data []byte) {
	zone := d.records[naming.Longest(d.zones, name)]
	zone[string(name)] = append(zone[string(name)], zoneRecord{kind, string(data)})
}

// all is what all zones hold, sorted, one record a line. DHCIDs are shown by the names of those that have them.
func (d *dnsServer) all() []string {
	var lines []string
	for _, zone := range d.records {
		for name, records := range zone {
			for _, r := range records {
				lines = append(lines, fmt.Sprintf("%v %s", naming.Name(name), showData(r.kind, []byte(r.data))))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func showData(kind upkeep.RRType, data []byte) string {
	switch kind {
	case upkeep.TypePTR:
		return "PTR " + naming.Name(data).String()
	case upkeep.TypeAAAA:
		return "AAAA " + fmt.Sprintf("%x", data[13:])
	case upkeep.TypeDHCID:
		return fmt.Sprintf("DHCID %x", data[3:6])
	case upkeep.TypeA:
		return fmt.Sprintf("A %x", data)
	}
	return fmt.Sprintf("type %d %x", kind, data)
}

var (
	prerequisites = [...]string{"unused", "used", "exists", "absent"}
	changes       = [...]string{"add", "delete-set", "delete-name", "delete"}
)

// show is an update as text: what it requires, then what it changes.
func show(u *upkeep.Update) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:", u.Zone)
	for _, p := range u.Requires {
		fmt.Fprintf(&b, " %s(%v", prerequisites[p.Kind], p.Name)
		if p.Type != 0 {
			fmt.Fprintf(&b, " %d", p.Type)
		}
		b.WriteString(")")
	}
	for _, c := range u.Changes {
		fmt.Fprintf(&b, " %s(%v", changes[c.Kind], c.Name)
		if c.Data != nil {
			fmt.Fprintf(&b, " %s", showData(c.Type, c.Data))
		} else if c.Type != 0 {
			fmt.Fprintf(&b, " %d", c.Type)
		}
		b.WriteString(")")
	}
	return b.String()
}

// The server in memory answers as RFC 2136 says; what is proven with it hangs on that.
func TestServerInMemory(t *testing.T) {
	d := newServer(t, "example.net")
	name, data := parse(t, "a.example.net"), bytes.Repeat([]byte{1}, naming.DHCIDSize)
	d.put(name, upkeep.TypeDHCID, data)
	unused := parse(t, "b.example.net")
	for _, c := range []struct {
		p    upkeep.Prerequisite
		want upkeep.Answer
	}{
		{upkeep.Prerequisite{Name: name, Kind: upkeep.NameUnused}, upkeep.YXDomain},
		{upkeep.Prerequisite{Name: unused, Kind: upkeep.NameUnused}, upkeep.NoError},
		{upkeep.Prerequisite{Name: unused, Kind: upkeep.NameUsed}, upkeep.NXDomain},
		{upkeep.Prerequisite{Name: name, Kind: upkeep.Exists, Type: upkeep.TypeDHCID, Data: data}, upkeep.NoError},
		{upkeep.Prerequisite{Name: name, Kind: upkeep.Exists, Type: upkeep.TypeDHCID, Data: data[1:]}, upkeep.NXRRSet},
		{upkeep.Prerequisite{Name: name, Kind: upkeep.Exists, Type: upkeep.TypeAAAA}, upkeep.NXRRSet},
		{upkeep.Prerequisite{Name: name, Kind: upkeep.Absent, Type: upkeep.TypeDHCID}, upkeep.YXRRSet},
		{upkeep.Prerequisite{Name: parse(t, "elsewhere"), Kind: upkeep.NameUnused}, upkeep.NotZone},
	} {
		if got := d.update(&upkeep.Update{Requires: []upkeep.Prerequisite{c.p}}); got != c.want {
			t.Errorf("%v: %v, want %v", c.p, got, c.want)
		}
	}
}
