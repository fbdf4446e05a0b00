package sim

import "maps"

// Milliseconds that troubles last at most.
const (
	maxDown  = 400_000
	maxCut   = 300_000
	maxStall = 60_000
)

// plan strews what goes wrong over the time of the trouble.
func (w *world) plan() {
	for range w.Crashes {
		n := w.anyNode()
		w.after(w.rng.Int64N(w.Trouble), n.fail)
	}
	for range w.Partitions {
		p := path{w.rng.IntN(len(w.relays)), w.rng.IntN(len(w.nodes))}
		all := w.rng.IntN(3) == 0
		w.after(w.rng.Int64N(w.Trouble), func() { w.part(p, all) })
	}
	for range w.Stalls {
		n := w.anyNode()
		w.after(w.rng.Int64N(w.Trouble), func() {
			w.stats.Stalls++
			n.disk.stuck = w.now + w.rng.Int64N(maxStall)
			w.note("node %s's disk hangs until %d", n.name, n.disk.stuck)
		})
	}
	if w.Disks {
		for _, n := range w.nodes {
			w.after(w.rng.Int64N(w.Trouble), func() {
				n.disk.copied, n.disk.copiedBeat, n.disk.copiedWhole = maps.Clone(n.disk.values), n.disk.beat, n.disk.whole
			})
		}
	}
}

func (w *world) anyNode() *node { return w.nodes[w.rng.IntN(len(w.nodes))] }

// part keeps a node from a relay's clients, or from all.
func (w *world) part(p path, all bool) {
	w.stats.Partitions++
	long := w.rng.Int64N(maxCut)
	if !all {
		w.cut(p, long)
		return
	}
	for i := range w.relays {
		w.cut(path{i, p.node}, long)
	}
}

// fail lets a node go down and return: with its disk, without, or with a copy that somebody had made of it.
func (n *node) fail() {
	if !n.up {
		return
	}
	n.crash()
	n.after(n.rng.Int64N(maxDown), func() {
		if !n.up && !n.gone {
			n.replace()
			n.boot()
		}
	})
}

// replace gives the node another disk, if disks may be lost.
func (n *node) replace() {
	if !n.Disks {
		return
	}
	switch n.rng.IntN(4) {
	case 0:
		n.stats.LostDisks++
		n.disk = newDisk()
		n.note("node %s has lost its disk", n.name)
	case 1:
		if n.disk.copied == nil {
			return
		}
		n.stats.Copies++
		n.disk = &disk{values: maps.Clone(n.disk.copied), copied: n.disk.copied, beat: n.disk.copiedBeat, whole: n.disk.copiedWhole, beaten: true, begun: -1}
		n.note("node %s returns with an old copy of its disk", n.name)
	default:
		return
	}
	clear(n.memory.told)
}

// quiet ends the trouble: the network carries everything, and all nodes live that are going to.
func (w *world) quiet() {
	w.troubled = false
	w.note("the trouble is over")
	staying := w.rng.IntN(len(w.nodes))
	for i, n := range w.nodes {
		if w.Farewell && i != staying && w.rng.IntN(2) == 0 {
			n.crash()
			n.gone = true
		}
		n.boot()
	}
}
