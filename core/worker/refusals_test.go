package worker_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// refusing starts a worker that keeps some of its refusals.
func refusing(t *testing.T, entries int) *bench {
	t.Helper()
	return start(t, nil, func(o *worker.Options) { o.Refusals = worker.NewRefusals(entries) })
}

// nowhere is client n's Solicit from a link that isn't configured.
func nowhere(n byte) worker.Datagram {
	d := relayed(solicit(n))
	d.Data[2+5] = 0xee // of the link-address
	return d
}

func kept(r *worker.Refusals) (all []worker.Refusal) {
	r.Each(func(f *worker.Refusal) bool {
		all = append(all, *f)
		return true
	})
	return all
}

// TestRefusals: what was refused is kept with whom it befell; what was answered, or is a peer's business, isn't.
func TestRefusals(t *testing.T) {
	b := refusing(t, 8)
	old := relayed(solicit(4))
	old.Arrival = now - worker.MaxWait - 1
	foreign := message(3, wire.Request, []byte{0, 3, 0, 1, 9})
	b.step(solicit(1), solicit(200))
	b.step(message(2, wire.Release, serverID), foreign, worker.Datagram{Data: []byte{255, 0, 0, 0}, Destination: groupAll}, old)
	b.step(nowhere(5), worker.Datagram{Data: []byte{1}, Source: [16]byte{9}, Destination: groupAll, Listen: 1})
	duid := func(n byte) []byte { return []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, n} }
	client, relay := netip.MustParseAddr("fe80::1").As16(), netip.MustParseAddr("2001:db8:1::1").As16()
	elsewhere := relay
	elsewhere[5] = 0xee
	want := []worker.Refusal{
		{Drop: wire.DropTruncated, Listen: 1, Source: [16]byte{9}, Asker: engine.Asker{Peer: [16]byte{9}, Link: -1}},
		{Type: wire.Solicit, Drop: wire.DropNoLink, Listen: 1, Source: relay, Asker: engine.Asker{
			DUID: duid(5), Peer: client, LinkAddress: elsewhere, Relayed: true, Link: -1,
		}},
		{Type: wire.Solicit, Drop: wire.DropOverload, Listen: 1, Source: relay, Asker: engine.Asker{
			DUID: duid(4), Peer: client, LinkAddress: relay, Relayed: true, Link: -1,
		}},
		{Type: wire.Release, Status: wire.StatusNoBinding, Listen: 1, Source: client, Asker: engine.Asker{DUID: duid(2), Peer: client}},
		{Type: wire.Request, Drop: wire.DropForeignServer, Listen: 1, Source: client, Asker: engine.Asker{DUID: duid(3), Peer: client}},
	}
	got := kept(b.Refusals)
	for i := range got {
		if got[i].At != now {
			t.Errorf("kept as of %d, want %d", got[i].At, now)
		}
		got[i].At = 0
		a := &got[i].Asker
		for _, view := range []*[]byte{&a.DUID, &a.LinkLayer, &a.InterfaceID, &a.PoolName} {
			if len(*view) == 0 {
				*view = nil
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	if total, skipped := b.Refusals.Total(), b.Refusals.Skipped(); total != 5 || skipped != 0 {
		t.Errorf("%d in all, %d left out; want 5 and none", total, skipped)
	}
}

// TestRefusalsByName: what a relay asked for in vain is kept, as far as there is room, and counted.
func TestRefusalsByName(t *testing.T) {
	b := refusing(t, 2)
	const name = "a name of more than thirty-two octets"
	d := relayed(solicit(1))
	value := wire.AppendOption([]byte{0, 0, 0x19, 0x7f}, 1, []byte(name))
	d.Data = wire.AppendOption(d.Data, wire.OptionVendorInformation, value)
	b.step(d)
	got := kept(b.Refusals)
	if len(got) != 1 || got[0].Lack != engine.LackName || string(got[0].Asker.PoolName) != name[:32] || !bytes.Equal(got[0].Asker.DUID, []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}) {
		t.Errorf("kept %+v", got)
	}
	if n := b.Counters.Lacked(engine.LackName); n != 1 {
		t.Errorf("%d counted, want 1", n)
	}
}

// TestRefusalsAreBounded: the newest win, and of very many in a second some are only counted.
func TestRefusalsAreBounded(t *testing.T) {
	b := refusing(t, 4)
	for n := range worker.RefusalRate + 10 {
		b.step(nowhere(byte(n)))
	}
	var last []byte
	for _, f := range kept(b.Refusals) {
		last = append(last, f.Asker.DUID[9])
	}
	if want := []byte{255, 254, 253, 252}; string(last) != string(want) {
		t.Errorf("kept %v, want %v", last, want)
	}
	if total, skipped := b.Refusals.Total(), b.Refusals.Skipped(); total != worker.RefusalRate+10 || skipped != 10 {
		t.Errorf("%d in all, %d left out; want %d and 10", total, skipped, worker.RefusalRate+10)
	}
}

// TestRefusalsOthersWait: silence that is usual doesn't push out what isn't.
func TestRefusalsOthersWait(t *testing.T) {
	b := refusing(t, 2)
	b.step(message(1, wire.Release, serverID))
	for n := range byte(9) {
		b.step(message(n, wire.Request, []byte{0, 3, 0, 1, 9}))
	}
	if got := kept(b.Refusals); len(got) != 3 || got[0].Status != wire.StatusNoBinding {
		t.Errorf("kept %+v, want one refusal and two that are another server's", got)
	}
}

// TestRefusalsCutWhatIsTooLong keeps what fits of a relay's words.
func TestRefusalsCutWhatIsTooLong(t *testing.T) {
	b := refusing(t, 2)
	d := message(1, wire.Release, serverID)
	link := netip.MustParseAddr("2001:db8:1::1").As16()
	outer := append([]byte{byte(wire.RelayForward), 0}, link[:]...)
	outer = append(outer, d.Source[:]...)
	outer = wire.AppendOption(outer, wire.OptionInterfaceID, make([]byte, 100))
	outer = wire.AppendOption(outer, wire.OptionClientLinkLayer, make([]byte, 22))
	d.Data = wire.AppendOption(outer, wire.OptionRelayMessage, d.Data)
	d.Destination = server
	b.step(d)
	got := kept(b.Refusals)
	if len(got) != 1 || len(got[0].Asker.InterfaceID) != 32 || len(got[0].Asker.LinkLayer) != 8 || len(got[0].Asker.DUID) != 10 {
		t.Errorf("kept %+v, want an Interface-ID of 32 octets and a link-layer address of 8", got)
	}
}

// TestRefusalsAreReadWhileTheyAreWritten: a reader never sees half of one entry and half of another.
func TestRefusalsAreReadWhileTheyAreWritten(t *testing.T) {
	b := refusing(t, 2)
	over := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				b.Refusals.Each(func(f *worker.Refusal) bool {
					a, n := &f.Asker, f.Asker.DUID[9]
					// What is the same in each message is so here, and what differs differs as one.
					if len(a.DUID) != 10 || binary.BigEndian.Uint32(a.DUID) != 0x00030001 || a.Peer[15] != n || f.Source[15] != n {
						t.Errorf("DUID %x with peer %x from %x", a.DUID, a.Peer, f.Source)
						return false
					}
					return true
				})
			}
		})
	}
	for n := range worker.RefusalRate {
		d := nowhere(byte(n))
		d.Source[15], d.Data[2+16+15] = byte(n), byte(n) // and the peer-address
		b.step(d)
	}
	close(over)
	readers.Wait()
}
