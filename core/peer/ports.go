package peer

import (
	"math/bits"
	"sync/atomic"
)

// Ports counts bindings by relay port, or by whatever else a number stands for: nothing here depends on what. It is a table of open
// addressing; a look-up takes no lock. Where it is full, or there is none, nothing is counted and no limit holds.
//
// A word is tag << 20 | count. A word whose count is 0 is free for another port, so ports that have gone take no room; but no word becomes 0
// again, so a port's run of words ends where a 0 is. Two that make the same port at once may do so in two places: all words of a
// port together are its count.
//
// A signed table counts below 0 as well, so that it comes out right whichever of two goroutines tells first: who ends a binding, or who made it.
type Ports struct {
	signed  bool
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

// NewSignedPorts makes a signed table. A port can have half a million bindings.
func NewSignedPorts(ports int) *Ports {
	p := NewPorts(ports)
	p.signed = true
	return p
}

// Idle tells that nothing is counted.
func (p *Ports) Idle() bool { return len(p.words) == 0 }

// tagOf is what a port's words have above their counts; never 0.
func tagOf(port uint64) uint64 { return (port | 1<<portCountBits) &^ portCountMask }

// at is the i-th word of the port's run.
func (p *Ports) at(port uint64, i int) *atomic.Uint64 {
	return &p.words[(port*0x9e3779b97f4a7c15>>20+uint64(i))&uint64(len(p.words)-1)]
}

// Add counts a binding more (1) or less (-1) at a port; port 0 is none.
func (p *Ports) Add(port uint64, n int) {
	if len(p.words) == 0 || port == 0 {
		return
	}
	for !p.add(port, n) {
	}
}

// add tries it once. False: another goroutine was faster.
func (p *Ports) add(port uint64, n int) bool {
	tag := tagOf(port)
	var free *atomic.Uint64
	var was uint64
	for i := range portTries {
		word := p.at(port, i)
		old := word.Load()
		count := int(old & portCountMask)
		switch {
		case old&^portCountMask == tag && (p.signed || count+n >= 0 && count+n <= portCountMask):
			return word.CompareAndSwap(old, tag|uint64(count+n)&portCountMask)
		case count == 0 && free == nil:
			free, was = word, old
		}
		if old == 0 {
			break
		}
	}
	switch {
	case n < 0 && !p.signed:
		return true // it wasn't counted
	case free == nil:
		p.full.Add(1)
		return true
	default:
		return free.CompareAndSwap(was, tag|uint64(n)&portCountMask)
	}
}

// Count is how many bindings the port has.
func (p *Ports) Count(port uint64) (n int) {
	if len(p.words) == 0 || port == 0 {
		return 0
	}
	tag := tagOf(port)
	for i := range portTries {
		word := p.at(port, i).Load()
		if word == 0 {
			break
		}
		if word&^portCountMask == tag {
			n += p.countIn(word)
		}
	}
	return max(n, 0)
}

// countIn is the count in a word.
func (p *Ports) countIn(word uint64) int {
	count := int(word & portCountMask)
	if p.signed && count > portCountMask/2 {
		count -= portCountMask + 1
	}
	return count
}

// Uncounted is how often a port found no place.
func (p *Ports) Uncounted() uint64 { return p.full.Load() }

// Refuse counts a claim that wasn't believed because its port has too many.
func (p *Ports) Refuse() { p.refused.Add(1) }

// Refused is how many claims weren't believed.
func (p *Ports) Refused() uint64 { return p.refused.Load() }
