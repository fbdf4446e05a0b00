package admin

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
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
	Latency     Latency           `json:"latency"`       // from the kernel's receive stamp to the hand-over of the reply
	SyncLatency Latency           `json:"sync_latency"`  // of the store's syncs
}

// A Latency is a histogram since the node's start, in seconds.
type Latency struct {
	Count   uint64          `json:"count"`
	Sum     float64         `json:"sum"`
	Buckets []LatencyBucket `json:"buckets"`
}

// A LatencyBucket is how many took at most so long; the last bucket's bound is the largest that is told apart.
type LatencyBucket struct {
	Bound float64 `json:"le"`
	Count uint64  `json:"count"` // cumulative: those of smaller bounds are in it
}

// A problem is the body of every answer that isn't 200.
type problem struct {
	Error  string `json:"error"`
	Remedy string `json:"remedy,omitempty"`
	Owner  string `json:"owner,omitempty"` // of an observed lease
}

// A route is one operation of the interface. Each part of it has a table of its own, beside its handlers.
type route struct {
	method, path string // as http.ServeMux takes them
	changes      bool   // it changes the node: only for those who may
	handle       func(w http.ResponseWriter, r *http.Request, node Node)
}

// table is the whole interface.
func table() []route { return slices.Concat(stateRoutes, leaseRoutes, historyRoutes) }

var stateRoutes = []route{
	{"GET", "/live", false, func(w http.ResponseWriter, _ *http.Request, _ Node) {
		reply(w, http.StatusOK, map[string]bool{"live": true})
	}},
	{"GET", "/ready", false, func(w http.ResponseWriter, _ *http.Request, node Node) {
		if err := node.Ready(); err != nil {
			reply(w, http.StatusServiceUnavailable, problem{Error: err.Error()})
			return
		}
		reply(w, http.StatusOK, map[string]bool{"ready": true})
	}},
	{"GET", "/v1/state", false, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, node.State())
	}},
	{"GET", "/v1/peers", false, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, node.Peers())
	}},
}

// routes makes the handler. With changes false nothing that changes the node is done.
func routes(node Node, changes bool) http.Handler {
	mux := http.NewServeMux()
	for _, o := range table() {
		mux.HandleFunc(o.method+" "+o.path, func(w http.ResponseWriter, r *http.Request) {
			if o.changes && !changes {
				reply(w, http.StatusForbidden, problem{Error: "this address only reads", Remedy: "use admin.sock in the data folder"})
				return
			}
			o.handle(w, r, node)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, problem{Error: "there is no " + r.Method + " " + r.URL.Path})
	})
	return mux
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the other side has gone
}
