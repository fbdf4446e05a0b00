package metrics

import "github.com/lockstep6/lockstep6/io/admin"

// A Snapshot is what a scrape shows.
type Snapshot struct {
	State   admin.State
	Dropped map[string]uint64 // messages without an answer, by type as State.Answered has it; see Unreadable and OtherType
	Lacked  map[string]uint64 // messages that found no lease, by reason
	Refused uint64            // replies that the kernel didn't take
	Pools   []admin.Pool
	Peers   admin.Peers       // without the peers' bindings: to tell those apart takes a walk through the table
	Granted map[string]uint64 // by peer's name: bindings of it that this node knows of
	Store   Store

	Registered  uint64            // addresses that hosts registered and that have a record
	Registering map[string]uint64 // registrations that were answered, by what became of them

	Leasequery  Leasequery
	Hooks       []admin.Hook
	Outbox      admin.Outbox
	Reconfigure *admin.ReconfigureTotals // nil: no client is made to ask again
	DNS         *admin.DNSState          // nil: the configuration has no dns
}

// Types of messages in Snapshot.Dropped that no client sends.
const (
	Unreadable = "unreadable" // the type couldn't be read
	OtherType  = "other"      // no message of clients
)

// Store is what the store tells of itself beyond State.
type Store struct {
	Healthy, Damaged bool
	Changes          uint64 // changes of bindings that were made durable
	Unconfirmed      int    // writes under way
	Failures         uint64 // that cost an opening of the database
	LogSize          int    // octets, as DiskSize
	DiskSize         int64
}
