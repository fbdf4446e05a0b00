package upkeep_test

import (
	"testing"

	agreement "github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// staged makes a binding one of a client that is known by something else than its DUID, and has another DUID.
func staged(duid string, iaid uint32) stored {
	return func(b *binding.Stored) {
		id := agreement.Identity{DUID: []byte("\xff\xff\x02\x01ident"), IAID: 0, Kind: b.Kind, Derived: true}
		b.DUID, b.IAID, b.Flags = []byte(duid), iaid, b.Flags|binding.FlagDerived
		b.Extension = binding.AppendExtension(b.Extension, binding.ExtIdentity, binding.AppendIdentity(nil, &id))
	}
}

// A client that has another DUID in its next stage finds its name to be its own, though another address under the name is still
// that of the stage before. What it had as a client of its DUID is removed in front.
func TestPlanOfStages(t *testing.T) {
	for _, c := range []struct {
		name   string
		before binding.Stored
		want   string
	}{
		{"first", binding.Stored{}, "host ident: +1 +1p"},
		{"stage", bound(one, staged("firmware", 1)), "host ident: +1 +1p"},
		{"before the setting was changed", bound(one), "host ann: -1 -1p; host ident: +1 +1p"},
	} {
		w := fakeWorld{now: now, bindings: known(bound(one, staged("system", 7)), bound(two, staged("firmware", 2)))}
		stage := upkeep.Task{Key: one, Before: c.before}
		decoded, err := upkeep.DecodeTask(stage.Append(nil)) // as it comes out of the queue
		if err != nil {
			t.Fatal(err)
		}
		for _, todo := range []upkeep.Task{stage, decoded} {
			if jobs, later := upkeep.Plan(&todo, &w, settingsOf(t, false)); later || showJobs(jobs) != c.want {
				t.Errorf("%s: %s, want %s", c.name, showJobs(jobs), c.want)
			}
		}
	}
}

// What a client IA has left behind is found whatever stage it was in then.
func TestPlanOfStageThatMoved(t *testing.T) {
	w := fakeWorld{now: now, bindings: known(bound(one, staged("system", 7)), bound(two, staged("firmware", 1), superseded))}
	stage := fresh(one)
	if jobs, _ := upkeep.Plan(&stage, &w, settingsOf(t, false)); showJobs(jobs) != "host ident: -2 -2p +1 +1p" {
		t.Errorf("got %s", showJobs(jobs))
	}
}
