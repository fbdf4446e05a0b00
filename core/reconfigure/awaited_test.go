package reconfigure

import (
	"sync"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestAwaited: what a client says counts while it is awaited, by type; what others say doesn't.
func TestAwaited(t *testing.T) {
	var a Awaited
	one, two := Hash(7, []byte("one")), Hash(7, []byte("two"))
	if one == Hash(8, []byte("one")) || one == two {
		t.Fatal("the hash knows neither seed nor DUID")
	}
	a.Hear(one, wire.Renew)
	if a.Any() || a.Heard(one, wire.Renew) {
		t.Error("nobody is awaited")
	}
	if !a.Await(one) || a.Await(one) || !a.Any() {
		t.Error("a client is awaited once")
	}
	a.Hear(two, wire.Renew)
	a.Hear(one, wire.Rebind)
	if a.Heard(one, wire.Renew) || !a.Heard(one, wire.Rebind) {
		t.Error("want a Rebind, and no Renew")
	}
	a.Forget(one)
	a.Forget(one)
	if a.Any() || a.Heard(one, wire.Rebind) {
		t.Error("it is awaited after it was forgotten")
	}
	if !a.Await(one) || a.Heard(one, wire.Rebind) {
		t.Error("what came before counts")
	}
}

// TestAwaitedMany: there is room for as many as there must be, and a full bucket says so.
func TestAwaitedMany(t *testing.T) {
	var a Awaited
	refused := 0
	for n := range uint64(MaxAwaited) {
		if !a.Await(Hash(1, []byte{byte(n), byte(n >> 8)})) {
			refused++
		}
	}
	if refused > MaxAwaited/20 {
		t.Errorf("%d of %d find no room", refused, MaxAwaited)
	}
	full := 0
	for n := range uint64(bucketSlots + 1) {
		if !a.Await(8 + n<<40*awaitedBuckets) {
			full++
		}
	}
	if full == 0 {
		t.Error("a bucket takes more than it has slots")
	}
}

// TestAwaitedAtOnce: messages are heard while clients come and go. It is for the race detector.
func TestAwaitedAtOnce(t *testing.T) {
	var a Awaited
	var group sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					a.Hear(16, wire.Renew)
				}
			}
		})
	}
	heard := 0
	for heard < 10 {
		a.Await(16)
		for !a.Heard(16, wire.Renew) {
			a.Hear(16, wire.Rebind)
		}
		heard++
		a.Forget(16)
	}
	close(done)
	group.Wait()
	if a.Any() {
		t.Error("somebody is awaited")
	}
}

// TestAwaitedAfterAnother: what is heard of a client that is forgotten at that moment doesn't count for the next one in its slot.
func TestAwaitedAfterAnother(t *testing.T) {
	const one, other = 8, 8 + awaitedBuckets*8
	var a Awaited
	a.Await(one)
	slot, word := a.find(one) // somebody hears it, and comes to its slot
	a.Forget(one)
	a.Await(other)
	if now, _ := a.find(other); now != slot {
		t.Fatal("the two don't have the same slot")
	}
	if slot.CompareAndSwap(word, word|heardBit(wire.Renew)) || a.Heard(other, wire.Renew) {
		t.Error("one's Renew counts for the other")
	}
}
