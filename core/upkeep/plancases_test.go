package upkeep_test

import (
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

var planCases = []struct {
	name     string
	task     upkeep.Task
	world    fakeWorld
	change   func(*upkeep.Settings)
	want     string // jobs, as showJobs has them
	tooEarly bool
	early    string // then: what can be done at once
}{
	{name: "own grant with a name", task: fresh(one), world: fakeWorld{bindings: known(bound(one))}, want: "host ann: +1 +1p"},
	{name: "own grant without a name", task: fresh(one), world: fakeWorld{bindings: known(bound(one, nameless))}},
	{name: "a peer's grant", task: fresh(one), world: fakeWorld{bindings: known(bound(one, of(2)))}},
	{
		name: "the name changed", task: task(bound(one, named(other, naming.FlagS))), world: fakeWorld{bindings: known(bound(one))},
		want: "other ann: -1 -1p; host ann: +1 +1p",
	},
	{
		name: "the name is gone", task: task(bound(one)), world: fakeWorld{bindings: known(bound(one, nameless))}, want: "host ann: -1 -1p",
	},
	{name: "released", task: task(bound(one)), world: fakeWorld{bindings: known(bound(one, released))}, want: "host ann: -1 -1p"},
	{name: "declined", task: task(bound(one)), world: fakeWorld{bindings: known(bound(one, declined))}, want: "host ann: -1 -1p"},
	{name: "expired and reclaimed", task: task(bound(one, expired)), want: "host ann: -1 -1p"},
	{name: "expired, not yet reclaimed", task: fresh(one), world: fakeWorld{bindings: known(bound(one, expired))}, want: "host ann: -1 -1p"},
	{name: "a peer's is released", task: task(bound(one, of(2))), world: fakeWorld{bindings: known(bound(one, of(2), released))}},
	{
		name: "a silent peer's is released", task: task(bound(one, of(2))),
		world: fakeWorld{bindings: known(bound(one, of(2), released)), removes: []uint8{2}}, want: "host ann: -1 -1p",
	},
	{name: "renewed with a peer under the same name", task: task(bound(one)), world: fakeWorld{bindings: known(bound(one, of(2)))}},
	{
		name: "taken over from a dead peer", task: task(bound(one, of(2))), world: fakeWorld{bindings: known(bound(one))},
		want: "host ann: +1 +1p",
	},
	{
		name: "a sibling's lease is left behind, superseded", task: fresh(one),
		world: fakeWorld{bindings: known(bound(one), bound(two, of(2), superseded))}, want: "host ann: -2 -2p +1 +1p",
	},
	{
		name: "a sibling's lease is left behind, heard before", task: fresh(one),
		world: fakeWorld{bindings: known(bound(one), bound(two, of(2), since(7000, 8999)))}, want: "host ann: -2 -2p +1 +1p",
	},
	{
		name: "a sibling's lease was asked for at the same time or later", task: fresh(one),
		world: fakeWorld{bindings: known(bound(one), bound(two, of(2)))}, want: "host ann: +1 +1p",
	},
	{
		name: "left behind under another name", task: fresh(one),
		world: fakeWorld{bindings: known(bound(one), bound(two, of(2), superseded, named(other, naming.FlagS)))},
		want:  "other ann: -2 -2p; host ann: +1 +1p",
	},
	{
		name: "a node that returned has a lease left behind by its client, or so it seems", task: fresh(one),
		world: fakeWorld{bindings: known(bound(one), bound(two, of(2), superseded)), back: 9900}, tooEarly: true,
		early: "timid host ann: +1 +1p", want: "timid host ann: -2 -2p +1 +1p",
	},
	{
		name: "own is superseded by a peer's, which stands again", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, superseded), bound(two, of(2), since(8000, 9500)))}, want: "host ann: -1 -1p +2 +2p",
	},
	{
		name: "own of a Rapid Commit is released for a peer's", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, released), bound(two, of(2), since(8000, 9500)))}, want: "host ann: -1 -1p +2 +2p",
	},
	{
		name: "own is released, a peer's was heard of before that", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, released), bound(two, of(2), since(8000, 9499)))}, want: "host ann: -1 -1p",
	},
	{
		name: "a peer's is superseded by own, which stood before", task: task(bound(two, of(2))),
		world: fakeWorld{bindings: known(bound(one), bound(two, of(2), superseded))}, want: "host ann: -2 -2p +1 +1p",
	},
	{
		name: "the client is back at a peer's that it had left", task: task(bound(one, of(2), superseded)),
		world: fakeWorld{bindings: known(bound(one, of(2)))}, want: "host ann: +1 +1p",
	},
	{
		name: "own was superseded, and is a peer's now", task: task(bound(one, superseded)),
		world: fakeWorld{bindings: known(bound(one, of(2)))}, want: "host ann: +1 +1p",
	},
	{name: "observed, expired, another node removes it", task: task(bound(one, of(2)))},
	{
		name: "observed, expired, this node removes it", task: task(bound(one, of(2))), world: fakeWorld{removes: []uint8{2}},
		want: "host ann: -1 -1p",
	},
	{
		name: "another client's now", task: task(bound(one, by(bob), named(other, naming.FlagS))),
		world: fakeWorld{bindings: known(bound(one))}, want: "other bob: -1 -1p; host ann: +1 +1p",
	},
	{
		name: "another client's now, who took the name too", task: task(bound(one, by(bob))),
		world: fakeWorld{bindings: known(bound(one))}, want: "host bob: -1 -1p; host ann: +1 +1p",
	},
	{
		name: "another client's now, with a peer, was ours", task: task(bound(one, by(bob))),
		world: fakeWorld{bindings: known(bound(one, of(2)))}, want: "host bob: -1 -1p",
	},
	{
		name: "the client wants nothing in DNS", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, named(host, naming.FlagN)))}, want: "host ann: -1 -1p",
	},
	{
		name: "the client never wanted anything in DNS", task: task(bound(one, named(host, naming.FlagN))),
		world: fakeWorld{bindings: known(bound(one, released, named(host, naming.FlagN)))},
	},
	{
		name: "the client keeps its AAAA", task: fresh(one), world: fakeWorld{bindings: known(bound(one, named(host, 0)))},
		want: "host ann: +1p",
	},
	{
		name: "the client keeps its AAAA from now on", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, named(host, 0)))}, want: "host ann: -1 +1p",
	},
	{
		name: "two IAIDs", task: fresh(one), world: fakeWorld{bindings: known(bound(one), bound(two, iaid(2), of(2), since(1, 1)))},
		want: "host ann: +1 +1p",
	},
	{
		name: "several leases of one IA", task: fresh(one),
		world: fakeWorld{bindings: known(bound(one), bound(two, since(5000, 8000)), bound(three))}, want: "host ann: +1 +1p",
	},
	{
		name: "one of several leases of one IA ends", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, released), bound(two), bound(three))}, want: "host ann: -1 -1p",
	},
	{
		name: "a delegated prefix", task: fresh(prefix), world: fakeWorld{bindings: known(bound(prefix))}, want: "host ann: +60/59p",
	},
	{
		name: "a delegated prefix, which has no records", task: fresh(prefix), world: fakeWorld{bindings: known(bound(prefix))},
		change: func(s *upkeep.Settings) { s.Prefixes = false },
	},
	{
		name: "updates are off", task: fresh(one), world: fakeWorld{bindings: known(bound(one))},
		change: func(s *upkeep.Settings) { s.Updates = false },
	},
	{
		name: "updates are off, the name changed", task: task(bound(one, named(other, naming.FlagS))),
		world:  fakeWorld{bindings: known(bound(one))},
		change: func(s *upkeep.Settings) { s.Updates = false }, want: "other ann: -1 -1p",
	},
	{
		name: "updates are off, expired", task: task(bound(one)), change: func(s *upkeep.Settings) { s.Updates = false },
		want: "host ann: -1 -1p",
	},
	{
		name: "a node that returned, and a lease that seems to have expired meanwhile", task: task(bound(one)), world: fakeWorld{back: 9900},
		tooEarly: true, want: "host ann: -1 -1p",
	},
	{
		name: "a node that returned, and a lease that a peer goes on with", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, of(2), since(9000, 9950))), back: 9900},
	},
	{
		name: "a node that returned, and a lease released before it left", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, released)), back: 9900}, tooEarly: true, want: "host ann: -1 -1p",
	},
	{
		name: "a node that returned, and a lease released since", task: task(bound(one)),
		world: fakeWorld{bindings: known(bound(one, released)), back: 9400}, want: "host ann: -1 -1p",
	},
	{
		name: "a node that returned, and a lease given to another client since", task: task(bound(one, by(bob))),
		world: fakeWorld{bindings: known(bound(one, since(9950, 9950))), back: 9900}, want: "host bob: -1 -1p; host ann: +1 +1p",
	},
	{
		name: "a node that returned has a grant from before", task: fresh(one), world: fakeWorld{bindings: known(bound(one)), back: 9900},
		tooEarly: true, early: "timid host ann: +1 +1p", want: "timid host ann: +1 +1p",
	},
	{
		name: "a node that returned grants a lease", task: fresh(one),
		world: fakeWorld{bindings: known(bound(one, since(9950, 9950))), back: 9900}, want: "host ann: +1 +1p",
	},
	{
		name: "a repair of what a peer has granted", task: repairing(fresh(one)), world: fakeWorld{bindings: known(bound(one, of(2)))},
		want: "host ann: +1 +1p",
	},
	{name: "a repair of what has come to stand", task: repairing(task(bound(one))), world: fakeWorld{bindings: known(bound(one))}, want: "host ann: +1 +1p"},
	{name: "a repair of what a peer left", task: repairing(task(bound(one, of(2)))), want: "host ann: -1 -1p"},
	{
		name: "a node that returned, and a peer's lease that was left for own", task: task(bound(one)), world: fakeWorld{
			bindings: known(bound(one, superseded), bound(two, of(2), since(8000, 9500))), back: 9900,
		}, tooEarly: true, want: "host ann: -1 -1p",
	},
	{
		name: "a node that returned, and a peer's lease that was left for own, and is renewed", task: task(bound(one)), world: fakeWorld{
			bindings: known(bound(one, superseded), bound(two, of(2), since(8000, 9950))), back: 9900,
		}, tooEarly: true, want: "host ann: -1 -1p +2 +2p",
	},
	{name: "nothing known any more", task: fresh(one)},
}
