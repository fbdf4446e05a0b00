// Package agreement is a Monte Carlo of the rule of agreement in dense pools: how often do servers that choose leases
// without asking each other give one lease to two clients, when some of them don't see what others granted?
//
// The model has no sockets and no time. Clients come one by one, each to one node; the node grants a slot that it
// believes free, and every other node sees the grant or misses it for ever. Nothing is released, renewed or
// corrected. Candidates, stripes and spills are core/address's own, and the maps of free slots core/binding's.
//
//	Setup -> Run -> Counts -> Study (many seeds, both cores) -> CSV -> Markdown, SVG
//
// docs/agreement.md shows the results; `make agreement` computes them again.
package agreement
