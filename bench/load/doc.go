// Package load plays DHCPv6 clients behind relays: `lockstep6 bench` and `lockstep6 demo` use it, and so do the benchmarks.
//
// Each client has its own DUID, IAIDs and link-local address. A relay is one UDP socket; it wraps its clients'
// messages in a Relay-forward and copies each to every server, as relays do (RFC 6853, Section 5.2). Relays are spread
// over sites, one for each core, which share nothing:
//
//	Generator -> sites, each some relays' sockets and two goroutines:
//	               receive: Receive -> parse -> machine.hear   -> next message, or the next client
//	               clock:   sleep   ->          machine.expire -> retransmission, or the next client
//
// Who is the next client, and when, is decided in one of two ways:
//
//	Run    closed loop: each client does a task once. The window of exchanges under way widens while answers come and
//	       halves when a message must be sent again, so that a generator finds what the servers can do instead of
//	       drowning them.
//	Offer  open loop: exchanges begin by a schedule (schedule.go), whatever is answered, and clients take turns
//	       (stream.go). Latency counts from the schedule, so that a server that stalls can't hide.
//
// A machine (machine.go) is the client's side of RFC 9915, Section 18.2: pure, without sockets or clock.
//
// Nothing is allocated per message.
package load
