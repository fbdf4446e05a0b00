// Package history tells who had a lease when. It makes entries of changes of bindings, which the store keeps, and periods of a
// lease's entries and its present binding. It is pure, and knows nothing of how entries are kept.
//
// A period is the time in which one client had a lease from one node, at one place and in one state. A lease has at most one
// record at a time (core/binding), and the record of a next period replaces that of the one before; so the change that
// does so tells both what begins and what ends, and no other change need be looked at:
//
//	grant, renewal, renewal,   other client's grant,   ..., removal
//	began                      ended, began                 ended
//
// An entry depends on its change alone. So the same change, read again after a crash, gives the same entries; and changes may
// be read in any order.
package history
