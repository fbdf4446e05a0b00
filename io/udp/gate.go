package udp

import (
	"math"
	"sync/atomic"
)

// A gate stands before a worker's descriptors in one direction, and says when nobody is behind it.
//
// The state is the number of those inside, plus shutState once the gate is shut: negative means shut,
// and exactly shutState means shut and empty. Who brings it to shutState leaves a token in empty,
// which wait takes; Server calls shut and wait once each. A closed descriptor's number is soon another
// file's, so that no system call may begin after wait.
type gate struct {
	state atomic.Int64
	empty chan struct{}
}

const shutState = math.MinInt64 / 2

func (g *gate) open() { g.empty = make(chan struct{}, 1) }

// enter says whether the gate is open; if so, leave must follow.
func (g *gate) enter() bool {
	if g.state.Add(1) < 0 {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.state.Add(-1) == shutState {
		g.signal()
	}
}

func (g *gate) isShut() bool { return g.state.Load() < 0 }

func (g *gate) shut() {
	if g.state.Add(shutState) == shutState {
		g.signal()
	}
}

// wait returns when the gate, which is shut, is empty.
func (g *gate) wait() { <-g.empty }

// signal leaves a token, if none lies there: late callers of enter may bring the state to shutState again.
func (g *gate) signal() {
	select {
	case g.empty <- struct{}{}:
	default:
	}
}
