//go:build !linux || race

package binding

import "unsafe"

// mapMemory takes size octets of zeroed memory from the Go heap, where the race detector sees every access.
// It holds no pointers, so the garbage collector doesn't walk it.
func mapMemory(size int) ([]byte, error) {
	words := make([]uint64, (size+7)/8) // words, for the alignment
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size), nil
}

// unmapMemory leaves the memory to the garbage collector.
func unmapMemory([]byte) error { return nil }
