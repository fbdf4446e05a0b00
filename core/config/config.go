// Package config reads a configuration file: bytes of YAML become a raw tree with positions, the raw tree
// becomes a checked Config, and every fault found on the way is reported at once with file, line and column.
// It opens no file and knows no node: package policy compiles a Config for one node.
package config

import (
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Config is a checked configuration. It is never changed after Parse.
type Config struct {
	Cluster    *Cluster // nil: a single node
	Listen     Listen
	Policy     Defaults   // what links inherit
	Allocation Allocation // what pools inherit
	Classes    []Class    // in the order in which they count
	Providers  []ProviderPrefix
	Links      []Link
	Store      Store
	History    History
	Admin      Admin
	Log        Log
	Privacy    Privacy
	Relays     Relays
	Server     Server
	Decline    Decline
	Limits     Limits
	Leasequery *Leasequery         // nil: nobody may ask
	Hooks      []Hook              // who is told of changes
	Events     *Events             // nil: no message broker is told
	DNS        *DNS                // nil: clients have no names
	Positions  map[string]Position // where each field stands, by its path such as links[0].addresses[1].pool
	Warnings   Errors              // what is allowed and seldom meant
	Source     []byte              // the file as it was read

	Reconfigure *Reconfigure // nil: no client is made to ask again
}

// A Position is a place in the file, counted from 1.
type Position struct{ Line, Column int }

// A Model is one of the three of RFC 6853, Section 6.
type Model uint8

// The models.
const (
	Identical Model = iota // 6.3: every node has the same pools
	Split                  // 6.1: each pool is cut into one part per node
	Unique                 // 6.2: each node has pools of its own
)

// A Favour says how nodes let clients prefer one of them.
type Favour uint8

// The ways of favouring.
const (
	FavourPreference Favour = iota // the nodes' configured preferences
	FavourRendezvous               // every client has its own order of nodes
	FavourDelay                    // less preferred nodes keep silent at first
)

// A Secret is where a key comes from: file:NAME, env:NAME, or 64 hexadecimal digits; a token comes from the first two only.
type Secret string

// A Cluster is what the nodes share.
type Cluster struct {
	ID     string // a UUID
	Model  Model
	Key    Secret   // the key that decides addresses
	Accept []Secret // further keys whose candidates verify a claim
	Hash   address.Algorithm
	Favour Favour
	Parts  int // how many parts split pools and stripes are cut into; at least len(Nodes)
	Nodes  []Node
}

// A Node is one server of the cluster.
type Node struct {
	Name       string
	Preference uint8
	Parts      []int             // the parts it owns, counted from 0
	DUID       []byte            // nil: derived from the cluster's ID and the name
	Listen     *Listen           // nil: the shared one
	Leasequery netip.AddrPort    // where peers ask it for bindings; invalid: nowhere
	Interfaces map[string]string // label in links[].match.interface -> this node's interface
}

// Listen says where the server takes messages.
type Listen struct {
	Interfaces []string         // ff02::1:2 and ff05::1:3 there, and unicast
	Addresses  []netip.AddrPort // unicast only
	Workers    int              // 0: one per processor
	After      uint32           // seconds of absence after which a node lets its peers serve new clients first
}

// Lifetimes are in seconds; wire.Infinity never ends. Renew is T1, Rebind is T2; both 0: the client chooses.
// Renew <= Rebind <= Preferred <= Valid holds (RFC 9915, Sections 21.4 and 21.6).
type Lifetimes struct{ Preferred, Valid, Renew, Rebind uint32 }

// RapidCommit says who answers a Solicit with Rapid Commit by a Reply (RFC 9915, Section 18.3.1).
type RapidCommit uint8

// Rapid Commit: nobody, the client's first node, every node.
const (
	RapidCommitOff RapidCommit = iota
	RapidCommitFavoured
	RapidCommitAll
)

// Identity says by what a client IA is known: what its leases belong to.
type Identity uint8

// Identities. All but the first have a rank: which of the message's IAs of its kind it is.
const (
	IdentityDUIDIAID        Identity = iota // DUID and IAID (RFC 9915, Section 12)
	IdentityDUIDRank                        // DUID
	IdentityHardwareAddress                 // the client's link-layer address
	IdentityRelayPort                       // what relays say of the port that it is behind
)

const identityWords = "duid-iaid|duid-rank|hardware-address|relay-port"

// String is the word in the configuration.
func (i Identity) String() string { return strings.Split(identityWords, "|")[i] }

// Defaults is what can be said globally and again per link.
type Defaults struct {
	Lifetimes   Lifetimes
	RapidCommit RapidCommit
	Identity    Identity
	Options     []Option   // sorted by code; a link's list already contains what it inherits
	Boot        []BootList // the innermost first; likewise
}

// An Option is an option to send to clients, encoded at load.
type Option struct {
	Code    wire.OptionCode
	Always  bool   // sent though the client didn't ask; Vendor Class always is
	Encoded []byte // one or more whole options, headers included; empty: what is inherited isn't sent

	Withheld bool // not sent, whatever else sets it for the client
}

// A Link is one link (or shared network) that clients are on.
type Link struct {
	Name         string
	Interfaces   []string       // names, or labels that a node maps
	LinkAddress  []netip.Prefix // link-addresses of its relays; also prefixes that are on the link
	InterfaceIDs [][]byte       // Interface-IDs of its relay's ports
	RelayIDs     [][]byte       // Relay-IDs of its relays
	PoolNames    []string       // names of pools by which it is found where nothing else finds a link
	Defaults     Defaults
	Naming       *naming.Rules // how its clients are named; nil without dns
	Gate         Gate          // who gets leases at all
	PerClient    PerClient     // how many leases of each kind one client may have
	Registration *Registration // which addresses that clients gave themselves are registered; nil: none
	PrefixLength uint8         // of what a client is delegated that asks for no length, where there is one; 0: any
	Addresses    []Pool
	Prefixes     []Pool
	Reservations []Reservation
}

// A Dense rule says what a node does in a pool with few slots.
type Dense uint8

// The rules for pools of fewer than 2^48 slots.
const (
	DenseAgree     Dense = iota // the shared candidate first, the own stripe where it is taken
	DenseExclusive              // always the own stripe
)

// A Pool is a range of leases of one length.
type Pool struct {
	Kind       wire.Kind
	Ranges     []NodeRange // one for all nodes (Node ""), or one for each node in the unique model
	Length     uint8       // 128 for addresses, else of a delegated prefix
	Exclude    []address.Range
	Dense      Dense
	Cut        *Cut // prefix pools: what is excluded from each delegated prefix (RFC 6603)
	Gate       Gate // who gets new leases from it
	Allocation Allocation
	Retiring   bool       // nobody does, and what there is of them ends
	Lifetimes  *Lifetimes // nil: the link's
	Options    []Option   // only its own, as a class's

	Name      string // by which relays ask for it; empty: none
	NamedOnly bool   // new leases only where they do
}

// A NodeRange is a node's range of a pool from its first lease to its last, both included.
type NodeRange struct {
	Node        string
	First, Last [16]byte
	Prefix      netip.Prefix // as it was written; invalid where first-last was
}

// A Cut is the prefix that the delegating router keeps out of each delegated prefix: number ID of its
// subprefixes of length Length.
type Cut struct {
	Length uint8
	ID     uint64
}

// A Reservation fixes what one client gets. Exactly one of DUID, Hardware, RemoteID, SubscriberID and InterfaceID is set.
type Reservation struct {
	DUID         []byte
	Hardware     []byte // link-layer address, without its type
	RemoteID     *RemoteID
	SubscriberID []byte
	InterfaceID  []byte
	Addresses    []netip.Addr
	Prefixes     []netip.Prefix
	Hostname     naming.Name // nil: what the client calls itself, or none
	Options      []Option    // only its own; not what it inherits
	Boot         []BootList  // likewise
	Stored       bool        // it isn't the file's: the node keeps it
}

// A RemoteID is the Remote-ID that a relay adds (RFC 4649). Any enterprise number where AnyEnterprise is set.
type RemoteID struct {
	Enterprise    uint32
	AnyEnterprise bool
	Value         []byte
}

// Store says where bindings are kept.
type Store struct {
	Path       string
	Sync       bool    // false: grants leave before they are on stable storage
	Capacity   int     // most bindings held at once
	RenewCache float64 // share of T1 for which a renewal that changes nothing else needs no write; 0: every one does
}

// History says how long it is kept who had which lease when.
type History struct {
	Keep uint32 // seconds after a lease's end; wire.Infinity: for ever; 0: nothing is kept
}

// Log says what is logged.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // auto, text, json
	Leases bool   // one line per lease event
}

// Relays says what is taken from relays.
type Relays struct {
	Supplied   []wire.OptionCode // RSOO-enabled options (RFC 6422)
	Allow      []netip.Prefix    // from which relays send; none: from anywhere
	NamedPools *NamedPools       // nil: relays name no pools
}

// Server is what a single node says of itself.
type Server struct {
	DUID       []byte // nil: made once and kept in the data folder
	Preference uint8
}

// PerClient bounds what one client has at once on a link: own and observed leases; 0: any number.
type PerClient struct{ Addresses, Prefixes int }

// Limits bound what one relay port takes: the clients behind one Interface-ID, Remote-ID or Subscriber-ID of a relay; and one client.
type Limits struct {
	LeasesPerPort int       // own and observed leases; 0: any number
	WeakPerPort   int       // observed claims that the configuration doesn't explain; 0: any number
	PerClient     PerClient // what links have that don't say it

	OfRelay, OfNeighbour, OfClient Rate // of messages: of a relay, of a link-local address, and of a client

	NoShares bool // while messages are lost a relay or a neighbour may have more of them read than its share
}

// A Rate is how many messages one sender may send; PerSecond 0: any number.
type Rate struct {
	PerSecond int // in the long run; up to 1000000
	Burst     int // at once, after a while without any
}

// Decline says how long a declined address is kept from everybody (RFC 9915, Section 18.3.8), in seconds,
// and how many addresses one client may have declined at a time.
type Decline struct {
	Quarantine   uint32
	MaxPerClient int
}
