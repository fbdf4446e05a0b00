package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/history"
	"github.com/lockstep6/lockstep6/core/wire"
)

// ErrNoHistory says that history was never kept.
var ErrNoHistory = errors.New("this node keeps no history")

const noHistoryRemedy = "write history: {keep: 400d} into its configuration and restart it"

// A Period is a time in which one client had a lease from one node at one place, as people and programs read it. Identifiers are
// as in Lease; what can change is as the client was last heard in the period.
type Period struct {
	Lease           string    `json:"lease"` // an address, or a prefix with its length
	Kind            string    `json:"kind"`  // IA_NA, IA_PD or registered
	Since           time.Time `json:"since"`
	Until           string    `json:"until"` // RFC 3339, or never: of a period that lasts, when it ends unless the client renews
	Lasts           bool      `json:"lasts"`
	Ended           string    `json:"ended"` // how; empty: it lasts, or nobody knows
	State           string    `json:"state"` // bound, or superseded: the client took another lease and may have used this one still
	DUID            string    `json:"duid"`
	IAID            uint32    `json:"iaid"`
	IAIDUnknown     bool      `json:"iaid_unknown,omitempty"`
	Node            string    `json:"node"`     // that granted it: a name, else a DUID; empty: this one, a single node
	Observed        bool      `json:"observed"` // of that node, from what its client said; else this node granted it
	Confirmed       bool      `json:"confirmed"`
	LastTransaction time.Time `json:"last_transaction"` // when the client last asked
	HardwareAddress string    `json:"hardware_address,omitempty"`
	PeerAddress     string    `json:"peer_address,omitempty"`
	LinkAddress     string    `json:"link_address,omitempty"`
	InterfaceID     string    `json:"interface_id,omitempty"`
	RemoteID        string    `json:"remote_id,omitempty"`
	SubscriberID    string    `json:"subscriber_id,omitempty"`
	RelayID         string    `json:"relay_id,omitempty"`
	Name            string    `json:"name,omitempty"` // the client's, as NameFlags as in Lease
	NameFlags       string    `json:"name_flags,omitempty"`
}

// NewPeriod makes a Period. Node is the name of the one that granted it.
func NewPeriod(p *history.Period, node string) Period {
	l := NewLease(&p.Stored, node, 0)
	out := Period{
		Lease: l.Lease, Kind: l.Kind, Since: unix(p.From), Until: "never", Lasts: p.Lasts, Ended: p.End.String(), State: p.State.String(),
		DUID: l.DUID, IAID: l.IAID, IAIDUnknown: l.IAIDUnknown, Node: node, Observed: observed(&p.Stored), Confirmed: l.Confirmed, LastTransaction: l.LastTransaction,
		HardwareAddress: l.HardwareAddress, PeerAddress: l.PeerAddress, LinkAddress: l.LinkAddress,
		InterfaceID: l.InterfaceID, RemoteID: l.RemoteID, SubscriberID: l.SubscriberID, RelayID: l.RelayID, Name: l.Name, NameFlags: l.NameFlags,
	}
	if p.Until != binding.Never {
		out.Until = unix(p.Until).Format(time.RFC3339)
	}
	return out
}

// A HistoryState tells what of history there is.
type HistoryState struct {
	On    bool
	Since time.Time // from when on it is whole, while it is on
}

// A HistoryQuery chooses periods; zero fields choose all.
type HistoryQuery struct {
	Lease    netip.Prefix // what overlaps it: it itself, prefixes that contain it, leases in it
	From, To time.Time    // periods that were at some moment between them, both included; zero: no bound
	DUID     string       // as FormatDUID writes it
	RemoteID string       // as Lease has it, or without the enterprise number
}

// Match tells whether a period passes the query, but for its lease.
func (q *HistoryQuery) Match(p *history.Period) bool {
	from, to := binding.Time(0), binding.Never
	if !q.From.IsZero() {
		from = binding.TimeOf(q.From.Unix())
	}
	if !q.To.IsZero() {
		to = binding.TimeOf(q.To.Unix())
	}
	if !p.Overlaps(from, to) || q.DUID != "" && !strings.EqualFold(q.DUID, wire.FormatDUID(p.DUID)) {
		return false
	}
	if q.RemoteID == "" {
		return true
	}
	l := Lease{}
	l.where(p.DUID, p.Extension)
	_, id, _ := strings.Cut(l.RemoteID, ":")
	return l.RemoteID != "" && (q.RemoteID == l.RemoteID || q.RemoteID == id)
}

var historyRoutes = []route{{"GET", "/v1/history", false, []string{"lease", "at", "from", "to", "duid", "remote_id"}, listHistory}}

// historySince is the header that tells from when on history is whole; off: it isn't kept now.
const historySince = "History-Since"

// A historyLine is one line of the answer: a period, or at the end why there are no more.
type historyLine struct {
	Period
	Error string `json:"error,omitempty"`
}

// listHistory streams periods, one JSON object a line.
func listHistory(w http.ResponseWriter, r *http.Request, node Node) {
	q, err := parseHistoryQuery(r, time.Now())
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "give lease=ADDRESS or PREFIX, at=TIME or from=TIME and to=TIME, duid=..., remote_id=...")
		return
	}
	state, periods, err := node.History(r.Context(), q)
	switch {
	case errors.Is(err, ErrNoHistory):
		refuse(w, http.StatusNotFound, err.Error(), noHistoryRemedy)
		return
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
		return
	}
	w.Header().Set(historySince, "off")
	if state.On {
		w.Header().Set(historySince, state.Since.Format(time.RFC3339))
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for p, err := range periods {
		if err != nil {
			_ = encoder.Encode(map[string]string{"error": err.Error()})
			return
		}
		if encoder.Encode(p) != nil {
			return // the other side has gone, or is too slow
		}
	}
}

// parseHistoryQuery reads the parameters that are given.
func parseHistoryQuery(r *http.Request, now time.Time) (q HistoryQuery, err error) {
	query := r.URL.Query()
	if query.Has("at") && (query.Has("from") || query.Has("to")) {
		return q, errors.New("at, and from or to: give one of them")
	}
	if query.Has("lease") {
		if q.Lease, err = ParseLease(query.Get("lease")); err != nil {
			return q, err
		}
		q.Lease = q.Lease.Masked()
	}
	if query.Has("duid") {
		duid, err := ParseDUID(query.Get("duid"))
		if err != nil {
			return q, err
		}
		q.DUID = wire.FormatDUID(duid)
	}
	if query.Has("remote_id") {
		if q.RemoteID, err = ParseRemoteID(query.Get("remote_id")); err != nil {
			return q, err
		}
	}
	if query.Has("at") {
		q.From, err = ParseTime(query.Get("at"), now, Moment)
		q.To = q.From
		return q, err
	}
	if query.Has("from") {
		if q.From, err = ParseTime(query.Get("from"), now, DayBegin); err != nil {
			return q, err
		}
	}
	if query.Has("to") {
		if q.To, err = ParseTime(query.Get("to"), now, DayEnd); err != nil {
			return q, err
		}
	}
	return q, q.checkSpan()
}

// checkSpan refuses a span that ends before it begins.
func (q *HistoryQuery) checkSpan() error {
	if !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From) {
		return fmt.Errorf("the span ends at %s, before it begins at %s", q.To.Format(time.RFC3339), q.From.Format(time.RFC3339))
	}
	return nil
}
