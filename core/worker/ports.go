package worker

import "github.com/lockstep6/lockstep6/core/limit"

// Sizes of the path. A batch of 32 datagrams is where a larger one stops paying.
const (
	BatchSize   = 32
	MaxDatagram = 9216 // octets of one datagram; a longer one is dropped as truncated
	MaxWait     = 1e9  // nanoseconds that a datagram may have waited: a client's first retransmission (RFC 9915, Section 7.6)
	// The same for what may wait: a Solicit that is answered when its client is about to send it again is answered twice.
	MaxWaitLater = MaxWait / 2

	// MaxHold is how many nanoseconds a reply may wait for the disk. Its client counts from when it hears it, and the lease goes to another
	// one peer.Grace after its end as nodes count: what is left of that is the network's, and the second that nodes round away.
	MaxHold = 20e9

	MaxInFlight = 64 // batches of one worker that wait for their write
)

// A Datagram is one received UDP payload and where it came from.
// Data belongs to the socket and is valid until the next Receive.
type Datagram struct {
	Data        []byte
	Source      [16]byte // peer's address
	Destination [16]byte // the address that was asked (IPV6_PKTINFO)
	SourcePort  uint16
	Socket      uint16 // which of the worker's file descriptors it came by; a reply leaves by the same
	Interface   uint32 // kernel's interface index
	Listen      uint16 // 1 + index into the configured interfaces; 0: not one of them
	Later       bool   // it may wait for others: as far as the socket could tell a Solicit or an Information-request
	Arrival     int64  // kernel's receive stamp, Unix nanoseconds; 0: unknown
}

// stale tells whether the client has given the datagram up, or soon will have: the wall clock shows now.
func (d *Datagram) stale(now int64) bool {
	limit := int64(MaxWait)
	if d.Later {
		limit = MaxWaitLater
	}
	return d.Arrival != 0 && now-d.Arrival > limit
}

// A Reply is one UDP payload to send.
type Reply struct {
	Data        []byte
	Destination [16]byte
	Source      [16]byte // local address to send from; all zero: the kernel's choice
	Port        uint16
	Socket      uint16
	Interface   uint32
}

// Lanes is how many goroutines of a worker send: Run on lane 0, Deliver on lane 1, on LaneAside who answers what Options.Aside took, and on
// LaneFirst who sends what nobody asked for.
const (
	Lanes     = 4
	LaneAside = 2
	LaneFirst = 3
)

// A Socket is one worker's way to the network. Receive and each lane of Send may run at the same time
// in goroutines of their own; none of them may run in two.
type Socket interface {
	// Receive waits for datagrams, fills batch from its start and returns how many it filled, at least one.
	// It returns net.ErrClosed after Close; another error is final.
	Receive(batch []Datagram) (int, error)
	// Send sends all replies, and returns how many the kernel refused. It never keeps a reply's memory.
	Send(lane int, replies []Reply) (refused int)
}

// A Sieve is a Socket that can throw away most of what floods send before it costs a reading.
type Sieve interface {
	// Sift has only a share of these floods read from now on, and everything else; none: everything. Run's goroutine calls it, each second
	// while there are floods: where it isn't called for some seconds everything is read. False: it couldn't, and everything is read.
	Sift([]limit.Flood) bool
}

// A Write is one batch's changes on their way to stable storage.
// From Append until it arrives at Done it belongs to the journal.
type Write struct {
	Changes []byte        // changes as binding.AppendChange makes them, one behind the other
	Count   int           // how many changes
	Done    chan<- *Write // gets the write back, once, when it is on stable storage; has room for it
	Owner   any           // the worker's own; the journal doesn't look at it
}

// A Journal makes changes durable. All methods may be called from any goroutine.
type Journal interface {
	// Append takes a write. Writes become durable in any order: each change carries its record's version,
	// and of two the higher one stands. A journal that breaks keeps the write until it could be written after all.
	Append(*Write)
	// Healthy is false while what is granted can't be made durable.
	Healthy() bool
}
