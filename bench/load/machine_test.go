package load

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
)

// testMachine plays against three servers by the standard's times, without spread.
func testMachine() *machine {
	return &machine{times: StandardTimes(), servers: 3, wants: [2]bool{0: true}, rng: rand.New(rand.NewPCG(1, 2))}
}

func newClient() *client { return &client{server: nobody} }

// answer is a server's answer to the client's present message.
func answer(c *client, kind wire.MessageType, preference int, host byte) *reply {
	r := &reply{kind: kind, xid: c.xid, preference: preference}
	if host != 0 {
		r.leases[0] = lease{ok: true, address: [16]byte{0x20, 1, 15: host}, length: 128}
		r.answers = []Answer{{Kind: wire.IANA, Address: r.leases[0].address, Length: 128, Valid: 1}}
	}
	return r
}

func want(t *testing.T, got, want verdict) {
	t.Helper()
	if got != want {
		t.Fatalf("verdict %d, want %d", got, want)
	}
}

func TestPreference255IsTakenAtOnce(t *testing.T) {
	m, c := testMachine(), newClient()
	want(t, m.start(c, Acquire, 0), transmit)
	want(t, m.hear(c, 1, answer(c, wire.Advertise, 0, 1), 1), wait)
	want(t, m.hear(c, 0, answer(c, wire.Advertise, 255, 1), 2), transmit)
	if c.phase != requesting || c.target != 0 {
		t.Fatalf("phase %d for server %d, want a Request to server 0", c.phase, c.target)
	}
	want(t, m.hear(c, 1, answer(c, wire.Reply, 0, 1), 3), ignore) // another server's
	want(t, m.hear(c, 0, answer(c, wire.Reply, 0, 1), 3), done)
	if c.phase != idle || c.server != 0 || !c.leases[0].ok {
		t.Errorf("the client is %+v, want idle and bound by server 0", c)
	}
}

func TestHighestPreferenceWinsWhenTheTimeIsOver(t *testing.T) {
	m, c := testMachine(), newClient()
	m.start(c, Acquire, 0)
	if c.due <= int64(time.Second) {
		t.Errorf("the first Solicit is sent again after %v: RAND must be above 0", time.Duration(c.due))
	}
	want(t, m.hear(c, 2, answer(c, wire.Advertise, 0, 1), 1), wait)
	want(t, m.hear(c, 1, answer(c, wire.Advertise, 100, 1), 1), wait)
	want(t, m.hear(c, 1, answer(c, wire.Advertise, 200, 1), 1), ignore) // said twice
	want(t, m.expire(c, c.due), transmit)
	if c.phase != requesting || c.target != 1 {
		t.Errorf("phase %d for server %d, want a Request to server 1", c.phase, c.target)
	}
}

func TestLastServersAdvertiseEndsTheWait(t *testing.T) {
	m, c := testMachine(), newClient()
	m.start(c, Acquire, 0)
	want(t, m.hear(c, 0, answer(c, wire.Advertise, 0, 0), 1), wait) // offers nothing: left aside
	want(t, m.hear(c, 1, answer(c, wire.Advertise, 0, 1), 1), wait)
	want(t, m.hear(c, 2, answer(c, wire.Advertise, 7, 1), 1), transmit)
	if c.target != 2 {
		t.Errorf("server %d was chosen, want 2", c.target)
	}
}

func TestFirstAdvertiseAfterARetransmissionIsTaken(t *testing.T) {
	m, c := testMachine(), newClient()
	m.start(c, Acquire, 0)
	before := c.xid
	want(t, m.expire(c, c.due), again)
	if c.xid != before {
		t.Error("a retransmission has another transaction-id")
	}
	want(t, m.hear(c, 1, answer(c, wire.Advertise, 0, 1), c.due), transmit)
}

func TestAskWaitsForEveryServer(t *testing.T) {
	m, c := testMachine(), newClient()
	m.start(c, Ask, 0)
	want(t, m.hear(c, 0, answer(c, wire.Advertise, 255, 1), 1), wait)
	want(t, m.expire(c, c.due), again)
	want(t, m.hear(c, 1, answer(c, wire.Advertise, 0, 1), c.due), wait)
	want(t, m.hear(c, 2, answer(c, wire.Advertise, 0, 1), c.due), done)
	if c.server != nobody || c.leases[0].ok {
		t.Error("asking has bound the client")
	}
}

func TestUnansweredRequestBeginsAnew(t *testing.T) {
	m, c := testMachine(), newClient()
	m.start(c, Acquire, 0)
	m.hear(c, 0, answer(c, wire.Advertise, 255, 1), 1)
	var spent []time.Duration
	for range 9 {
		spent = append(spent, c.rt)
		want(t, m.expire(c, c.due), again)
	}
	for i, rt := range spent {
		nominal := min(time.Second<<i, 30*time.Second)
		if low, high := nominal*2/3, nominal*3/2; rt < low || rt > high { // a tenth per step, compounded
			t.Errorf("Request %d is sent again after %v, want about %v", i+1, rt, nominal)
		}
	}
	want(t, m.expire(c, c.due), transmit)
	if c.phase != soliciting || c.restarts != 1 {
		t.Errorf("phase %d, %d restarts after REQ_MAX_RC, want a new Solicit", c.phase, c.restarts)
	}
}

func TestRenewTurnsIntoRebind(t *testing.T) {
	m, c := testMachine(), bound(0)
	want(t, m.start(c, Renew, 0), transmit)
	want(t, m.hear(c, 1, answer(c, wire.Reply, 0, 1), 1), ignore)
	for now := c.due; c.phase == renewing; now = c.due {
		m.expire(c, now)
	}
	if c.phase != rebinding || c.target != nobody {
		t.Fatalf("phase %d for server %d, want a Rebind to all", c.phase, c.target)
	}
	want(t, m.hear(c, 2, answer(c, wire.Reply, 0, 1), c.due), done)
	if c.server != 2 {
		t.Errorf("the lease is server %d's, want 2", c.server)
	}
}

func TestRebindUnansweredFails(t *testing.T) {
	m, c := testMachine(), bound(0)
	m.start(c, Rebind, 0)
	v := again
	for v == again {
		v = m.expire(c, c.due)
	}
	want(t, v, failed)
	if c.phase != idle {
		t.Error("a client that failed isn't idle")
	}
}

func TestRefusalBeginsAnewAndEnds(t *testing.T) {
	m, c := testMachine(), newClient()
	m.start(c, Acquire, 0)
	for range maxRestarts {
		want(t, m.hear(c, 0, answer(c, wire.Advertise, 255, 1), 1), transmit)
		want(t, m.hear(c, 0, answer(c, wire.Reply, 0, 0), 1), transmit)
	}
	m.hear(c, 0, answer(c, wire.Advertise, 255, 1), 1)
	want(t, m.hear(c, 0, answer(c, wire.Reply, 0, 0), 1), failed)
}

// TestReleaseForgetsTheLease: so does a Decline.
func TestReleaseForgetsTheLease(t *testing.T) {
	for _, task := range []Task{Release, Decline} {
		m, c := testMachine(), bound(1)
		want(t, m.start(c, task, 0), transmit)
		want(t, m.hear(c, 1, answer(c, wire.Reply, 0, 0), 1), done)
		if c.leases[0].ok || c.server != nobody {
			t.Errorf("%v: the lease is still there", task)
		}
		want(t, m.start(c, Renew, 2), failed)
	}
}

func TestHalfAnAnswerDoesNotBind(t *testing.T) {
	m, c := testMachine(), newClient()
	m.wants[1] = true
	m.start(c, Acquire, 0)
	want(t, m.hear(c, 0, answer(c, wire.Advertise, 255, 1), 1), wait)
	if c.best != nobody {
		t.Error("an Advertise without the prefix was chosen")
	}
}

// TestReplyThatOmitsAnIA: a Rebind of which one IA is left out goes on as if it had not been answered, and another
// server's whole answer ends it; where none comes the client begins anew.
func TestReplyThatOmitsAnIA(t *testing.T) {
	m, c := testMachine(), bound(0)
	m.wants[1] = true
	c.leases[1] = lease{ok: true, address: [16]byte{0x20, 2}, length: 56}
	want(t, m.start(c, Rebind, 0), transmit)
	want(t, m.hear(c, 1, answer(c, wire.Reply, 0, 1), 1), wait)
	want(t, m.expire(c, c.due), again)
	whole := answer(c, wire.Reply, 0, 1)
	whole.leases[1] = c.leases[1]
	whole.answers = append(whole.answers, Answer{Kind: wire.IAPD})
	want(t, m.hear(c, 2, whole, c.due), done)

	want(t, m.start(c, Rebind, 0), transmit)
	for range maxPartly - 1 {
		want(t, m.hear(c, 1, answer(c, wire.Reply, 0, 1), c.due), wait)
		want(t, m.expire(c, c.due), again)
	}
	want(t, m.expire(c, c.due), transmit)
	if c.phase != soliciting {
		t.Errorf("phase %d, want a Solicit", c.phase)
	}

	// Not all servers need to answer that one.
	offer := answer(c, wire.Advertise, 0, 1)
	offer.leases[1] = lease{ok: true, address: [16]byte{0x20, 3}, length: 56}
	want(t, m.hear(c, 2, offer, c.due), wait)
	want(t, m.expire(c, c.due), transmit)
	if c.phase != requesting || c.target != 2 {
		t.Errorf("phase %d for server %d, want a Request to server 2", c.phase, c.target)
	}
}

// TestNames: what the client's present message names is what it was offered, or what it has.
func TestNames(t *testing.T) {
	m, c := testMachine(), newClient()
	mine, other := &Answer{Kind: wire.IANA, Address: [16]byte{0x20, 1, 15: 1}, Length: 128}, &Answer{Kind: wire.IANA, Length: 128}
	m.start(c, Acquire, 0)
	if c.names(mine) {
		t.Error("a Solicit names a lease")
	}
	m.hear(c, 0, answer(c, wire.Advertise, 255, 1), 1)
	if !c.names(mine) || c.names(other) {
		t.Errorf("the Request names %t the offered lease, %t another one", c.names(mine), c.names(other))
	}
	c = bound(0)
	m.start(c, Rebind, 0)
	if !c.names(mine) || c.names(other) {
		t.Errorf("the Rebind names %t the client's lease, %t another one", c.names(mine), c.names(other))
	}
}

// bound is a client that has a lease by a server.
func bound(server int8) *client {
	c := newClient()
	c.server, c.leases[0] = server, lease{ok: true, address: [16]byte{0x20, 1, 15: 1}, length: 128}
	return c
}

func TestWindow(t *testing.T) {
	w := newWindow(100, time.Second)
	for range 200 {
		w.completed()
	}
	if w.size != 100 {
		t.Errorf("the window grew to %v, want 100", w.size)
	}
	w.lost(int64(2 * time.Second))
	w.lost(int64(2*time.Second) + 1) // the same loss
	if w.size != 50 {
		t.Errorf("the window is %v after a loss, want 50", w.size)
	}
	for range 50 {
		w.completed()
	}
	if w.size < 50.9 || w.size > 51.1 {
		t.Errorf("the window is %v after a round of answers, want 51", w.size)
	}
	for now := int64(4 * time.Second); now < int64(30*time.Second); now += int64(time.Second) {
		w.lost(now)
	}
	if !w.room(0) {
		t.Error("the window has closed for good")
	}
}
