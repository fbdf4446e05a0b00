// Package pair runs `lockstep6 serve` as children of a benchmark, on loopback and without root: one process for each node, with a folder
// of its own for its configuration, its log and its store. bench/catchup and bench/soak measure them.
package pair
