package admin

import "net/http"

var poolRoutes = []route{
	{"GET", "/v1/pools", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, poolList{node.Pools()})
	}},
	{"GET", "/metrics", false, nil, func(w http.ResponseWriter, r *http.Request, node Node) {
		node.Metrics().ServeHTTP(w, r)
	}},
}

// A poolList is the answer that lists pools.
type poolList struct {
	Pools []Pool `json:"pools"`
}

// A Pool is how full a pool is. Expired leases that their clients may still get back count as used.
type Pool struct {
	Link     string   `json:"link"`
	Pool     string   `json:"pool"` // as the configuration writes it
	Kind     string   `json:"kind"` // IA_NA or IA_PD
	Length   uint8    `json:"length"`
	Node     string   `json:"node,omitempty"`     // the only node that grants leases out of it; empty: all do
	Retiring bool     `json:"retiring,omitempty"` // nobody gets new leases from it
	Slots    string   `json:"slots"`              // how many leases it has, in decimal: more than 64 bits where addresses are many
	Own      uint64   `json:"own"`                // bindings that this node granted
	Observed uint64   `json:"observed"`           // bindings of peers that it knows of
	Used     float64  `json:"used"`               // share of the slots, 0 to 1
	Stripes  []Stripe `json:"stripes"`            // of a dense pool: its shares by node; empty: not told apart
}

// A Stripe is a node's share of a dense pool. What is excluded or reserved counts as used.
type Stripe struct {
	Stripe int    `json:"stripe"`
	Node   string `json:"node,omitempty"` // that gives new leases from it before others do; empty: none
	Own    bool   `json:"own"`            // it is this node's
	Used   uint64 `json:"used"`
	Size   uint64 `json:"size"`
}
