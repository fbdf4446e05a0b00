// Package store keeps bindings on disk. It is the worker's Journal over Pebble, an embedded LSM tree:
// changes come in as opaque octets (core/binding makes them), are synced in groups, and are confirmed
// through each write's Done channel. It never decides about a lease, never looks into a value beyond its
// version, and never reads on the packet path. The daemon opens it; workers append; commands read it.
//
//	Append -> queue -> committer: one value of the log, one sync -> Done
//	            ^                        |                   |
//	            +---- rewritten first ---+                   +-> absorber: sorted tables -> the base
//	                  the instance broke: fuse blown, abandoned, replaced
//
// # Invariants
//
//  1. A write is in exactly one of three places until it is confirmed: the queue, a group being committed,
//     or the list of what a broken instance held. It leaves only when a sync that covers it has returned.
//  2. Of two values for one key the one with the higher version stands, in whatever order they were committed, and
//     wherever they are: log and base are merged by version (merged.go), and so are values in the base. Only old
//     removals are deleted, when nothing older is left in the log (sweep.go).
//  3. Pebble never learns of a failed write, save of a table's, which it repeats. The failing operation blows the
//     fuse of its instance and never returns; from then on nothing that belongs to that instance touches the
//     directory. Pebble's own answers to such a failure are to end the process, or to panic with a lock released
//     that a deferred call will release again, which no recover survives.
//     What an instance has synced of Pebble's manifest and log a witness says; who opens the store holds them against it first (witness.go, intact.go).
//  4. Store.mu is taken below Pebble's locks (its callbacks hold them), so no code calls Pebble with Store.mu held.
//  5. A broken instance is never waited for, nor closed: goroutines of it are parked for good, with Pebble's
//     locks. What it leaks is its memtables, at most once per failure. Whoever calls the store returns, with an error. So an instance
//     isn't opened before the disk took a probe, and one that opens waits for tables that can't be written, instead of being opened anew.
package store
