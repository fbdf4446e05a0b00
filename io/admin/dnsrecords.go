package admin

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
)

// A DNSRecordKeeper is what a Node finds in DNS of one lease.
type DNSRecordKeeper interface {
	// DNSRecords asks the zones' servers for the records that could be there of a lease. It ends when the context does. Errors:
	// ErrNoDNS, and ErrNoLease where neither this node nor, by what it observed, a peer has given it. That a server gives no answer is no
	// error: the question says so.
	DNSRecords(ctx context.Context, lease netip.Prefix) (DNSRecords, error)
}

// DNSRecords is what DNS holds of a lease now. Lists aren't nil.
type DNSRecords struct {
	Lease     string        `json:"lease"`
	Name      string        `json:"name"`      // the client's, as NameText writes it; empty: the binding has none
	Questions []DNSQuestion `json:"questions"` // AAAA and DHCID of the name, and PTR of the address, or of what stands for the prefix
}

// A DNSQuestion is the records of one name and type.
type DNSQuestion struct {
	Zone  string   `json:"zone"` // empty: no zone of the configuration has the name, and nobody was asked
	Name  string   `json:"name"` // as NameText writes it
	Type  string   `json:"type"` // AAAA, PTR or DHCID
	Data  []string `json:"data"` // as zone files have them; a CNAME in their place is written with its type before it
	Error string   `json:"error,omitempty"`
}

var dnsRecordRoutes = []route{{"GET", "/v1/dns/records", false, []string{"lease"}, dnsRecords}}

func dnsRecords(w http.ResponseWriter, r *http.Request, node Node) {
	const remedy = "give lease=ADDRESS, or a prefix with its length"
	query := r.URL.Query()
	if !query.Has("lease") {
		refuse(w, http.StatusBadRequest, "no lease is given", remedy)
		return
	}
	lease, err := ParseLease(query.Get("lease"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), remedy)
		return
	}
	records, err := node.DNSRecords(r.Context(), lease)
	switch {
	case errors.Is(err, ErrNoDNS):
		refuse(w, http.StatusNotFound, ErrNoDNS.Error(), noDNSRemedy)
	case errors.Is(err, ErrNoLease):
		refuse(w, http.StatusNotFound, "nobody holds "+query.Get("lease"), "`lockstep6 leases list` shows what there is")
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
	default:
		reply(w, http.StatusOK, records)
	}
}
