// Package bench measures the whole server, and beside it, in the same run, what its parts could do alone: the ceilings.
// It has no code but its benchmarks; the load generator is bench/load, and bench/measure, bench/meter and bench/plot are
// what `lockstep6 bench` adds to it. bench/onecore, bench/scale and bench/peers are commands that measure in processes of their
// own. BENCHMARKS.md says what the figures mean.
package bench
