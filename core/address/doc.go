// Package address is the rule of agreement: it computes, from a key, a client's DUID and IAID, and a pool, which
// leases the client should get. Servers that share the key and the pools compute the same ones without talking
// to each other. Nobody else in the server computes an address.
//
// docs/agreement.md states the rule octet by octet, with test vectors; testdata/agreement.py is a second
// implementation, written from that page, that the tests compare with this one. Whatever changes a result here
// changes every client's address: it needs a new rule version, new vectors, and that page changed.
//
//	Pool    a range of equally long leases; a lease's number in it is its slot
//	        slots are cut into contiguous parts (split pools) and dealt into stripes (spills)
//	Hasher  key and algorithm: candidates, spills, the order of pools, the rank of nodes
//
// The package reads no clock and keeps no state. Pools and Hashers are immutable and may be used by any
// goroutine; what runs per packet doesn't allocate. It never asks whether a lease is free: that is package
// binding's matter.
package address
