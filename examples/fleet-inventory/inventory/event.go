// Package inventory keeps the current leases of a fleet of lockstep6 clusters, by the events that their nodes tell a message broker. docs/fleet.md has the
// rules; here they are as code, without anything else of lockstep6, to be taken and changed.
package inventory

import (
	"encoding/json"
	"fmt"
	"time"
)

// An Event is what a node tells, as far as an inventory needs it. Fields that aren't named here are left out.
type Event struct {
	Event        string     `json:"event"`           // add, change, remove, list-begin, list-item or list-end
	ID           string     `json:"id"`              // the same whenever the event is told again
	Cluster      string     `json:"cluster"`         // the configuration's events.cluster
	Node         string     `json:"node,omitempty"`  // empty: a single node
	List         int64      `json:"list"`            // number of the node's newest list that has begun
	Version      uint64     `json:"version"`         // of the lease, at that node
	Time         time.Time  `json:"time"`            // when the change was committed; of a list-item, when it was looked at
	Lease        string     `json:"lease,omitempty"` // an address, or a prefix with its length; empty: of a list's beginning and end
	Kind         string     `json:"kind,omitempty"`  // IA_NA or IA_PD
	DUID         string     `json:"duid,omitempty"`
	IAID         string     `json:"iaid,omitempty"`
	ValidUntil   *time.Time `json:"valid_until,omitempty"` // nil: for ever
	Hostname     string     `json:"hostname,omitempty"`
	Hardware     string     `json:"hardware_address,omitempty"`
	Link         string     `json:"link,omitempty"`
	LinkAddress  string     `json:"link_address,omitempty"`
	InterfaceID  string     `json:"interface_id,omitempty"`
	RemoteID     string     `json:"remote_id,omitempty"`
	SubscriberID string     `json:"subscriber_id,omitempty"`
	Reason       string     `json:"reason,omitempty"` // of remove
}

// Parse reads an event. The error says what is wrong with it.
func Parse(body []byte) (*Event, error) {
	e := new(Event)
	if err := json.Unmarshal(body, e); err != nil {
		return nil, fmt.Errorf("no event: %w", err)
	}
	switch e.Event {
	case "add", "change", "remove", "list-item":
		if e.Lease == "" {
			return nil, fmt.Errorf("event %s is about no lease", e.ID)
		}
	case "list-begin", "list-end":
	default:
		return nil, fmt.Errorf("event %s is of an unknown kind %q", e.ID, e.Event)
	}
	if e.Cluster == "" {
		return nil, fmt.Errorf("event %s is of no cluster", e.ID)
	}
	return e, nil
}

// ambiguous is how far two events of a lease are from each other in time at most while versions say which is newer. A lease that ended long ago, and was
// forgotten by its node, counts its versions anew.
const ambiguous = time.Minute

// newer tells whether an event of a lease says more than what is known of it at the same node.
func (e *Event) newer(than *known) bool {
	if e.List > than.List {
		return true // whatever clock and version say, which begin anew with another store: numbers of lists only grow
	}
	if d := e.Time.Sub(than.Time); d > ambiguous || d < -ambiguous {
		return d > 0
	}
	switch {
	case e.Version != than.Version:
		return e.Version > than.Version
	case e.Event == "remove":
		return false
	case than.Gone: // one change ends a lease of one client and begins it for another
		return e.DUID != than.DUID
	}
	return true
}
