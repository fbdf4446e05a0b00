package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

var reconfigureRoutes = []route{
	{"GET", "/v1/reconfigure", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		run, err := node.Reconfiguring()
		replyReconfigure(w, http.StatusOK, run, err)
	}},
	{"POST", "/v1/reconfigure", true, nil, startReconfigure},
	{"DELETE", "/v1/reconfigure", true, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		run, err := node.CancelReconfigure()
		replyReconfigure(w, http.StatusOK, run, err)
	}},
}

// A Reconfigurer is what a Node does to make clients ask again (RFC 9915, Section 18.3.11).
type Reconfigurer interface {
	// Reconfigure begins a run, or only tells whom it would ask. It returns at once. Errors: ErrNoReconfigure, ErrReconfiguring,
	// ErrNoClass, ErrNoLink, ErrNobody, ErrTooMany.
	Reconfigure(ctx context.Context, r ReconfigureRequest) (ReconfigureRun, error)
	// Reconfiguring is the run that goes on, or the last one. Errors: ErrNoReconfigure, ErrNoRun.
	Reconfiguring() (ReconfigureRun, error)
	// CancelReconfigure ends the run that goes on, and returns when nothing is sent any more. Errors: ErrNoReconfigure, ErrNoRun.
	CancelReconfigure() (ReconfigureRun, error)
}

// Errors of a Reconfigurer.
var (
	ErrNoReconfigure = errors.New("this node makes no client ask again")
	ErrReconfiguring = errors.New("clients are being asked already")
	ErrNoRun         = errors.New("no clients have been asked since the node's start")
	ErrNoClass       = errors.New("no such class")
	ErrNobody        = errors.New("nobody has such a lease of this node or its peers")
	ErrTooMany       = errors.New("these are more clients than one run can have")
)

// ReconfigureMessages are what clients can be asked for (RFC 9915, Section 21.19).
var ReconfigureMessages = []string{"renew", "rebind", "information-request"}

// A ReconfigureRequest says whom to ask, and what for. One of the first five is set.
type ReconfigureRequest struct {
	Client  string `json:"client,omitempty"`  // DUID in hexadecimal
	Lease   string `json:"lease,omitempty"`   // an address, or a prefix with its length
	Class   string `json:"class,omitempty"`   // by name
	Link    string `json:"link,omitempty"`    // by name
	Stale   bool   `json:"stale,omitempty"`   // whose lease the configuration in force has for somebody else, or nowhere
	Message string `json:"message,omitempty"` // one of ReconfigureMessages; empty: the first
	DryRun  bool   `json:"dry_run,omitempty"` // only tell whom it would ask
}

// Check tells what is wrong with a request as far as that can be told without the node.
func (r *ReconfigureRequest) Check() error {
	given := 0
	for _, is := range []bool{r.Client != "", r.Lease != "", r.Class != "", r.Link != "", r.Stale} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("give one of client, lease, class, link and stale")
	}
	if r.Message != "" && !slices.Contains(ReconfigureMessages, r.Message) {
		return errors.New("message: a client can be asked for renew, rebind or information-request")
	}
	if r.Client != "" {
		if _, err := ParseDUID(r.Client); err != nil {
			return err
		}
	}
	if r.Lease != "" {
		if _, err := ParseLease(r.Lease); err != nil {
			return err
		}
	}
	return nil
}

// A ReconfigureRun is how far a run is. Its clients are those that were found at its beginning; Waiting to Failed add up to them.
type ReconfigureRun struct {
	Selection string     `json:"selection"` // whom it is for, such as link pop1
	Message   string     `json:"message"`
	DryRun    bool       `json:"dry_run"`
	Running   bool       `json:"running"`
	Canceled  bool       `json:"canceled"` // it has ended before its time: somebody ended it, or the configuration has no reconfigure any more
	Started   time.Time  `json:"started"`
	Ended     *time.Time `json:"ended"` // null: not yet

	Clients  int `json:"clients"`
	Waiting  int `json:"waiting"`  // weren't asked yet
	Asked    int `json:"asked"`    // were asked and haven't come yet
	Answered int `json:"answered"` // came
	GaveUp   int `json:"gave_up"`  // were asked as often as they may be
	Gone     int `json:"gone"`     // had no lease any more when their turn came
	Failed   int `json:"failed"`   // couldn't be asked when their turn came
	Sent     int `json:"sent"`     // messages
	Refused  int `json:"refused"`  // of them those that the kernel didn't take

	// Leases that were selected and whose clients aren't among Clients.
	Unwilling   int            `json:"leases_unwilling"`   // their clients have no key: they don't accept Reconfigure, or may not be told one
	Unreachable int            `json:"leases_unreachable"` // nothing is kept of the way to them
	Peers       map[string]int `json:"leases_of_peers"`    // by node: only the server that a client is with can ask it
}

// ReconfigureTotals are counts since the node's start.
type ReconfigureTotals struct {
	Running  bool
	Waiting  int // of the run that goes on: not asked, or awaited
	Sent     uint64
	Outcomes map[string]uint64 // of clients: answered, gave-up, gone, failed, canceled

	// Of Reconfigure-requests of relays (RFC 6977); empty: there were none.
	Requests  map[string]uint64 // by what became of them
	Requested map[string]uint64 // clients of those that were taken: asked, not-asked
}

func startReconfigure(w http.ResponseWriter, r *http.Request, node Node) {
	var request ReconfigureRequest
	err := readBody(r, &request)
	status := statusOfBody(err)
	if err == nil {
		err = request.Check()
	}
	if err != nil {
		refuse(w, status, err.Error(), `send {"link": "NAME"}; GET /v1/openapi.yaml has the other ways`)
		return
	}
	run, err := node.Reconfigure(r.Context(), request)
	status = http.StatusAccepted
	if request.DryRun {
		status = http.StatusOK
	}
	replyReconfigure(w, status, run, err)
}

// replyReconfigure answers with a run, or why there is none.
func replyReconfigure(w http.ResponseWriter, status int, run ReconfigureRun, err error) {
	switch {
	case err == nil:
		reply(w, status, run)
	case errors.Is(err, ErrNoReconfigure):
		refuse(w, http.StatusNotFound, err.Error(), "write reconfigure: {} into its configuration")
	case errors.Is(err, ErrReconfiguring):
		refuse(w, http.StatusConflict, err.Error(), "wait for the end of the run, which GET /v1/reconfigure shows, or end it with DELETE")
	case errors.Is(err, ErrNoRun):
		refuse(w, http.StatusNotFound, err.Error(), "begin a run with POST /v1/reconfigure")
	case errors.Is(err, ErrNoClass), errors.Is(err, ErrNoLink):
		refuse(w, http.StatusNotFound, err.Error(), "GET /v1/config has the classes, GET /v1/links the links")
	case errors.Is(err, ErrNobody):
		refuse(w, http.StatusNotFound, err.Error(), "GET /v1/bindings lists what there is")
	case errors.Is(err, ErrTooMany):
		refuse(w, http.StatusConflict, err.Error(), "ask link by link, or class by class")
	default:
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
	}
}

// Reconfigure begins a run, or with DryRun tells whom it would ask.
func (c *Client) Reconfigure(ctx context.Context, r ReconfigureRequest) (run ReconfigureRun, err error) {
	err = c.call(ctx, http.MethodPost, "/v1/reconfigure", r, &run)
	return run, err
}

// Reconfiguring asks how far the run is.
func (c *Client) Reconfiguring(ctx context.Context) (run ReconfigureRun, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/reconfigure", nil, &run)
	return run, err
}

// CancelReconfigure ends the run.
func (c *Client) CancelReconfigure(ctx context.Context) (run ReconfigureRun, err error) {
	err = c.call(ctx, http.MethodDelete, "/v1/reconfigure", nil, &run)
	return run, err
}
