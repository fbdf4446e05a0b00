package udp

// A linkTable maps the kernel's interface indexes to configured interfaces. It never changes once published.
type linkTable struct {
	indexes []uint32 // ascending
	listens []uint16 // 1 + position in Config.Interfaces, by position in indexes
}

// listen returns 1 + the position of a configured interface, or 0.
func (t *linkTable) listen(index uint32) uint16 {
	low, high := 0, len(t.indexes)
	for low < high {
		middle := (low + high) / 2
		if t.indexes[middle] < index {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(t.indexes) && t.indexes[low] == index {
		return t.listens[low]
	}
	return 0
}
