package binding

import "github.com/lockstep6/lockstep6/core/wire"

// MaxAhead is how many clients Ahead looks up at once: more misses than that no processor has under way.
const MaxAhead = 32

// aheadLeast is how many bindings a table has at least for looking ahead to pay: the indexes of fewer fit the processor's cache.
const aheadLeast = 1 << 17

// A Client is an identity association (RFC 9915, Section 21.4): what FindClient is asked for.
type Client struct {
	DUID []byte // at most MaxDUID octets
	Kind wire.Kind
	IAID uint32
}

// ahead is a handle's room for Ahead.
type ahead struct {
	hashes, words [MaxAhead]uint64
	sink          uint64
}

// Pays tells whether the table is so large that Ahead is worth the time.
func (h *Handle) Pays() bool { return h.table.live.Load() >= aheadLeast }

// Ahead brings what FindClient will read for these clients into the processor's cache, at most MaxAhead of them. A look-up is
// four reads that wait for one another, at random addresses: list head, entry, head, record. One client after the other
// they are four misses each; here all clients' heads are read, then all entries, and so on, and the processor waits for
// many misses at once. Nothing is decided by what is read here. Renews of four million bindings went from 156,000 to 177,000 a
// second to 182,000 to 200,000 by it, one worker without sockets, three rounds of each in turns:
// go run ./bench/scale/measure -bindings 4000000 -ceilings=false -renew 4s.
func (h *Handle) Ahead(clients []Client) {
	h.inside()
	t, a := h.table, &h.ahead
	clients = clients[:min(len(clients), MaxAhead)]
	for i := range clients {
		c := &clients[i]
		a.hashes[i] = t.clientHash(c.DUID[:min(len(c.DUID), MaxDUID)], c.Kind, c.IAID)
	}
	for i := range clients {
		a.words[i] = t.clients.head(a.hashes[i]).Load()
	}
	for i := range clients {
		a.words[i] = t.firstLease(a.hashes[i], a.words[i])
		a.hashes[i] = a.words[i]
	}
	for i := range clients {
		if a.hashes[i] != 0 {
			a.words[i] = t.records.head(a.hashes[i]).Load()
		}
	}
	for i := range clients {
		if slot := uint32(a.words[i]); a.hashes[i] != 0 && slot != 0 {
			r := recordOf(t.records.node(slot))
			a.sink += r.next.Load() + uint64(r.duid[inlineDUID-1]) // a record may lie across two lines
		}
	}
}

// firstLease returns the hash of the lease in the first entry of a client's list that has the client's tag; 0: the list's
// first two have none.
func (t *Table) firstLease(client, word uint64) uint64 {
	for range 2 {
		if uint32(word) == 0 || tagIn(word) > tagOf(client) {
			return 0
		}
		e := t.clients.node(uint32(word))
		if tagIn(word) == tagOf(client) {
			key := Key{Address: e.address, Length: e.length()}
			return t.leaseHash(&key)
		}
		word = e.next.Load() &^ markBit
	}
	return 0
}
