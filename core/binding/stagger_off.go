//go:build !race && !invariants

package binding

// stagger marks a place where an interleaving matters. Here it is nothing; see stagger_on.go.
func stagger() {}
