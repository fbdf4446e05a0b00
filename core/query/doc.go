// Package query reads and writes the messages of leasequery: by UDP (RFC 5007), in bulk (RFC 5460) and active (RFC 7653).
//
//	LEASEQUERY -> Read -> Question        who asks for what; a Fault where the standard has a status for it
//	bindings   -> Client -> AppendClient  what is known of one client on one link
//	LEASEQUERY-REPLY, -DATA, -DONE -> ReadAnswer -> Answer   the requestor's side
//
// It looks nothing up and changes nothing: a leasequery never modifies a binding (RFC 5007, Section 4.4.1).
package query
