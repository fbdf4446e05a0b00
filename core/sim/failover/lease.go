package failover

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Status is the binding-status of a lease (RFC 8156, Section 7.2).
type Status uint8

// The statuses. FREE is the primary's to give, FREE-BACKUP the secondary's; of addresses the lowest bit says whose they are.
const (
	Free Status = iota
	FreeBackup
	Active
	Expired
	Released
)

// A Client is an identity association.
type Client struct {
	DUID string
	Kind wire.Kind
	IAID uint32
}

// A lease is what a server knows of an address or a prefix. Times are in milliseconds (RFC 8156, Section 7.3).
type lease struct {
	key        binding.Key
	status     Status
	client     Client // of a free one: who had it last
	since      int64  // start-time-of-state
	until      int64  // state-expiration-time: what the client was told
	expiration int64  // expiration-time: what this server has acked to its partner
	heard      int64  // client-last-transaction-time, of either server
	sent       int64  // partner-lifetime
	acked      int64  // acked-partner-lifetime

	version int  // counts changes that the partner has to know
	dirty   bool // it doesn't know the last one
	told    bool // an update that the lease has ended was sent
}

// ends is when the client can't have the lease any more, as far as the server knows.
func (l *lease) ends() int64 { return max(l.until, l.expiration) }

// moved is the time by which updates are compared (RFC 8156, Section 7.5.4).
func (l *lease) moved() int64 {
	if l.status == Free || l.status == FreeBackup {
		return max(l.heard, l.since)
	}
	return l.heard
}

func (l *lease) isAddress() bool { return l.key.Length == 128 }

// A Disk is a server's stable storage: its leases, and what Section 8.2 wants kept. The zero Disk is an empty one.
type Disk struct {
	leases map[binding.Key]*lease
	order  []*lease               // as they came, so that a history is the same each time
	of     map[Client]binding.Key // which lease a client has, or had last

	known bool // the server was in a state before
	state State
	since int64
	alive int64 // when the server was last known to run
}

// NewDisk returns the disk of a server that has been in operation with its partner, or (used: false) an empty one.
func NewDisk(used bool) *Disk {
	d := &Disk{leases: make(map[binding.Key]*lease), of: make(map[Client]binding.Key)}
	if used {
		d.known, d.state = true, CommunicationsInterrupted
	}
	return d
}

// at is the record of a lease, which is made where there is none.
func (d *Disk) at(key binding.Key) *lease {
	l := d.leases[key]
	if l == nil {
		l = &lease{key: key}
		d.leases[key] = l
		d.order = append(d.order, l)
	}
	return l
}

// find is the record of what a client has or had last, or nil.
func (d *Disk) find(who Client) *lease {
	if key, ok := d.of[who]; ok {
		if l := d.leases[key]; l.client == who {
			return l
		}
	}
	return nil
}

// bind makes a client the one of a lease.
func (d *Disk) bind(l *lease, who Client) {
	l.client = who
	d.of[who] = l.key
}
