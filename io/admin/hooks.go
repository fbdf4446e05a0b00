package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

var hookRoutes = []route{
	{"GET", "/v1/hooks", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, hookList{node.Hooks()})
	}},
	{"POST", "/v1/hooks/{hook}/resend", true, nil, resendHook},
}

// A Hooker is what a Node tells of its hooks.
type Hooker interface {
	// Hooks is how they are doing, in the configuration's order.
	Hooks() []Hook
	// ResendHook begins a whole list for one. It returns at once. The error is ErrNoHook.
	ResendHook(name string) error
}

// ErrNoHook says that there is no hook of that name.
var ErrNoHook = errors.New("no such hook")

// A Hook is how a receiver of changes is doing. Counts begin at the node's start, or when the hook was configured as it is.
type Hook struct {
	Name        string     `json:"name"`
	Target      string     `json:"target"` // its URL, or its program with arguments
	Up          bool       `json:"up"`     // what was told last was taken, and nothing that wasn't waits
	Error       string     `json:"error"`  // why something wasn't taken; empty: everything was
	Pending     int        `json:"pending"`
	Waited      float64    `json:"waited_seconds"` // how long that has waited that waits longest
	Taken       uint64     `json:"events_taken"`   // by the receiver
	Failed      uint64     `json:"events_failed"`  // tries
	Sends       uint64     `json:"sends"`          // runs or POSTs that were taken
	FailedSends uint64     `json:"failed_sends"`   // those that weren't
	Seconds     float64    `json:"send_seconds"`   // that all of them took together
	Overflows   uint64     `json:"overflows"`      // whole lists because too much waited
	Listing     bool       `json:"listing"`        // a whole list is being told, or is about to be
	Listed      int        `json:"listed"`         // leases of the newest list, so far
	Whole       *time.Time `json:"last_list"`      // when a whole list was taken last; null: not yet
}

type hookList struct {
	Hooks []Hook `json:"hooks"`
}

func resendHook(w http.ResponseWriter, r *http.Request, node Node) {
	if err := node.ResendHook(r.PathValue("hook")); err != nil {
		refuse(w, http.StatusNotFound, err.Error(), "GET /v1/hooks lists them")
		return
	}
	reply(w, http.StatusAccepted, hookList{node.Hooks()})
}

// Hooks asks how the hooks are doing.
func (c *Client) Hooks(ctx context.Context) ([]Hook, error) {
	var list hookList
	err := c.call(ctx, http.MethodGet, "/v1/hooks", nil, &list)
	return list.Hooks, err
}

// ResendHook begins a whole list for a hook.
func (c *Client) ResendHook(ctx context.Context, name string) error {
	var list hookList
	return c.call(ctx, http.MethodPost, "/v1/hooks/"+url.PathEscape(name)+"/resend", nil, &list)
}
