package limit

import (
	"encoding/binary"
	"time"
)

// Floods finds out whose messages are refused by the thousand while others' are lost, so that the socket can throw most of them away before they cost
// the worker a reading: what it spends on them it lacks for the others, and what it doesn't get to the kernel drops, of all in proportion. One worker
// owns it.
//
// Of each second's refusals the most frequent senders are kept (Misra and Gries: who sends more than a ninth of them is among them), and how
// many of their messages were admitted. A sender that offers floodRate or more, of which less than a quarter is admitted, is held to twice of what is:
// the limits go on to choose, and tell from one second to the next how much it sends and what it may. When it stops, or is admitted, that ends. Nobody
// begins to be held but while messages are lost for want of time.
//
// Behind a relay the flood of one client isn't that of all the others: where some clients make half of what is refused of the relay, they are held alone.
type Floods struct {
	turn    int64 // the current second
	lost    int64 // the second in which messages were lost last
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
	Later        bool // messages that may wait for others (queue by urgency): nobody's Renews are thrown away for Solicits
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
	floodGrows   = 4    // times what it was in a second: if it seems to be more, the share wasn't in force
	floodPause   = 2    // seconds without a message behind which nothing is held
)

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

// Lost notes that messages were lost for want of time; now is in nanoseconds.
func (f *Floods) Lost(now int64) { f.lost = now / int64(time.Second) }

// Refused notes that a message was refused because of its sender's rate or share, or, own, because of its client's: behind a relay that is nothing
// against the relay. Now is in nanoseconds.
func (f *Floods) Refused(flow *Flow, own bool, now int64) {
	if own && !flow.Relayed && flow.Interface == 0 {
		return // of a client behind several relays nothing tells its messages from others'
	}
	if f.turn == 0 {
		f.turn = now / int64(time.Second)
	}
	if !own || !flow.Relayed {
		source := flow.source()
		f.sources.refused(&source, source.key())
	}
	if flow.Relayed {
		f.peers.refused(flow, flow.key())
	}
}

// Unheld notes that nothing is held, whatever Settle returned.
func (f *Floods) Unheld() {
	for i := range f.sources {
		f.sources[i].keep, f.peers[i].keep = 0, 0
	}
}

// Settle ends a second: it returns the floods of which a share only is to be read from now on, and whether the second was over. What it
// returns is good until the next call. Thrown is how many messages weren't read, as the share that was tells.
func (f *Floods) Settle(now int64) (floods []Flood, thrown uint64, over bool) {
	second := now / int64(time.Second)
	if f.turn == 0 || second == f.turn {
		return nil, 0, false
	}
	if second > f.turn+floodPause {
		*f = Floods{lost: f.lost}
		return nil, 0, true
	}
	f.turn = second
	begins := second <= f.lost+floodPause
	var unread [trackedFlows]uint64 // of each peer
	for i := range f.peers {
		unread[i] = f.peers[i].judge(0, begins)
		thrown += unread[i]
	}
	floods = f.flows[:0]
	for i := range f.sources {
		s := &f.sources[i]
		theirs, all := f.ofPeers(&s.flow, &unread)
		if theirs > 0 && theirs*2 >= s.refused+s.thrown()+all {
			thrown += s.thrown()
			s.keep = 0
			continue
		}
		f.release(&s.flow)
		thrown += s.judge(all, begins)
		floods = hold(floods, s)
	}
	for i := range f.peers {
		floods = hold(floods, &f.peers[i])
	}
	f.forget()
	return floods, thrown, true
}

// ofPeers is how many messages clients of a source that are to be held have sent, and how many of all its clients weren't read.
func (f *Floods) ofPeers(source *Flow, unread *[trackedFlows]uint64) (theirs, all uint64) {
	for i := range f.peers {
		if t := &f.peers[i]; t.flow.source() == *source {
			all += unread[i]
			if t.keep != 0 {
				theirs += t.refused + unread[i]
			}
		}
	}
	return theirs, all
}

// release has no client of a source held alone.
func (f *Floods) release(source *Flow) {
	for i := range f.peers {
		if t := &f.peers[i]; t.keep != 0 && t.flow.source() == *source {
			t.keep = 0
		}
	}
}

// hold adds a flow that is to be held, where there is room.
func hold(floods []Flood, t *tracker) []Flood {
	switch {
	case t.keep == 0:
	case len(floods) < trackedFlows:
		floods = append(floods, Flood{t.flow, t.keep})
	default:
		t.keep = 0
	}
	return floods
}

// forget begins a second, and is idle again where nobody is refused or held.
func (f *Floods) forget() {
	busy := false
	for i := range f.sources {
		for _, t := range [...]*tracker{&f.sources[i], &f.peers[i]} {
			busy = busy || t.refused > 0 || t.keep != 0
			t.refused, t.admitted = 0, 0
		}
	}
	if !busy {
		*f = Floods{lost: f.lost}
	}
}

// source is the flow of all messages of the flow's source.
func (f *Flow) source() Flow { return Flow{Source: f.Source, Interface: f.Interface, Later: f.Later} }

// key is a number that few other flows have. It only saves comparisons, so nobody gains by choosing one that others have.
func (f *Flow) key() uint64 {
	key := uint64(f.Interface)
	for _, half := range [...][]byte{f.Source[:8], f.Source[8:], f.Peer[:8], f.Peer[8:]} {
		key = (key ^ binary.NativeEndian.Uint64(half)) * 0x9e3779b97f4a7c15
		key ^= key >> 32
	}
	return key
}
