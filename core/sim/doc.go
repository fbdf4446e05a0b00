// Package sim plays the whole system in virtual time: nodes over their tables and disks, relays and a network between
// them and their clients, and all that can go wrong. One seed is one history, to the octet.
//
//	client -> port -> relay -> network -> node: Engine -> disk -> network -> relay -> port -> client
//	  |                                           |         |                                   |
//	  +---------------- the Ledger sees what was sent, decided, stored and taken ---------------+
//
// Some clients follow RFC 9915 to the letter, some are rude, and some are attackers, who know every lease and every
// server but not another client's DUID. The Ledger holds the history against the promises of the project (see
// ledger.go) and notes what breaks one; the program's tests run many seeds, and break a rule on purpose to see that
// each promise is watched.
//
// Nothing here reads a clock, starts a goroutine or touches a disk. So the nodes drive their engines themselves, as
// package worker does (a batch has one time, one policy and one mark, and replies leave when its write is durable):
// a Worker is two goroutines that wait for one another, and what they do next is the scheduler's choice, not the seed's.
// Node.go is the only file that knows how an engine is made and driven.
package sim
