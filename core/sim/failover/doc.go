// Package failover is a model of DHCPv6 Failover (RFC 8156) for the simulator: a primary and a secondary server that tell each other
// of every binding, after the client has its Reply, and keep lifetimes within the MCLT of what the partner has acknowledged.
//
//	client -> Server.Answer -> lease -> BNDUPD -> Host.Send -> partner: Server.Receive -> BNDREPLY
//	                             |                                        |
//	                           Disk                            State (NORMAL, PARTNER-DOWN, ...)
//
// It exists so that a table can hold our observation against the protocol (docs/failover-protocol.md), and is no start of an
// implementation: messages are structs whose length on the wire is calculated, a Disk is durable at once, and a link has one
// /64 and one pool of prefixes. Left out, as no figure depends on it: Decline, temporary addresses, DNS (Section 9), VPNs, TLS, the
// checks of time skew and of equal configuration.
//
// Where the standard leaves a choice the model takes the one that is better for clients, and says so there.
package failover
