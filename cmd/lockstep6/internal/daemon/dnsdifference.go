package daemon

import (
	"encoding/base64"
	"net/netip"
	"strconv"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/admin"
)

// dnsDifference is a difference as the API shows it.
func dnsDifference(d *upkeep.Difference) admin.DNSDifference {
	out := admin.DNSDifference{
		Kind: d.Kind.String(), Name: admin.NameText(d.Name), Type: rrTypeText(d.Type), Data: rrDataText(d.Type, d.Data),
	}
	if d.Lease.Length != 0 {
		out.Lease = admin.LeaseText(d.Lease)
	}
	if d.Kind == upkeep.Missing {
		out.Expected, out.Data = out.Data, ""
	}
	if d.Repair != nil {
		out.Repair = "the lease's records are made as its binding says"
		if d.Kind == upkeep.Abandoned {
			out.Repair = "the record is removed, if its name is still the client's and no binding has it"
		}
	}
	return out
}

func rrTypeText(t upkeep.RRType) string {
	switch t {
	case upkeep.TypeA:
		return "A"
	case upkeep.TypeAAAA:
		return "AAAA"
	case upkeep.TypePTR:
		return "PTR"
	case upkeep.TypeDHCID:
		return "DHCID"
	case 0:
		return ""
	}
	return "TYPE" + strconv.Itoa(int(t)) // RFC 3597, Section 5
}

// rrDataText is a record's data as zone files have it.
func rrDataText(t upkeep.RRType, data []byte) string {
	if len(data) == 0 {
		return ""
	}
	switch t {
	case upkeep.TypeA, upkeep.TypeAAAA:
		if addr, ok := netip.AddrFromSlice(data); ok {
			return addr.String()
		}
	case upkeep.TypePTR:
		return admin.NameText(naming.Name(data))
	}
	return base64.StdEncoding.EncodeToString(data)
}
