// Package leasequery tells others what a node knows of its clients, and asks others for it: by UDP (RFC 5007), in bulk by TCP
// (RFC 5460) and as a stream of changes (RFC 7653).
//
//	Responder: one query in, messages out; UDP.
//	Server:    TCP connections around a Responder: bulk and active, TLS, limits.
//	Requestor: the other side, for the command and for a node that catches up.
//
// The bindings come from a Source. Nothing here is on the packet path, and nothing waits for a slow reader but the reader's
// own connection.
package leasequery
