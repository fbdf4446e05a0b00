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

// State is a snapshot of a node.
type State struct {
	Version     string            `json:"version"`
	Node        string            `json:"node,omitempty"`
	Started     time.Time         `json:"started"`
	Fingerprint string            `json:"fingerprint"`
	Ready       bool              `json:"ready"`
	NotReady    string            `json:"not_ready,omitempty"`
	Bindings    uint64            `json:"bindings"`
	Capacity    uint64            `json:"capacity"`
	Answered    map[string]uint64 `json:"answered"` // by message type
	Dropped     map[string]uint64 `json:"dropped"`  // by reason
	Sent        uint64            `json:"sent"`
	KernelDrops uint64            `json:"kernel_drops"`
	Syncs       uint64            `json:"syncs"`
	Spared      uint64            `json:"spared_writes"` // bindings that were reported as they were stored
}

// A problem is the body of every answer that isn't 200.
type problem struct {
	Error  string `json:"error"`
	Remedy string `json:"remedy,omitempty"`
	Owner  string `json:"owner,omitempty"` // of an observed lease
}

// routes is the interface. With changes false nothing that changes the node is offered.
func routes(node Node, changes bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]bool{"live": true})
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if err := node.Ready(); err != nil {
			reply(w, http.StatusServiceUnavailable, problem{Error: err.Error()})
			return
		}
		reply(w, http.StatusOK, map[string]bool{"ready": true})
	})
	mux.HandleFunc("GET /v1/state", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, node.State())
	})
	mux.HandleFunc("GET /v1/peers", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, node.Peers())
	})
	mux.HandleFunc("GET /v1/leases", func(w http.ResponseWriter, r *http.Request) { list(w, r, node) })
	mux.HandleFunc("DELETE /v1/leases/{lease...}", func(w http.ResponseWriter, r *http.Request) {
		if !changes {
			reply(w, http.StatusForbidden, problem{Error: "this address only reads", Remedy: "use admin.sock in the data folder"})
			return
		}
		release(w, r, node)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, problem{Error: "there is no " + r.Method + " " + r.URL.Path})
	})
	return mux
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

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the other side has gone
}
