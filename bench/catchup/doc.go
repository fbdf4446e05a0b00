// Command catchup measures how fast a node with an empty disk takes in all bindings of a peer, and what that costs the peer meanwhile: two
// real `lockstep6 serve` over loopback.
//
//	node a gets its bindings from bench/load -> a alone: renewals, as many as it can
//	  -> b starts and asks a, under the same load -> a alone again
//
// `make catchup` runs it at the top of the module and writes bench/results. It needs no root. All three programs share the machine's
// processors, so what a loses is also what b and its disk take of them: two machines would lose less. What a itself
// spends on a binding that it tells stands beside it.
package main
