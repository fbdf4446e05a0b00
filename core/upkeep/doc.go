// Package upkeep decides what DNS shall hold: which tasks follow from a change of a binding, what is to be done about one, which
// updates that takes (RFC 2136, RFC 4703), and how a zone differs from the bindings. It sends nothing and reads no clock.
//
//	change of a binding -> TaskOf -> the store's queue -> Plan (with the table as it is then) -> Jobs -> Run: updates, step by step
//	all zones and all bindings -> Audit: Differences, with repairs -> tasks again
//
// Why it is so: docs/decisions/0011-dns-follows-bindings.md.
package upkeep
