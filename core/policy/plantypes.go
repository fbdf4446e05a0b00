package policy

import "net/netip"

// A Plan tells what each node of a configuration would do: plain data to print.
type Plan struct {
	Model       string     `json:"model"` // identical, split, unique or single
	Hash        string     `json:"hash"`
	Stripes     int        `json:"stripes"` // how many stripes dense pools that all nodes share are dealt into
	Fingerprint string     `json:"fingerprint"`
	Clients     int        `json:"clients"` // of each link, for Collisions
	Nodes       []PlanNode `json:"nodes"`

	policies []*Policy // by node
}

// A PlanNode is a node's share.
type PlanNode struct {
	Name       string     `json:"name"`
	ServerID   string     `json:"duid"` // in hex
	Preference uint8      `json:"preference"`
	Parts      []int      `json:"parts"`
	Links      []PlanLink `json:"links"`
}

// A PlanLink is what a node assigns on a link.
type PlanLink struct {
	Name         string         `json:"name"`
	OnLink       []netip.Prefix `json:"on_link"`
	Reservations int            `json:"reservations"`
	Classes      string         `json:"classes,omitempty"`  // whose members get leases; empty: everybody
	Identity     string         `json:"identity,omitempty"` // by what clients are known; empty: by DUID and IAID
	Pools        []PlanPool     `json:"pools"`              // the node's own
}

// A PlanPool is a pool that a node assigns from.
type PlanPool struct {
	ID         int            `json:"id"`
	Kind       string         `json:"kind"` // addresses or prefixes
	Name       string         `json:"name"`
	First      netip.Addr     `json:"first"` // the first lease
	Last       netip.Addr     `json:"last"`  // the last lease
	Length     uint8          `json:"length"`
	Slots      string         `json:"slots"`                 // decimal; the excluded ones count
	Sparse     bool           `json:"sparse"`                // so many slots that a candidate is as good as always free
	Dense      string         `json:"dense"`                 // agree or exclusive: what counts where not sparse
	Allocation string         `json:"allocation,omitempty"`  // sequential; empty: hash
	Classes    string         `json:"classes,omitempty"`     // whose members get new leases; empty: everybody
	Retires    bool           `json:"retiring,omitempty"`    // nobody gets new leases from it
	Called     string         `json:"called,omitempty"`      // what relays call it; empty: nothing
	Named      bool           `json:"named_only,omitempty"`  // new leases only where a relay names it
	Lifetimes  *PlanLifetimes `json:"lifetimes,omitempty"`   // the pool's own; nil: the link's, or a class's
	Shared     bool           `json:"shared"`                // all nodes assign from it
	Stripes    []int          `json:"own_stripes,omitempty"` // the node's, in a dense pool that is shared

	// Clients of the link that get a lease from this pool where all ask this node: its share by slots of its kind.
	// Collisions is how many of them are expected to find their primary candidate taken by another one; in a sequential pool there
	// is no such thing.
	Clients    float64 `json:"clients"`
	Collisions float64 `json:"collisions"`
}

// PlanLifetimes are a pool's own, in seconds; 4294967295 is for ever. Those of a client's class come before them.
type PlanLifetimes struct {
	Preferred uint32 `json:"preferred"`
	Valid     uint32 `json:"valid"`
	Renew     uint32 `json:"renew"`
	Rebind    uint32 `json:"rebind"`
}
