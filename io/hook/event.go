package hook

import (
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// What events are about.
const (
	Add       = "add"        // a lease that wasn't there
	Change    = "change"     // a lease of which something is another than before
	Remove    = "remove"     // a lease that isn't there any more
	ListBegin = "list-begin" // all leases follow
	ListItem  = "list-item"  // one of them
	ListEnd   = "list-end"   // those were all
)

// An Event is what a receiver is told: for add, change and list-item what stands, for remove what stood last. Identifiers are
// hexadecimal octets joined by colons, or text where they are printable; what isn't known is empty and left out.
type Event struct {
	Event        string     `json:"event" var:"EVENT"`
	Hook         string     `json:"hook" var:"HOOK"`
	Node         string     `json:"node,omitempty" var:"NODE"`                   // a single node has no name
	List         int64      `json:"list" var:"LIST"`                             // number of the newest list that has begun; each is higher than those before
	Lease        string     `json:"lease,omitempty" var:"LEASE"`                 // an address, or a prefix with its length
	Kind         string     `json:"kind,omitempty" var:"KIND"`                   // IA_NA or IA_PD
	DUID         string     `json:"duid,omitempty" var:"DUID"`                   // the client's
	IAID         string     `json:"iaid,omitempty" var:"IAID"`                   // decimal; empty: it isn't known
	IAIDUnknown  bool       `json:"iaid_unknown,omitempty" var:"IAID_UNKNOWN"`   // a server that told of the lease couldn't tell it
	ValidUntil   *time.Time `json:"valid_until,omitempty" var:"VALID_UNTIL"`     // nil: for ever
	PeerAddress  string     `json:"peer_address,omitempty" var:"PEER_ADDRESS"`   // the client's own, mostly link-local: the next hop
	LinkAddress  string     `json:"link_address,omitempty" var:"LINK_ADDRESS"`   // of the relay closest to it
	Interface    string     `json:"interface,omitempty" var:"INTERFACE"`         // this node's, by which a client without relay is heard
	InterfaceID  string     `json:"interface_id,omitempty" var:"INTERFACE_ID"`   // as the relay says it, like those below
	RemoteID     string     `json:"remote_id,omitempty" var:"REMOTE_ID"`         // ENTERPRISE:text or octets
	SubscriberID string     `json:"subscriber_id,omitempty" var:"SUBSCRIBER_ID"` // RFC 4580
	RelayID      string     `json:"relay_id,omitempty" var:"RELAY_ID"`           // the relay's DUID
	Hardware     string     `json:"hardware_address,omitempty" var:"HARDWARE_ADDRESS"`
	Hostname     string     `json:"hostname,omitempty" var:"HOSTNAME"` // the client's whole name, as the API writes it; empty: it has none
	Link         string     `json:"link,omitempty" var:"LINK"`         // its name in the configuration
	Owner        string     `json:"owner,omitempty" var:"OWNER"`       // the peer whose lease it is; empty: this node's
	Reason       string     `json:"reason,omitempty" var:"REASON"`     // of remove: released, declined, ended, or peer: another node's now
}

// A Source is what the leases are. Its methods may be called at the same time.
type Source interface {
	// Shards is into how many parts Keys divides the leases.
	Shards() int
	// Keys appends the leases of one part, of all kinds and links: Look says which of them count.
	Keys(shard int, into []binding.Key) []binding.Key
	// Look is what stands of a lease now; false: nothing that the receiver is told of.
	Look(key *binding.Key) (Event, bool)
}
