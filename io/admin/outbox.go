package admin

import (
	"context"
	"errors"
	"net/http"
	"time"
)

var outboxRoutes = []route{
	{"GET", "/v1/outbox", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, node.Outbox())
	}},
	{"POST", "/v1/outbox/resend", true, nil, func(w http.ResponseWriter, r *http.Request, node Node) {
		err := node.ResendOutbox(r.Context())
		switch {
		case errors.Is(err, ErrNoEvents):
			refuse(w, http.StatusNotFound, err.Error(), "add a section events to the configuration")
			return
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, "the store can't note it: "+err.Error(), "try again when the disk works")
			return
		}
		reply(w, http.StatusAccepted, node.Outbox())
	}},
}

// An Outboxer is what a Node tells of its events.
type Outboxer interface {
	// Outbox is how the message broker is told.
	Outbox() Outbox
	// ResendOutbox has a whole list told, and returns when that is on disk, so that a restart doesn't forget it. The error is ErrNoEvents
	// where no broker is told, else about the disk.
	ResendOutbox(ctx context.Context) error
}

// ErrNoEvents says that no message broker is told.
var ErrNoEvents = errors.New("no message broker is told of events")

// An Outbox is how the message broker is told. Counts begin at the node's start, or when events were configured as they are; Dropped and
// what waits are the store's.
type Outbox struct {
	On      bool       `json:"on"` // false: there is nothing else
	Cluster string     `json:"cluster"`
	Target  string     `json:"target"` // servers, and the subject or topic
	Up      bool       `json:"up"`     // nothing fails
	Error   string     `json:"error"`  // what failed; empty: nothing does
	Waiting int        `json:"waiting"`
	Octets  int64      `json:"waiting_octets"`
	Most    int64      `json:"most_octets"`
	Waited  float64    `json:"waited_seconds"` // how long that has waited that waits longest
	Sent    uint64     `json:"events_sent"`    // and acknowledged
	Failed  uint64     `json:"events_failed"`  // tries
	Refused uint64     `json:"events_refused"` // too large for the broker
	Dropped uint64     `json:"changes_dropped"`
	Listing bool       `json:"listing"`   // a whole list is being told
	Listed  int        `json:"listed"`    // leases of the newest list, so far
	Whole   *time.Time `json:"last_list"` // when a whole list was taken last; null: not yet
}

// Outbox asks how the message broker is told.
func (c *Client) Outbox(ctx context.Context) (o Outbox, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/outbox", nil, &o)
	return o, err
}

// ResendOutbox begins a whole list.
func (c *Client) ResendOutbox(ctx context.Context) error {
	var o Outbox
	return c.call(ctx, http.MethodPost, "/v1/outbox/resend", nil, &o)
}
