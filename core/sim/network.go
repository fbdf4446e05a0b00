package sim

// Milliseconds that a datagram takes.
const (
	hop     = 5    // at most, usually
	laggard = 4000 // at most, where it lags behind
)

// A datagram is what arrives at a node.
type datagram struct {
	data   []byte
	source [16]byte
	port   uint16
	direct bool   // the client itself sent it, by multicast
	duid   string // who sent it: for the Ledger's eyes only
	relay  int    // where replies go
	at     *port
}

// A reply is what a node answers, and what it knew when it did.
type reply struct {
	data    []byte
	node    *node
	to      *datagram
	decided int64
	answer  *answer
	changes []change  // what was written for it
	breach  string    // what is wrong with it, if the client takes it
	heard   []claimed // others' claims to what it grants that had reached the node
	renews  []claimed // what the node had granted the client before
	decides []claimed // others' bindings that it ended as the losers of a conflict
}

// carry lets something arrive after a while: not at all, twice or late, as long as there is trouble.
func (w *world) carry(arrive func()) {
	if w.troubled && w.rng.IntN(1000) < w.Loss {
		w.stats.Lost++
		return
	}
	w.after(w.delay(), arrive)
	if w.troubled && w.rng.IntN(1000) < w.Duplication {
		w.after(w.delay(), arrive)
	}
}

func (w *world) delay() int64 {
	if w.troubled && w.rng.IntN(1000) < w.Straggling {
		return w.rng.Int64N(laggard)
	}
	return 1 + w.rng.Int64N(hop)
}

// A path is what lies between a relay, or the link itself, and a node.
type path struct{ relay, node int }

// cut keeps a node and a relay apart for a while.
func (w *world) cut(p path, milliseconds int64) {
	w.cuts[p] = max(w.cuts[p], w.now+milliseconds)
	w.note("cut relay %d from node %d for %d ms", p.relay, p.node, milliseconds)
}

func (w *world) reaches(p path) bool { return !w.troubled || w.cuts[p] <= w.now }

// toNode carries a datagram from a relay, or the link, to a node.
func (w *world) toNode(d *datagram, n *node) {
	w.carry(func() {
		if w.reaches(path{d.relay, n.index}) {
			n.arrive(d)
		}
	})
}

// fromNode carries a reply back to where its message came from.
func (w *world) fromNode(r *reply) {
	d := r.to
	w.carry(func() {
		switch {
		case !w.reaches(path{d.relay, r.node.index}):
		case d.direct:
			d.at.host.receive(r, r.data)
		default:
			w.relays[d.relay].backward(r)
		}
	})
}
