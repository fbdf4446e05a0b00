// Package ddns speaks DNS: it brings updates to the servers of a zone (RFC 2136), signs them and verifies the answers (RFC 8945),
// reads zones, and works off the queue of tasks.
//
//	Client:  the servers of each zone: one update or query in, an answer or why there is none out
//	Updater: tasks from the queue -> upkeep.Plan -> upkeep.Run -> Client; what DNS has confirmed leaves the queue
//
// What an update is and what follows from its answer is decided in core/upkeep. Nothing here is on the packet path, and nothing
// waits for a DNS server but the tasks of its zones.
package ddns
