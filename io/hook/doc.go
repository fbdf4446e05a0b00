// Package hook makes receivers follow the bindings: programs that are run, and URLs that are posted to.
//
//	changed leases -> Runner.Put -> queue of leases, not of events
//	                                  | whose turn it is: what stands now is asked of the Source
//	                                  v
//	                  Target.Send: a program run for one event, or a POST of many
//
// It is told which leases changed, and tells what stands: a lease that changes often while its receiver is away costs one entry
// and one event. A whole list, from list-begin to list-end, puts right whatever a receiver has missed.
package hook
