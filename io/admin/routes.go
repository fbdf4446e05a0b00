package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/io/admin/web"
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

// A problem is the body of every answer that refuses something.
type problem struct {
	Error  string   `json:"error"`
	Remedy string   `json:"remedy,omitempty"`
	Owner  string   `json:"owner,omitempty"`  // of an observed lease
	Faults []string `json:"faults,omitempty"` // of a configuration, as `lockstep6 check` has them
	Unsafe bool     `json:"unsafe,omitempty"` // nodes can't take the configuration one by one
}

// A route is one operation of the interface. Each part of it has a table of its own, beside its handlers.
type route struct {
	method, path string   // as http.ServeMux takes them
	changes      bool     // it changes the node: only for those who may
	takes        []string // query parameters, each once at most; others are refused
	handle       func(w http.ResponseWriter, r *http.Request, node Node)
}

// table is the whole interface. openapi.yaml describes it; a test holds the two together.
func table() []route {
	return slices.Concat(stateRoutes, rateRoutes, poolRoutes, bindingRoutes, linkRoutes, controlRoutes, reloadRoutes, reservationRoutes, providerRoutes, refusalRoutes, eventRoutes,
		historyRoutes, dnsRoutes, dnsRecordRoutes, backupRoutes, hookRoutes, outboxRoutes, reconfigureRoutes, documentRoutes, debugRoutes)
}

// open is what everybody may ask for: load balancers and supervisors have no token.
var open = []string{"/live", "/ready"}

// bounded is how many requests of an operation are done at a time: those that walk through all bindings cost the packet
// path processor time, and those that stream hold memory and, by TCP, connections that others need.
var bounded = map[string]int{
	"GET /v1/peers":           4,
	"GET /v1/bindings":        4,
	"GET /v1/bindings/export": 4,
	"GET /v1/history":         4,
	"GET /v1/dns/records":     4,
	"GET /v1/events":          32,
	"POST /v1/backup":         1,
	"POST /v1/reconfigure":    1,
	"GET /metrics":            4,
}

var stateRoutes = []route{
	{"GET", "/live", false, nil, func(w http.ResponseWriter, _ *http.Request, _ Node) {
		reply(w, http.StatusOK, map[string]bool{"live": true})
	}},
	{"GET", "/ready", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		if err := node.Ready(); err != nil {
			refuse(w, http.StatusServiceUnavailable, err.Error(), "")
			return
		}
		reply(w, http.StatusOK, map[string]bool{"ready": true})
	}},
	{"GET", "/v1/state", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, node.State())
	}},
	{"GET", "/v1/peers", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, node.Peers())
	}},
}

// routes makes the handler of a listener.
func routes(node Node, a *access) http.Handler {
	mux := http.NewServeMux()
	for _, o := range table() {
		handle, name := o.handle, o.method+" "+o.path
		if n := bounded[name]; n > 0 {
			handle = atOnce(n, handle)
		}
		mux.HandleFunc(name, func(w http.ResponseWriter, r *http.Request) {
			if !slices.Contains(open, o.path) && (!a.permits(w, r, o.changes) || !understood(w, r, o.takes)) {
				return
			}
			if leave, entered := a.enter(w, r, !slices.Contains(unqueued, o.path)); entered {
				defer leave()
				handle(w, r, node)
			}
		})
	}
	servePage(mux, a)
	return a.shield(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler, pattern := mux.Handler(r); pattern == "" {
			unknown(w, r, handler)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// unknown answers what no route takes, in the words of this interface. The multiplexer knows whether the path or the
// method is wrong, and which methods there are.
func unknown(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	said := &silent{header: http.Header{}}
	handler.ServeHTTP(said, r)
	if said.status == http.StatusMethodNotAllowed {
		allow := said.header.Get("Allow")
		w.Header().Set("Allow", allow)
		refuse(w, said.status, r.URL.Path+" doesn't take "+r.Method, "it takes "+allow)
		return
	}
	noSuch(w, r)
}

func noSuch(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, "there is no "+r.Method+" "+r.URL.Path, "GET /v1/openapi.yaml lists what there is")
}

// servePage adds the page for people. Its files say nothing of the node, so everybody may have them; what they show they get from the
// interface, with the token where one is wanted.
func servePage(mux *http.ServeMux, a *access) {
	serve := func(pattern string, h http.Handler) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if !understood(w, r, nil) {
				return
			}
			if leave, entered := a.enter(w, r, true); entered {
				defer leave()
				h.ServeHTTP(w, r)
			}
		})
	}
	serve("GET "+web.Path, web.Handler(noSuch))
	serve("GET /{$}", http.RedirectHandler(web.Path, http.StatusSeeOther))
}

// understood refuses a query that can't be read, or has what the operation doesn't take: whoever misspells a filter or a
// switch must not get the answer to another question.
func understood(w http.ResponseWriter, r *http.Request, takes []string) bool {
	remedy := r.Pattern + " takes no parameters"
	if len(takes) > 0 {
		remedy = r.Pattern + " takes " + strings.Join(takes, ", ") + "; GET /v1/openapi.yaml lists the parameters with their forms"
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the query can't be read: "+err.Error(), "write octets other than letters and digits as % and two hexadecimal digits")
		return false
	}
	for name, values := range query {
		switch {
		case !slices.Contains(takes, name):
			refuse(w, http.StatusBadRequest, "there is no parameter "+strconv.Quote(printable(name)), remedy)
			return false
		case len(values) > 1:
			refuse(w, http.StatusBadRequest, name+" is given twice", remedy)
			return false
		}
	}
	return true
}

// silent keeps an answer's head and drops its body.
type silent struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (s *silent) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *silent) WriteHeader(status int) { s.status = status }

// Write implements http.ResponseWriter.
func (s *silent) Write(b []byte) (int, error) { return len(b), nil }

// atOnce lets so many requests be handled at a time.
func atOnce(n int, handle func(http.ResponseWriter, *http.Request, Node)) func(http.ResponseWriter, *http.Request, Node) {
	turns := make(chan struct{}, n)
	return func(w http.ResponseWriter, r *http.Request, node Node) {
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			handle(w, r, node)
		default:
			busy(w, n)
		}
	}
}

// busy refuses what is too much at a time.
func busy(w http.ResponseWriter, n int) {
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d such requests are being answered already", n), "ask again a little later")
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the other side has gone
}

// refuse answers with what is wrong and what would be right.
func refuse(w http.ResponseWriter, status int, wrong, remedy string) {
	reply(w, status, problem{Error: wrong, Remedy: remedy})
}
