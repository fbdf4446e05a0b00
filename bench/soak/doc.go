// Command soak has two nodes of one cluster serve for an hour what a day brings, all on loopback and without root, and says whether they
// are then what they were at the beginning: memory, goroutines, threads, descriptors, the store and the latency.
//
//	crowd (bench/load)  cohorts of clients come, renew and rebind, and go: some release, a few decline, most fall silent
//	happenings          kill -9 and return, reloads, drains, backups, one after the other, by `lockstep6`'s own commands
//	ledger              no address of a client's is told to another, moved, taken away, denied; what a killed node had confirmed it lists
//	samples             /proc, the nodes' metrics and the load's latencies, every 10 s
//	verdict             Theil and Sen's slope of each measure, in the longest life of each node, against a bound
//
// A node that is killed forgets its leaks with its memory. So node b is killed in the first half and a in the second: each has a life of half of the
// time, of which the first third is left to warming up.
//
// `make soak` runs it at the top of the module and writes bench/results; its exit code is 1 where a promise was broken or something grew.
package main
