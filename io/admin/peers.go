package admin

import "time"

// Peers is what a node knows of its cluster from the clients' messages alone. Names of links, pools and nodes are those
// of the configuration, times are UTC, identifiers hexadecimal octets joined by colons. Counts begin at the node's start;
// bindings are those that stand. Fields are added, never renamed or dropped.
type Peers struct {
	Node        string          `json:"node"` // this node's name; empty: a single node, which has no peers
	Preference  uint8           `json:"preference"`
	Fingerprint string          `json:"fingerprint"`
	Now         time.Time       `json:"now"`
	OwnBindings uint64          `json:"own_bindings"` // that this node granted
	Peers       []Peer          `json:"peers"`        // in the configuration's order
	Former      []Former        `json:"former"`       // servers that the configuration doesn't name any more
	Gates       []Gate          `json:"gates"`        // by link
	GateClosed  uint64          `json:"gate_closed"`  // how often a link's gate was closed
	Unshared    []Unshared      `json:"unshared"`     // pools of which not all claims were taken in
	BackSeat    bool            `json:"back_seat"`    // new clients are left to peers
	Drained     bool            `json:"drained"`      // because the node was told to
	Relays      []Relay         `json:"relays"`       // that were heard
	Conflicts   Conflicts       `json:"conflicts"`
	Foreign     []ForeignServer `json:"foreign"`
	ForeignSeen uint64          `json:"foreign_messages"`
	Twin        Twin            `json:"twin"`
}

// A Peer is another node of the cluster.
type Peer struct {
	Name       string            `json:"name"`
	DUID       string            `json:"duid"`
	Preference uint8             `json:"preference"`
	State      string            `json:"state"`       // alive, silent or unknown
	PathBroken bool              `json:"path_broken"` // it answers, but not behind Unanswered.Relays
	Messages   map[string]uint64 `json:"messages"`    // that name it, by type
	LastHeard  *time.Time        `json:"last_heard"`  // of them; null: none yet
	Answered   uint64            `json:"answered"`    // exchanges with it that clients didn't have to repeat
	Repeated   uint64            `json:"repeated"`    // exchanges that they repeated
	Rebinds    uint64            `json:"rebinds"`     // of its clients
	LastAnswer *time.Time        `json:"last_answer"` // when the newest answered exchange began; null: none yet
	Unanswered *Unanswered       `json:"unanswered"`  // null: nobody waits
	Bindings   ObservedBindings  `json:"bindings"`
	Claims     Claims            `json:"claims"`
	Divergence []Divergence      `json:"divergence"` // where it has another configuration
}

// Unanswered is the evidence that a peer is silent.
type Unanswered struct {
	Clients int       `json:"clients"` // that it left without an answer
	Since   time.Time `json:"since"`   // when the first of them asked
	Relays  []string  `json:"relays"`  // behind which they are; "::" stands for clients without relay, and relays too many
}

// ObservedBindings is how many of a peer's bindings this node knows. Each is confirmed or tentative, and strong or weak.
type ObservedBindings struct {
	Confirmed uint64 `json:"confirmed"` // the client was heard with it again, later
	Tentative uint64 `json:"tentative"` // it was only asked for
	Strong    uint64 `json:"strong"`    // the configuration explains it
	Weak      uint64 `json:"weak"`
}

// All is how many there are.
func (b *ObservedBindings) All() uint64 { return b.Confirmed + b.Tentative }

// Claims is how many leases were asked of a peer for the first time, by how that follows from this node's configuration.
type Claims struct {
	First    uint64 `json:"first"`     // the client's first candidate, or a reservation
	Later    uint64 `json:"later"`     // a later candidate, or a slot of the peer's own stripe or part
	OtherKey uint64 `json:"other_key"` // a candidate under a key that is only accepted here
	Nothing  uint64 `json:"nothing"`   // not at all
}

// A Divergence is a pool in which a peer's grants don't follow from this node's configuration.
type Divergence struct {
	Link       string  `json:"link"`
	Pool       string  `json:"pool"`       // empty: leases outside of all pools of the link
	OtherKey   bool    `json:"other_key"`  // it uses a key that is only accepted here
	Claims     int     `json:"claims"`     // its newest ones that were looked at
	Unexpected int     `json:"unexpected"` // of them, not as this node's configuration has it
	Example    Claimed `json:"example"`
}

// A Claimed is one claim of a client to a lease.
type Claimed struct {
	Lease string    `json:"lease"`
	DUID  string    `json:"duid"`
	IAID  uint32    `json:"iaid"`
	At    time.Time `json:"at"`
}

// Text says in what the peer differs, as far as its clients' claims show.
func (d *Divergence) Text() string {
	switch {
	case d.Pool == "":
		return "its clients ask it for leases in no pool of link " + d.Link
	case d.OtherKey:
		return "in pool " + d.Pool + " it uses a key that is only accepted here"
	default:
		return "in pool " + d.Pool + " its leases don't follow from this node's key, hash and pools"
	}
}

// A Former is a server of which there are observed bindings, though the configuration doesn't name it any more.
type Former struct {
	DUID     string           `json:"duid"`
	Bindings ObservedBindings `json:"bindings"`
}

// A Gate says whether this node's knowledge of what peers granted on a link has no known gap. While it is closed the node
// listens, and gives new clients in dense pools leases of its own stripes only.
type Gate struct {
	Link     string     `json:"link"`
	Open     bool       `json:"open"`
	Reason   string     `json:"reason"`   // why it was closed, in words; empty: it is open
	Since    *time.Time `json:"since"`    // null: it is open
	Until    *time.Time `json:"until"`    // likewise
	Progress float64    `json:"progress"` // of the T1 for which the node listens, 0 to 1
}

// An Unshared is a pool out of which this node gives new clients leases of its own stripes only, because a relay port has
// more claims than limits.weak-claims-per-port, and the others aren't observed.
type Unshared struct {
	Pool  string    `json:"pool"`
	Link  string    `json:"link"`
	Until time.Time `json:"until"`
}

// A Relay is one by which clients' messages come, and whether what it forwards to this node is all of it.
type Relay struct {
	Address    string    `json:"address"` // "::" stands for clients without relay, and relays too many
	Messages   uint64    `json:"messages"`
	LastHeard  time.Time `json:"last_heard"`
	Silent     bool      `json:"silent"`      // not heard for ten times its longest usual interval
	Solicits   uint32    `json:"solicits"`    // that this node answered
	Followed   uint32    `json:"followed"`    // of them, those that led to a Request to any server within 5 s
	Ours       uint32    `json:"ours"`        // of those, the ones to this node
	Requests   uint32    `json:"requests"`    // that named a peer
	Renews     uint32    `json:"renews"`      // likewise
	Known      bool      `json:"known"`       // there are enough samples to judge by Followed and Ours
	ChosenOnly bool      `json:"chosen_only"` // Requests seem to go to the chosen server only
	NoRenews   bool      `json:"no_renews"`   // renewals seem to go to their server only
}

// Conflicts are leases that more than one client claims.
type Conflicts struct {
	Standing []Conflict `json:"standing"`
	Mended   uint64     `json:"mended"` // that ended because a client was given another lease
	Lost     uint64     `json:"lost"`   // claims that found no room
}

// A Conflict is one of them.
type Conflict struct {
	Lease  string  `json:"lease"`
	Claims []Claim `json:"claims"` // the first one holds it, where anybody does
}

// A Claim is a client's, in the name of a server.
type Claim struct {
	Node        string    `json:"node"` // empty: unknown
	DUID        string    `json:"duid"`
	IAID        uint32    `json:"iaid"`
	IAIDUnknown bool      `json:"iaid_unknown,omitempty"`
	Holds       bool      `json:"holds"` // this node's record says so
	Strong      bool      `json:"strong"`
	Confirmed   bool      `json:"confirmed"`
	Since       time.Time `json:"since"`
}

// A ForeignServer isn't in the cluster, and clients name it.
type ForeignServer struct {
	DUID      string    `json:"duid"`
	Link      string    `json:"link"` // empty: one that this node doesn't have
	Messages  uint64    `json:"messages"`
	LastHeard time.Time `json:"last_heard"`
}

// A Twin is another server that answers under this node's name.
type Twin struct {
	Suspected bool   `json:"suspected"` // enough clients renewed, within one T1, leases that this node never granted
	Renews    uint64 `json:"renews"`    // such ones, in all
}
