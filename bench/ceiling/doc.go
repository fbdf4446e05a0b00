// Package ceiling measures what the parts of a node could do alone, in the run in which the node is measured: a bare echo of
// the sizes of a relayed exchange over io/udp's sockets, Pebble writing a node's batches, and the table of bindings.
// No figure of a node means much without its share of these.
package ceiling
