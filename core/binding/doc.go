// Package binding keeps all leases of a server in memory: a lock-free, pointer-free, sharded table of
// records, an index from clients to their leases, and maps of the free slots of dense pools.
//
// It never reads a clock, never touches a disk or a socket and starts no goroutine. Workers call it,
// each through a Handle of its own; the store's loader fills it at start; maintenance sweeps it.
//
//	lease key  -> heads[] -> record -> record            clients: heads[] -> entry -> entry
//	                         (96 octets, one version)               (32 octets, client -> lease key)
//	                         | distance
//	                         v
//	                         extension, packed -distance-> a piece that many extensions have
//	                         (16 to 2048 octets)           (a slot of its own, never freed)
//
// # The plain idea
//
// A map from lease to record behind a lock, and a second one from client to leases. A worker that wants a
// lease locks, looks, writes, unlocks. That is too slow for many cores, and a Go map of ten million
// pointers costs seconds of garbage collection. So there is no lock, there are no pointers for the
// collector to follow, and one compare-and-swap decides who gets a lease.
//
// # How it works
//
// A Record is one immutable version of one lease. Records are the nodes of sorted lists, one list per
// bucket of a hash table (Harris 2001, Michael 2002). A link is one word:
//
//	bit 63: mark | bits 62..32: tag, 31 bits of the next node's hash | bits 31..0: the next node's slot, 0 none
//
// The mark stands in a node's own link and says that the node has left the set; a marked link never changes
// again. To publish a new version of a record means to build it complete, aside, with the old one's successor
// as its own, and then to change the old one's link from (successor, unmarked) to (new, marked). This one
// compare-and-swap retires the old version and makes the new one reachable. Whoever meets a marked node on
// a search for a place to write unlinks it; a pure lookup walks over it and writes nothing.
//
// # Invariants of the lists
//
//  1. A list is sorted by (tag, key). Neighbours with equal keys exist only as marked -> its replacement.
//  2. A node whose link is unmarked, once it was reachable, is reachable. (Only marked nodes are unlinked, and
//     only through an unmarked link that points at them, so a chain of marked nodes goes from its front.)
//  3. So of one key at most one unmarked node exists: a lease has at most one record. An insertion swaps the
//     link between a smaller and a greater key, whose node is unmarked, hence in the list: the key is not there.
//  4. A lookup that returns a node saw its link unmarked: at that moment the node was the current version.
//     A lookup that returns none passed, at a moment within the call, over the place where the key would stand.
//  5. A node is unlinked once, and the unlinker retires its slot. A record's extension has one owner at
//     a time, the live version; whoever marks the record retires the extension, or hands it to the replacement.
//     Shared pieces (see shared.go) are nobody's, and stay.
//  6. A slot is used again only when no handle is left in a batch that could have met its old content
//     (see epoch.go). So a link never comes to mean another node while somebody holds it: no ABA.
//  7. Versions of one lease only rise, over removal and return of the lease too (see settle in publish.go).
//  8. While a record stands whose Publish has returned, its client's entry stands (see clients.go).
//
// # Who owns what, when
//
// A slot is owned by the free map, then by one handle's cache, then by that handle while it builds; the
// swap that publishes it gives it to the table: from then on its content is read-only, except link and
// stamp, which are atomic. After unlinking it is in one handle's limbo, then in its cache again.
// What Find, FindClient and Publish return may be read until the handle's next Enter or Leave.
//
// # Pairing
//
// All shared words are Go atomics, which are sequentially consistent. Content is written before the swap of
// the link that publishes it and read after a load of that link. A slot's reuse is ordered behind its last
// reader by: the reader's store to announced -> the advancer's load of it -> the swap of the epoch
// -> the reuser's load of the epoch.
//
// # What was tried and dropped
//
// Open addressing with tombstones looks up as fast, but degrades under churn and wants a stop to rebuild.
// A record that is changed in place behind a sequence number needs a version check around every read, and a
// reader may have to repeat. sync.Map took 260 octets per entry and 4 s for a forced collection at ten million
// entries; a sharded map behind read-write locks took 1.0 to 1.5 times as long per lookup.
package binding
