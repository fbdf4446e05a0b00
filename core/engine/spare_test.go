package engine_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestSparedRenewalBeatsRelease has a client that releases and at once asks again. Another worker answers the Request,
// without a write, while the Release is being handled: the client has its lease then, so the Release must not end it.
func TestSparedRenewalBeatsRelease(t *testing.T) {
	s := sessionOver(t, mustCompile(t, "store: {renew-cache: 0.5}\n"+access, ""), binding.Options{Capacity: 1000})
	c := subscriberOf(t, s, "00030001020000000001")
	l := newLoop(s)
	l.relay(c.messages["Request"])
	other := newLoop(&session{site: s.site, marks: s.marks, now: s.now, engine: engine.New(s.table.NewHandle(), s.marks)})
	other.n = 1 << 20 // the two share a writer's number
	var again engine.Result
	s.engine.Interfere(func() {
		again = other.relay(c.messages["Request"])
		s.engine.Interfere(nil)
	})
	released := l.relay(c.messages["Release"])
	if again.Drop != wire.DropNone || again.Durable || len(leasesOf(t, again.Reply)) == 0 {
		t.Errorf("the Request: dropped: %v, waits for a write: %v", again.Drop, again.Durable)
	}
	if released.Drop != wire.DropContended {
		t.Errorf("the Release: dropped: %v", released.Drop)
	}
	s.records(func(r *binding.Record) {
		if r.State() != binding.Bound {
			t.Errorf("%v is %s", r.Key(), r.State())
		}
	})
}
