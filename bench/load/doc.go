// Package load plays DHCPv6 clients behind relays: `lockstep6 demo` uses it, and so do the benchmarks.
//
// Each client has its own DUID, IAIDs and link-local address. A relay is one UDP socket; it wraps its clients'
// messages in a Relay-forward and copies each to every server, as relays do (RFC 6853, Section 5.2).
//
//	Generator.Run -> relays, each a socket and two goroutines:
//	                   receive: Receive -> parse -> machine.hear   -> next message, or the next client
//	                   clock:   tick    ->          machine.expire -> retransmission, or the next client
//
// A machine (machine.go) is the client's side of RFC 9915, Section 18.2: pure, without sockets or clock. The window
// of exchanges under way widens while answers come and halves when a message must be sent again, so that a
// generator finds what the servers can do instead of drowning them.
//
// Nothing is allocated per message.
package load
