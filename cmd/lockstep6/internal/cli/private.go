package cli

import (
	"syscall"

	"github.com/lockstep6/lockstep6/store"
)

// keepPrivate has all files and folders that the process makes from now on belong to its user alone: a store has who has which lease, and
// the secrets from which keys follow, and what makes its files leaves their mode to the umask.
func keepPrivate() { syscall.Umask(0o077) }

// openStore opens the store of a node that is stopped, to write.
func openStore(data string) (*store.Store, error) {
	keepPrivate()
	return store.Open(store.Options{Path: data})
}
