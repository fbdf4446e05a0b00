package peer

import (
	"math/bits"
	"sync/atomic"
)

// Ports counts bindings by relay port. It is a table of open addressing in which a port keeps its place for good, so a
// look-up takes no lock; where it is full, or there is none, nothing is counted and no limit holds.
//
// A word is tag << 20 | count. Invariant: of one port there is at most one word. A port's word is made by a swap of
// 0 in the first free place of its run, and no word becomes 0 again, so two makers meet at the same place.
type Ports struct {
	words   []atomic.Uint64
	full    atomic.Uint64
	refused atomic.Uint64
}

const (
	portCountBits = 20
	portCountMask = 1<<portCountBits - 1
	portTries     = 64
)

// NewPorts makes a table for so many ports; 0: none is counted.
func NewPorts(ports int) *Ports {
	if ports == 0 {
		return &Ports{}
	}
	return &Ports{words: make([]atomic.Uint64, 1<<bits.Len(uint(2*ports-1)))}
}

// Idle tells that nothing is counted.
func (p *Ports) Idle() bool { return len(p.words) == 0 }

// place finds the port's word, and makes it where make is set. nil: there is none.
func (p *Ports) place(port uint64, make bool) *atomic.Uint64 {
	if len(p.words) == 0 || port == 0 {
		return nil
	}
	mask := uint64(len(p.words) - 1)
	tag := port | 1<<(portCountBits) // never 0
	tag &^= portCountMask
	for i := range uint64(portTries) {
		word := &p.words[(port*0x9e3779b97f4a7c15>>20+i)&mask]
		old := word.Load()
		for old == 0 {
			if !make {
				return nil
			}
			if word.CompareAndSwap(0, tag) {
				return word
			}
			old = word.Load()
		}
		if old&^portCountMask == tag {
			return word
		}
	}
	if make {
		p.full.Add(1)
	}
	return nil
}

// Add counts a binding more (1) or less (-1) at a port; port 0 is none.
func (p *Ports) Add(port uint64, n int) {
	word := p.place(port, n > 0)
	if word == nil {
		return
	}
	for {
		old := word.Load()
		if count := int(old & portCountMask); count+n < 0 || count+n > portCountMask {
			return
		}
		if word.CompareAndSwap(old, old+uint64(n)) {
			return
		}
	}
}

// Count is how many bindings the port has.
func (p *Ports) Count(port uint64) int {
	if word := p.place(port, false); word != nil {
		return int(word.Load() & portCountMask)
	}
	return 0
}

// Uncounted is how often a port found no place.
func (p *Ports) Uncounted() uint64 { return p.full.Load() }

// Refuse counts a claim that wasn't believed because its port has too many.
func (p *Ports) Refuse() { p.refused.Add(1) }

// Refused is how many claims weren't believed.
func (p *Ports) Refused() uint64 { return p.refused.Load() }
