package limit

import (
	"encoding/binary"
	"time"
)

// Floods finds out whose messages are refused again and again by the thousand, so that the socket can throw most of them away before they cost
// the worker a reading: what it spends on them it lacks for the others, and what it doesn't get to the kernel drops, of all in proportion. One worker
// owns it.
//
// Of each second's refusals the most frequent senders are kept (Misra and Gries: who sends more than a ninth of them is among them), and how
// many of their messages were admitted. A sender that offers floodRate or more, of which less than a quarter is admitted, is held to twice of what is:
// the limits go on to choose, and tell from one second to the next how much it sends and what it may. When it stops, or is admitted, that ends.
//
// Behind a relay the flood of one client isn't that of all the others: where one peer-address has half of the relay's refusals it is held alone.
type Floods struct {
	turn    int64 // the current second
	sources trackers
	peers   trackers
	flows   [trackedFlows]Flood // what Settle returns
}

// A Flow is what messages have in common that belong to one flood: the address that they came from, and for one client behind a relay its
// peer-address. The interface counts where the source is link-local (else it is 0).
type Flow struct {
	Source, Peer [16]byte
	Interface    uint32
	Relayed      bool // Peer counts
}

// A Flood is a flow of which only a share is to be read.
type Flood struct {
	Flow
	Keep uint32 // of each 2³² messages, at random
}

const (
	trackedFlows = 8
	floodRate    = 1000 // messages a second
	floodLeast   = 64   // of them a second are read in any case,
	floodFirst   = 16   // and of a new one's one of so many, since what was admitted of it is known from its first refusal on only
)

type trackers [trackedFlows]tracker

type tracker struct {
	key               uint64 // of the flow: most others have another
	flow              Flow
	refused, admitted uint64 // in this second
	keep              uint32 // 0: it isn't held
}

// Idle tells that nobody was refused lately, so that Admitted need not be told.
func (f *Floods) Idle() bool { return f.turn == 0 }

// Admitted notes that a message was handled.
func (f *Floods) Admitted(flow *Flow) {
	source, key := flow.source(), flow.key()
	f.sources.admitted(&source, source.key())
	if flow.Relayed {
		f.peers.admitted(flow, key)
	}
}

// Refused notes that a message was refused because of its sender's rate or share; now is in nanoseconds.
func (f *Floods) Refused(flow *Flow, now int64) {
	if f.turn == 0 {
		f.turn = now / int64(time.Second)
	}
	source, key := flow.source(), flow.key()
	f.sources.refused(&source, source.key())
	if flow.Relayed {
		f.peers.refused(flow, key)
	}
}

// Settle ends a second: it returns the floods of which a share only is to be read from now on, and whether the second was over. What it
// returns is good until the next call. Thrown is how many messages weren't read, as the share that was tells.
func (f *Floods) Settle(now int64) (floods []Flood, thrown uint64, over bool) {
	second := now / int64(time.Second)
	if f.turn == 0 || second == f.turn {
		return nil, 0, false
	}
	f.turn = second
	floods = f.flows[:0]
	for i := range f.peers {
		t := &f.peers[i]
		thrown += t.thrown()
		if held := t.settle(f.sources.of(t.flow.source())); held && len(floods) < trackedFlows/2 {
			floods = append(floods, Flood{t.flow, t.keep})
		}
	}
	busy := false
	for i := range f.sources {
		t := &f.sources[i]
		alone := f.peers.held(&t.flow)
		thrown += t.thrown()
		if held := t.settle(0); held && !alone && len(floods) < trackedFlows {
			floods = append(floods, Flood{t.flow, t.keep})
		} else if alone {
			t.keep = 0
		}
		busy = busy || t.refused > 0 || t.keep != 0
		t.refused, t.admitted = 0, 0
	}
	for i := range f.peers {
		t := &f.peers[i]
		busy = busy || t.keep != 0
		t.refused, t.admitted = 0, 0
	}
	if !busy {
		*f = Floods{}
	}
	return floods, thrown, true
}

// source is the flow of all messages of the flow's source.
func (f *Flow) source() Flow { return Flow{Source: f.Source, Interface: f.Interface} }

// key is a number that few other flows have. It only saves comparisons, so nobody gains by choosing one that others have.
func (f *Flow) key() uint64 {
	key := uint64(f.Interface)
	for _, half := range [...][]byte{f.Source[:8], f.Source[8:], f.Peer[:8], f.Peer[8:]} {
		key = (key ^ binary.NativeEndian.Uint64(half)) * 0x9e3779b97f4a7c15
		key ^= key >> 32
	}
	return key
}

// settle finds out whether a flow is held from now on; of refusals of its source it must have half.
func (t *tracker) settle(ofSource uint64) (held bool) {
	offered := t.refused + t.admitted + t.thrown()
	held = offered >= floodRate && t.admitted*4 < offered && (t.keep != 0 || t.refused*2 >= ofSource)
	least := uint64(floodLeast)
	if t.keep == 0 {
		least = offered / floodFirst
	}
	t.keep = 0
	if held {
		t.keep = uint32(max(2*t.admitted, least) << 32 / offered)
	}
	return held
}

// thrown is how many messages of the flow weren't read, about.
func (t *tracker) thrown() uint64 {
	if t.keep == 0 {
		return 0
	}
	read := t.refused + t.admitted
	return read<<32/uint64(t.keep) - read
}

// of is how many messages of a flow were refused.
func (s *trackers) of(flow Flow) uint64 {
	for i := range s {
		if s[i].flow == flow {
			return s[i].refused
		}
	}
	return 0
}

// held tells whether a client of the source is held.
func (s *trackers) held(source *Flow) bool {
	for i := range s {
		if s[i].keep != 0 && s[i].flow.source() == *source {
			return true
		}
	}
	return false
}

func (s *trackers) admitted(flow *Flow, key uint64) {
	if t := s.find(flow, key); t != nil {
		t.admitted++
	}
}

func (s *trackers) refused(flow *Flow, key uint64) {
	if t := s.find(flow, key); t != nil {
		t.refused++
		return
	}
	for i := range s {
		if t := &s[i]; t.refused == 0 && t.keep == 0 {
			*t = tracker{key: key, flow: *flow, refused: 1}
			return
		}
	}
	for i := range s {
		if t := &s[i]; t.keep == 0 {
			t.refused--
		}
	}
}

// find is the tracker of a flow; nil: it has none.
func (s *trackers) find(flow *Flow, key uint64) *tracker {
	for i := range s {
		if t := &s[i]; t.key == key && t.flow == *flow && (t.refused > 0 || t.keep != 0) {
			return t
		}
	}
	return nil
}
