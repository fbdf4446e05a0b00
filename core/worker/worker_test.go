package worker_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

func TestAdvertiseWaitsForNothing(t *testing.T) {
	b := start(t, nil)
	b.step(solicit(1))
	b.wantSent(0, 1)
	if len(b.journal.appended) != 0 {
		t.Error("a Solicit was written")
	}
}

// TestBatches: the number is odd from before the site is taken until it isn't used any more, and even while the worker waits.
func TestBatches(t *testing.T) {
	var inside []uint64
	var b *bench
	ready := make(chan struct{})
	b = start(t, nil, func(o *worker.Options) {
		o.Clock = func() int64 { <-ready; inside = append(inside, b.Batches()); return now }
	})
	close(ready)
	for range 3 {
		before := b.Batches()
		b.step(solicit(1))
		b.wantSent(0, 1)
		if after := b.Batches(); before%2 != 0 || after != before+2 || inside[len(inside)-1] != before+1 {
			t.Errorf("before a batch %d, in it %d, behind it %d", before, inside[len(inside)-1], after)
		}
	}
}

func TestGrantWaitsForItsWrite(t *testing.T) {
	var observed [][]byte
	told := make(chan struct{}, 1)
	b := start(t, func(changes []byte) { observed = append(observed, changes); told <- struct{}{} })
	b.step(request(1))
	b.none("before its write is durable")
	w := <-b.journal.appended
	if w.Count != 1 {
		t.Errorf("%d changes, want 1", w.Count)
	}
	w.Done <- w
	b.wantSent(1, 1)
	<-told
	key, value, rest, err := binding.NextChange(observed[0])
	if err != nil || len(rest) != 0 {
		t.Fatalf("the changes that were observed: %v, %d octets too many", err, len(rest))
	}
	if s, err := binding.DecodeValue(key, value); err != nil || s.State != binding.Bound {
		t.Errorf("observed %+v, %v", s, err)
	}
}

// TestRetransmissionDoesNotOvertake: a Request that comes again while the first one's write is under way waits as well.
func TestRetransmissionDoesNotOvertake(t *testing.T) {
	b := start(t, nil)
	b.step(request(1))
	b.step(request(1))
	b.none("before any write is durable")
	first, second := <-b.journal.appended, <-b.journal.appended
	first.Done <- first
	b.wantSent(1, 1)
	second.Done <- second
	b.wantSent(1, 1)
}

func TestWritesCompleteOutOfOrder(t *testing.T) {
	b := start(t, nil)
	b.step(request(1))
	b.step(request(2))
	first, second := <-b.journal.appended, <-b.journal.appended
	second.Done <- second
	b.wantSent(1, 2)
	b.none("though the first batch isn't durable")
	if b.marks.Durable(engine.NewMark(3, 2)) {
		t.Error("the second batch counts as durable while the first is missing")
	}
	first.Done <- first
	b.wantSent(1, 1)
	if !b.marks.Durable(engine.NewMark(3, 2)) {
		t.Error("both are durable and the second doesn't count as that")
	}
}

// TestDeliveredTogether: what became durable while Deliver was at work leaves by one Send, two batches at most.
func TestDeliveredTogether(t *testing.T) {
	held, on := make(chan struct{}, 8), make(chan struct{})
	b := start(t, func([]byte) { held <- struct{}{}; <-on })
	var batch []worker.Datagram
	for i := range worker.BatchSize {
		batch = append(batch, request(byte(10+i)))
	}
	b.step(request(1))
	b.step(request(2))
	b.step(request(3))
	b.step(batch...)
	b.step(request(4))
	first := <-b.journal.appended
	first.Done <- first
	<-held // Deliver is at the first one
	b.wantSent(1, 1)
	b.journal.release()
	close(on)
	for _, want := range []int{2 + worker.BatchSize, 1} {
		if s := <-b.socket.sent; s.lane != 1 || len(s.replies) != want {
			t.Errorf("lane %d sent %d replies together, want %d by lane 1", s.lane, len(s.replies), want)
		}
	}
}

// TestMixedBatch: of one batch, what waits for nothing leaves at once, and each kind keeps its order.
func TestMixedBatch(t *testing.T) {
	b := start(t, nil)
	b.step(request(1), solicit(2), request(3), inform(4))
	b.wantSent(0, 2, 4)
	b.none("before its write is durable")
	w := <-b.journal.appended
	if w.Count != 2 {
		t.Errorf("%d changes in one write, want 2", w.Count)
	}
	w.Done <- w
	b.wantSent(1, 1, 3)
}

// TestWay: replies leave by the socket that was asked, to the right port, from the address that was asked.
func TestWay(t *testing.T) {
	b := start(t, nil)
	direct, behind := solicit(1), relayed(solicit(2))
	b.socket.in <- []worker.Datagram{direct, behind}
	<-b.socket.asked
	got := (<-b.socket.sent).replies
	for i := range got {
		got[i].Data = nil
	}
	want := []worker.Reply{
		{Destination: direct.Source, Port: wire.ClientPort, Socket: 2, Interface: 7},
		{Destination: behind.Source, Source: server, Port: wire.ServerPort, Socket: 2, Interface: 7},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestCounters(t *testing.T) {
	b := start(t, nil)
	unicast := solicit(9)
	unicast.Destination = server
	junk := worker.Datagram{Data: []byte{1}, Destination: groupAll, Listen: 1}
	b.socket.refuse.Store(1)
	b.step(solicit(1), solicit(2), unicast, message(3, wire.Request, []byte{9, 9, 9}), junk)
	b.step(request(4))
	b.journal.release()
	for range 2 {
		<-b.socket.sent
	}
	b.socket.close()
	<-b.over // so that Deliver has counted
	c := &b.Counters
	got := map[string]uint64{
		"answered Solicits": c.Answered(wire.Solicit), "answered Requests": c.Answered(wire.Request),
		"unanswered Solicits": c.DroppedType(wire.Solicit), "unanswered Requests": c.DroppedType(wire.Request),
		"unread": c.DroppedType(0), "truncated": c.Dropped(wire.DropTruncated), "unicast": c.Dropped(wire.DropDirectUnicast),
		"another server's": c.Dropped(wire.DropForeignServer), "sent": c.Sent(), "refused": c.Dropped(wire.DropSend),
	}
	want := map[string]uint64{
		"answered Solicits": 2, "answered Requests": 1, "unanswered Solicits": 1, "unanswered Requests": 1,
		"unread": 1, "truncated": 1, "unicast": 1, "another server's": 1, "sent": 2, "refused": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// TestCountersOfUnknownTypes: a type that nobody knows can't reach beyond the counters.
func TestCountersOfUnknownTypes(t *testing.T) {
	b := start(t, nil)
	b.step(message(1, 255, nil), message(2, 41, nil))
	if got := b.Counters.Dropped(wire.DropUnknownType); got != 2 {
		t.Errorf("%d unknown types counted, want 2", got)
	}
	if got := b.Counters.DroppedType(255); got != 2 {
		t.Errorf("%d under the last type, want 2", got)
	}
}

func TestTime(t *testing.T) {
	if got := worker.Time(946684800e9 + 5e9 + 1); got != 5 {
		t.Errorf("five seconds after 2000 are %d, want 5", got)
	}
}

// TestAside: a Leasequery isn't answered here, and neither is a Reconfigure-request. Who takes it counts it; where nobody can, it is counted
// as dropped.
func TestAside(t *testing.T) {
	var taken, requests [][]byte
	b := start(t, nil, func(o *worker.Options) {
		o.Aside = func(d *worker.Datagram) bool {
			if len(taken) == 1 {
				return false
			}
			taken = append(taken, bytes.Clone(d.Data))
			return true
		}
		o.Requests = func(d *worker.Datagram) bool {
			requests = append(requests, bytes.Clone(d.Data))
			return true
		}
	})
	request := message(4, wire.ReconfigureRequest, nil)
	query := message(1, wire.Leasequery, nil)
	b.step(query, solicit(2), relayed(message(3, wire.Leasequery, nil)), request)
	b.wantSent(0, 2)
	if len(taken) != 1 || !bytes.Equal(taken[0], query.Data) {
		t.Errorf("%d messages were put aside, want the first Leasequery: %x", len(taken), taken)
	}
	if len(requests) != 1 || !bytes.Equal(requests[0], request.Data) {
		t.Errorf("%d Reconfigure-requests were put aside: %x", len(requests), requests)
	}
	if got := b.Counters.Dropped(wire.DropOverload); got != 1 {
		t.Errorf("%d counted as too many, want 1", got)
	}
	if got := b.Counters.DroppedType(wire.Leasequery); got != 1 {
		t.Errorf("%d Leasequeries counted as dropped, want 1", got)
	}
}
