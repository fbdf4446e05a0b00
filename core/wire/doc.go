// Package wire reads DHCPv6 messages as views over a received datagram and writes them by appending to a buffer.
//
//	datagram  | Relay-forward | options | Relay Message | ... | Solicit | options |
//	             Packet.Relays[0]                              Packet.Message
//
// Parse checks the framing of everything and the lengths of what a server reads, once; what it hands out are
// slices of the datagram, valid as long as that is. The encoder opens an option, lets its content be appended and
// patches the length when it is closed.
//
// Nothing here allocates, keeps state between packets, opens sockets or knows a policy. The worker's engine calls it
// for each datagram, so hostile input must cost little: there is no recursion, and everything that repeats has a limit.
package wire
