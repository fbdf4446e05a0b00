// Package scale measures one node with many bindings: exchanges per second and what they cost, memory, the start, the store's
// size and pauses, each over the number of bindings; and what one allocation costs in a dense pool that is nearly full.
//
// There are no sockets: a feed hands each worker batches of messages as io/udp would, and takes the replies. All behind
// it is a node's own: workers, engine, table, and the store on disk, put together as the daemon does it. What is
// measured is a fresh process (bench/child), so that its memory and processor time are the node's alone.
//
// The command in measure runs it all and writes bench/results; the benchmarks of this package are the same in small.
package scale
