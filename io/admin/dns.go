package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/lockstep6/lockstep6/core/naming"
)

// A DNSKeeper is what a Node tells of DNS, and does there. Lists and maps that it returns aren't nil.
type DNSKeeper interface {
	// DNS is a snapshot of what keeps DNS. Not ok: the configuration has no dns.
	DNS() (state DNSState, ok bool)
	// AuditDNS compares what DNS holds with the bindings, and mends what differs where that is asked for. It ends early when the
	// context does; what it has mended stays so. Errors: ErrNoDNS, ErrNoZone, and ErrAuditing while another audit is under way, the
	// node's own too.
	AuditDNS(ctx context.Context, r DNSAuditRequest) (DNSAudit, error)
}

// Errors of a DNSKeeper.
var (
	ErrNoDNS    = errors.New("this node keeps no DNS")
	ErrNoZone   = errors.New("no such zone")
	ErrAuditing = errors.New("an audit is under way already")
)

const noDNSRemedy = "write dns: {zones: [...]} into its configuration"

// A DNSState is what a node does to keep DNS. Counts begin at its start.
type DNSState struct {
	Updates bool      `json:"updates"` // false: nothing is added, and of bindings that end the records are removed
	Queue   DNSQueue  `json:"queue"`
	Zones   []DNSZone `json:"zones"`   // in the configuration's order
	Latency Latency   `json:"latency"` // of updates, from sending one to its answer
	Audit   *DNSAudit `json:"audit"`   // the last one that came to its end, without its list; null: there was none
}

// A DNSQueue is the tasks that wait on disk: leases of which DNS is to be looked at.
type DNSQueue struct {
	Waiting       uint64            `json:"waiting"`
	Most          uint64            `json:"most"`           // that may wait
	OldestSeconds float64           `json:"oldest_seconds"` // for which the first of them has waited; 0: none waits
	Done          uint64            `json:"done"`
	Dropped       map[string]uint64 `json:"dropped"` // by reason; of those that there are, those too that haven't come to pass
}

// DNSConflict is the result of an update that found the name with another client (RFC 4703, Section 5.3.3).
const DNSConflict = "conflict"

// A DNSZone is a zone that takes updates.
type DNSZone struct {
	Name      string            `json:"name"`       // as NameText writes it
	Servers   []string          `json:"servers"`    // addresses with their ports, the primary first
	Server    string            `json:"server"`     // the one that is asked now; empty: none answers
	Up        bool              `json:"up"`         // the last update had an answer to go by, or none was tried yet
	Since     time.Time         `json:"since"`      // when it became so
	LastError string            `json:"last_error"` // of the newest update that failed; empty: none has
	Updates   map[string]uint64 `json:"updates"`    // by result, DNSConflict among them; those too that haven't come to pass
}

// A DNSAuditRequest asks for an audit.
type DNSAuditRequest struct {
	Repair bool   // mend what differs; else only tell
	Zone   string // only this one, as DNSZone has its name; empty: all
}

// MaxDNSList is the most differences that an audit lists.
const MaxDNSList = 1000

// A DNSAudit is how what DNS holds differs from the bindings.
type DNSAudit struct {
	At          time.Time         `json:"at"` // its beginning
	Seconds     float64           `json:"seconds"`
	Repair      bool              `json:"repair"` // it was to mend what differs
	Zones       []DNSAuditZone    `json:"zones"`
	Checked     uint64            `json:"checked"`     // bindings with names whose records were looked at
	Differences map[string]uint64 `json:"differences"` // by kind, all of them
	Mendable    uint64            `json:"mendable"`    // of them: those that a repair mends; others are somebody else's records
	Repaired    uint64            `json:"repaired"`    // of those: mended, or put into the queue
	List        []DNSDifference   `json:"list"`        // the first ones, MaxDNSList at most
}

// Total is how many differences there are.
func (a *DNSAudit) Total() (n uint64) {
	for _, of := range a.Differences {
		n += of
	}
	return n
}

// Clean tells whether all zones were read, and nothing is left that a repair would mend.
func (a *DNSAudit) Clean() bool {
	for i := range a.Zones {
		if a.Zones[i].Error != "" {
			return false
		}
	}
	return a.Left() == 0
}

// Left is how many differences are left that a repair would mend.
func (a *DNSAudit) Left() uint64 { return a.Mendable - min(a.Mendable, a.Repaired) }

// How an audit reads a zone.
const (
	DNSReadTransfer = "axfr"     // as a whole (RFC 5936)
	DNSReadPerName  = "per-name" // a query for each name that bindings have: records of other names aren't seen
)

// A DNSAuditZone is how one zone was read.
type DNSAuditZone struct {
	Name    string `json:"name"`
	Read    string `json:"read"`    // axfr or per-name; empty: not at all
	Records uint64 `json:"records"` // that were read
	Error   string `json:"error"`   // why it couldn't be read, or not to its end; empty: it was
}

// A DNSDifference is one record that is missing, or there and shouldn't be.
type DNSDifference struct {
	Kind     string `json:"kind"`     // such as missing, abandoned, wrong or foreign
	Name     string `json:"name"`     // of the record, as NameText writes it
	Type     string `json:"type"`     // AAAA, PTR or DHCID
	Data     string `json:"data"`     // what is there; empty: nothing
	Lease    string `json:"lease"`    // the address or prefix that it is about; empty: none
	Expected string `json:"expected"` // what should be there; empty: nothing
	Repair   string `json:"repair"`   // what mends it, in words; empty: it is left as it is
}

var dnsRoutes = []route{
	{"GET", "/v1/dns", false, nil, dns},
	{"POST", "/v1/dns/audit", false, []string{"zone"}, auditDNS(false)},
	{"POST", "/v1/dns/repair", true, []string{"zone"}, auditDNS(true)},
}

func dns(w http.ResponseWriter, _ *http.Request, node Node) {
	state, ok := node.DNS()
	if !ok {
		refuse(w, http.StatusNotFound, ErrNoDNS.Error(), noDNSRemedy)
		return
	}
	reply(w, http.StatusOK, state)
}

// auditDNS answers with what differs, and mends it or not. They are two operations because only one of them changes anything.
func auditDNS(repair bool) func(http.ResponseWriter, *http.Request, Node) {
	return func(w http.ResponseWriter, r *http.Request, node Node) {
		request := DNSAuditRequest{Repair: repair}
		if query := r.URL.Query(); query.Has("zone") {
			name, err := naming.ParseName(query.Get("zone"))
			if err != nil {
				refuse(w, http.StatusBadRequest, "zone="+err.Error(), "give a zone as GET /v1/dns has its name, or leave it out for all")
				return
			}
			request.Zone = NameText(name)
		}
		audit, err := node.AuditDNS(r.Context(), request)
		switch {
		case errors.Is(err, ErrNoDNS):
			refuse(w, http.StatusNotFound, ErrNoDNS.Error(), noDNSRemedy)
		case errors.Is(err, ErrNoZone):
			refuse(w, http.StatusNotFound, "no zone "+strconv.Quote(printable(request.Zone))+" takes updates", "GET /v1/dns lists what there is")
		case errors.Is(err, ErrAuditing):
			refuse(w, http.StatusConflict, err.Error(), "ask again when it is done")
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, err.Error(), "")
		default:
			reply(w, http.StatusOK, audit)
		}
	}
}
