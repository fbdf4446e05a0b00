// Package policy compiles a checked configuration for one node into an immutable value that the engine
// asks per packet: links, pools, reservations, encoded options. It never allocates after Compile.
package policy

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Policy is all that decides a node's answers. It is immutable; a reload compiles another one.
type Policy struct {
	ServerID      []byte // this node's DUID
	Single        bool   // no cluster: rules about siblings don't apply
	Model         config.Model
	Favour        config.Favour
	Self          int // index into Nodes
	Nodes         []Node
	Preference    uint8 // 0 sends no option (RFC 9915, Section 18.3.9)
	Stripes       int   // how many stripes dense pools that all nodes share are dealt into; 1 where there are none
	OwnStripes    []int // those of this node, the first one preferred
	Hasher        *address.Hasher
	Accept        []*address.Hasher // further keys: their candidates verify a claim, but are never assigned
	Links         []Link
	Pools         []*Pool  // all pools of all links by their ID
	Interfaces    []string // configured interfaces; Datagram.Listen-1 is an index here
	Classes       Classes
	Reconfigure   *Reconfigure // nil: no client is told a key
	Global        Options      // for clients whose link isn't known, and without Client Identifier
	Quarantine    uint32       // seconds that a declined address is kept from everybody
	MaxDeclined   int          // declined addresses per client at a time
	ListenAfter   uint32       // seconds of absence after which the node takes the back seat
	LeasesPerPort int          // leases that one relay port may have; 0: any number
	RelayData     bool         // the last Relay-forward is kept with each binding (RFC 5007, Section 4.1.2.4)
	WeakPerPort   int          // claims in peers' names that nothing explains, likewise
	Names         bool         // bindings carry their clients' names: there is a section dns
	History       bool         // history, leasequery's index, DNS or a hook wants to know: changes tell what they begin and end
	Fingerprint   [32]byte     // digest of all that decides an address

	selection selection
	allowed   *table         // relays' addresses; nil: all of them
	leases    [2]table       // pools' IDs by the leases in them; addresses, prefixes
	named     *poolNames     // nil: relays name no pools
	supplied  [256]uint64    // bit set of RSOO-enabled option codes below 16384
	source    *config.Config // what was compiled; for FingerprintText
}

// Config is what the policy was compiled from. It must not be changed.
func (p *Policy) Config() *config.Config { return p.source }

// Owners of a pool that are no node.
const (
	Everyone = -1 // all nodes assign from it
	Nobody   = -2 // a part that no node owns now: on its way from one node to another
)

// A Node is a server of the cluster as its peers see it.
type Node struct {
	Name       string
	ServerID   []byte
	Preference uint8
	Parts      []int // the parts it owns, the first one preferred
}

// A Link is a link with what this node may assign on it.
// OnLink and Delegable are sorted, and none of their prefixes lies in another one.
type Link struct {
	Index        int
	Name         string
	OnLink       []netip.Prefix // prefixes appropriate for the link: its link-addresses and the address pools of all nodes
	Delegable    []netip.Prefix // prefixes that contain all delegated ones, of all nodes
	Addresses    []*Pool        // this node's own
	Prefixes     []*Pool        // this node's own
	Siblings     []*Pool        // pools of other nodes (split, unique), for verifying claims
	RapidCommit  config.RapidCommit
	Identity     config.Identity // by what its clients are known (see Identify)
	Interfaces   []string        // this node's, by which it is heard
	Options      Options
	Naming       *naming.Rules    // nil without dns
	Gate         config.Gate      // whose members get leases here at all
	Retires      bool             // some of its pools are retiring
	PerClient    config.PerClient // how many leases one client may have here at once, of pools
	PrefixLength uint8            // of the prefix that a client gets first that asks for no length; 0: any
	Terms                         // of clients of whom no class says others

	Reconfigure  bool          // clients of the link can be told a key
	Registration *Registration // nil: addresses aren't registered
	PoolTerms    bool          // some of its pools have terms of their own
	PoolOptions  bool          // some of its pools have options of their own

	// The longest valid lifetime and T1 that any client of the link is told, in seconds, and how long after it was heard a client that
	// has its lease has renewed it: T1 and half of it, or as long as the lease lasts where the client chooses T1.
	LongestValid, LongestRenew, Overdue uint32

	onLink       table              // OnLink
	offers       map[offer]struct{} // what relays can ask for; nil where they can't
	delegable    table              // Delegable
	leases       [2]table           // own pools' and siblings' IDs by the leases in them; addresses, prefixes
	pools        []*Pool            // Policy.Pools
	ranges       [2][]*address.Pool // of Addresses, of Prefixes
	inOrder      [2]bool            // these are taken in the file's order: one of them, of any node, is sequential
	reservations reservations
}

// A Pool is a range of leases that one node, or in the identical model every node, assigns from.
type Pool struct {
	ID     int // dense, from 0: index into Policy.Pools
	Kind   wire.Kind
	Range  address.Pool
	Owner  int  // node's index, Everyone or Nobody
	Own    bool // this node assigns from it
	Dense  config.Dense
	Sparse bool // so many slots that a candidate is as good as always free
	Cut    *config.Cut
	Link   int
	Name   string      // as configured, for people
	Gate   config.Gate // whose members get new leases from it

	Called    string // what relays call it; empty: nothing
	NamedOnly bool   // new leases only where a relay does
	group     int32  // number of that name in Policy.named; 0: none

	// Sequential is how new leases are given: the lowest free one instead of the one that is computed. Its Owner is a
	// node, or there is no other one.
	Sequential bool

	// Terms and Options are the pool's own; nil: the link's count alone.
	Terms   *Terms
	Options *Options

	// Retiring: nobody gets new leases from it, and those that there are aren't extended.
	Retiring bool

	// Stripes is how many stripes a dense pool is dealt into: 1 where one node owns all of it.
	// OwnStripes are those of this node, the first one preferred.
	Stripes    int
	OwnStripes []int
}

// A Reservation fixes what one client gets on a link.
type Reservation struct {
	Index     int // within the link, from 0
	Addresses [][16]byte
	Prefixes  []netip.Prefix
	Hostname  naming.Name // nil: none
	Options   *Options    // the link's options overlaid with the reservation's own; nil: the link's
	Own       *Options    // the reservation's own alone; nil: none
}
