package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
)

var leaseRoutes = []route{
	{"GET", "/v1/leases", false, list},
	{"DELETE", "/v1/leases/{lease...}", true, release},
}

// A reader of leases must take so many within so much time, else it is cut off: it holds memory, and the node's end.
const (
	patienceLeases = 512
	patienceTime   = 30 * time.Second
)

// list streams leases, one JSON object a line, so that millions of them need no memory.
func list(w http.ResponseWriter, r *http.Request, node Node) {
	filter, err := parseFilter(r)
	if err != nil {
		reply(w, http.StatusBadRequest, problem{Error: err.Error(), Remedy: "give within=PREFIX, duid=00:03:..., live=true, whose=own|observed|all"})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder, control := json.NewEncoder(w), http.NewResponseController(w)
	n := 0
	for lease := range node.Leases(filter) {
		if n%patienceLeases == 0 {
			_ = control.SetWriteDeadline(time.Now().Add(patienceTime)) // both kinds of connection can
		}
		n++
		if encoder.Encode(lease) != nil {
			return // the other side has gone, or is too slow
		}
	}
}

// parseFilter refuses what it doesn't know: a filter that is left out by mistake would show everything.
func parseFilter(r *http.Request) (f Filter, err error) {
	for name, values := range r.URL.Query() {
		value := values[0]
		switch name {
		case "within":
			if f.Within, err = ParseLease(value); err != nil {
				return f, err
			}
			f.Within = f.Within.Masked()
		case "duid":
			duid, err := ParseDUID(value)
			if err != nil {
				return f, err
			}
			f.DUID = wire.FormatDUID(duid)
		case "live":
			if f.Live, err = strconv.ParseBool(value); err != nil {
				return f, fmt.Errorf("live=%q is neither true nor false", value)
			}
		case "whose":
			if f.Whose, err = ParseWhose(value); err != nil {
				return f, err
			}
		default:
			return f, fmt.Errorf("there is no filter %q", name)
		}
	}
	return f, nil
}

func release(w http.ResponseWriter, r *http.Request, node Node) {
	var prefix netip.Prefix
	prefix, err := ParseLease(r.PathValue("lease"))
	if err != nil {
		reply(w, http.StatusBadRequest, problem{Error: err.Error(), Remedy: "name an address, or a prefix with its length"})
		return
	}
	whose := Own
	if value := r.URL.Query().Get("whose"); value != "" {
		if whose, err = ParseWhose(value); err != nil {
			reply(w, http.StatusBadRequest, problem{Error: err.Error()})
			return
		}
	}
	lease, err := node.Release(r.Context(), prefix, whose)
	var owner *OwnerError
	switch {
	case errors.As(err, &owner):
		reply(w, http.StatusConflict, problem{Error: err.Error(), Remedy: "say whose=observed or whose=own as it is", Owner: owner.Owner})
	case errors.Is(err, ErrNoLease):
		reply(w, http.StatusNotFound, problem{Error: "nobody holds " + r.PathValue("lease"), Remedy: "`lockstep6 leases list` shows what there is"})
	case err != nil:
		reply(w, http.StatusServiceUnavailable, problem{Error: err.Error()})
	default:
		reply(w, http.StatusOK, lease)
	}
}
