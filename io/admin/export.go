package admin

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// export streams bindings, so that millions of them need no memory: one JSON object a line, or CSV.
func export(w http.ResponseWriter, r *http.Request, node Node) {
	query := r.URL.Query()
	filter, err := filterOf(query, node, "format")
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), filterRemedy)
		return
	}
	var write func(*Lease) error
	flush := func() error { return nil }
	switch format := query.Get("format"); format {
	case "", "ndjson":
		w.Header().Set("Content-Type", "application/x-ndjson")
		encoder := json.NewEncoder(w)
		write = func(l *Lease) error { return encoder.Encode(l) }
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		c := NewCSV(w)
		write, flush = c.Write, c.Flush
	default:
		refuse(w, http.StatusBadRequest, "format="+strconv.Quote(format)+" is neither ndjson nor csv", "leave it out for ndjson")
		return
	}
	for _, lease := range node.Leases(r.Context(), filter, Position{}) {
		if write(&lease) != nil {
			return // the other side has gone, or is too slow
		}
	}
	_ = flush()
}

// csvHeader names the columns; they stay in this order, and new ones come behind them.
var csvHeader = []string{
	"lease", "kind", "state", "duid", "iaid", "preferred", "valid", "since", "last_transaction", "expires",
	"hardware_address", "peer_address", "link_address", "interface_id", "remote_id", "subscriber_id", "relay_id",
	"owner", "claim", "confirmed", "name", "name_flags",
}

// Fields are a lease's values by their names, in the order of the CSV.
func (l *Lease) Fields() (names, values []string) {
	return csvHeader, []string{
		l.Lease, l.Kind, l.State, l.DUID, IAIDText(l.IAID, l.IAIDUnknown), l.Preferred, l.Valid,
		l.Since.Format(time.RFC3339), l.LastTransaction.Format(time.RFC3339), l.Expires,
		l.HardwareAddress, l.PeerAddress, l.LinkAddress, l.InterfaceID, l.RemoteID, l.SubscriberID, l.RelayID,
		l.Owner, l.Claim, strconv.FormatBool(l.Confirmed), l.Name, l.NameFlags,
	}
}

// A CSV writes leases as RFC 4180 has it, with a header.
type CSV struct {
	w     *csv.Writer
	begun bool
}

// NewCSV writes to w.
func NewCSV(w io.Writer) *CSV { return &CSV{w: csv.NewWriter(w)} }

// Write writes one lease, and the header in front of the first one.
func (c *CSV) Write(l *Lease) error {
	names, values := l.Fields()
	if !c.begun {
		c.begun = true
		if err := c.w.Write(names); err != nil {
			return err
		}
	}
	return c.w.Write(values)
}

// Flush ends the text. Without leases it is the header alone.
func (c *CSV) Flush() error {
	if !c.begun {
		c.begun = true
		_ = c.w.Write(csvHeader) // Flush tells
	}
	c.w.Flush()
	return c.w.Error()
}
