package upkeep_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A fakeWorld is a table as a list.
type fakeWorld struct {
	now      binding.Time
	bindings []binding.Stored
	removes  []uint8      // owners beside this node whose leases' records it removes
	back     binding.Time // when the node came back from an absence; 0: there was none
	listened bool         // it doesn't listen any more
}

func (w *fakeWorld) Now() binding.Time { return w.now }

func (w *fakeWorld) Lease(key *binding.Key) (binding.Stored, bool) {
	for _, b := range w.bindings {
		if b.Key == *key {
			return b, true
		}
	}
	return binding.Stored{}, false
}

func (w *fakeWorld) Client(dst []binding.Stored, of *binding.Stored) []binding.Stored {
	id := of.Identity()
	for _, b := range w.bindings {
		if own := b.Identity(); own.Equal(&id) {
			dst = append(dst, b)
		}
	}
	return dst
}

func (w *fakeWorld) Removes(_ *binding.Key, owner uint8) bool {
	return owner == 0 || slices.Contains(w.removes, owner)
}

func (w *fakeWorld) Missed(heard binding.Time) bool { return heard < w.back }

func (w *fakeWorld) Listening(*binding.Key, wire.Kind) bool { return w.back > 0 && !w.listened }

const now = 10000

// bound is ann's binding with an IAID of 1 and a name, which this node granted at 9000 and which lasts until 11000; what the changes say
// of it is different.
func bound(key binding.Key, changes ...func(*binding.Stored)) binding.Stored {
	b := binding.Stored{
		Key: key, Version: 1, Kind: wire.IANA, IAID: 1, DUID: ann, State: binding.Bound, Valid: 3000,
		LastTransaction: 9000, Since: 9000, Expires: 11000,
	}
	if key.Length != 128 {
		b.Kind = wire.IAPD
	}
	named(host, naming.FlagS)(&b)
	for _, change := range changes {
		change(&b)
	}
	return b
}

type stored = func(*binding.Stored)

func named(name string, flags naming.Flags) stored {
	return func(b *binding.Stored) {
		b.Extension = binding.AppendExtension(nil, binding.ExtInterfaceID, []byte("port"))
		b.Extension = binding.AppendExtension(b.Extension, binding.ExtFQDN, append([]byte{byte(flags)}, wireName(name)...))
	}
}
func nameless(b *binding.Stored) { b.Extension = nil }
func expired(b *binding.Stored)  { b.Expires = now - 10 }
func endless(b *binding.Stored)  { b.Valid, b.Expires = wire.Infinity, binding.Never }
func superseded(b *binding.Stored) {
	b.State, b.LastTransaction, b.Since = binding.Superseded, 9500, 9500
}
func released(b *binding.Stored) {
	b.State, b.LastTransaction, b.Since, b.Expires = binding.Released, 9500, 9500, 9500
}
func declined(b *binding.Stored) {
	b.State, b.LastTransaction, b.Since, b.Expires = binding.Declined, 9500, 9500, 20000
}
func of(owner uint8) stored       { return func(b *binding.Stored) { b.Owner = owner } }
func valid(seconds uint32) stored { return func(b *binding.Stored) { b.Valid = seconds } }
func by(duid []byte) stored       { return func(b *binding.Stored) { b.DUID = duid } }
func iaid(id uint32) stored       { return func(b *binding.Stored) { b.IAID = id } }
func since(at, heard binding.Time) stored {
	return func(b *binding.Stored) { b.Since, b.LastTransaction = at, heard }
}

// task is that of a lease that was so before; no state: nobody's.
func task(before binding.Stored) upkeep.Task { return upkeep.Task{Key: before.Key, Before: before} }
func fresh(key binding.Key) upkeep.Task      { return upkeep.Task{Key: key} }

func repairing(t upkeep.Task) upkeep.Task {
	t.Repair = true
	return t
}

func known(bindings ...binding.Stored) []binding.Stored { return bindings }

func TestPlan(t *testing.T) {
	for _, c := range planCases {
		t.Run(c.name, func(t *testing.T) {
			s := settingsOf(t, false)
			if c.change != nil {
				c.change(s)
			}
			c.world.now = now
			jobs, later := upkeep.Plan(&c.task, &c.world, s)
			if later != c.tooEarly {
				t.Errorf("later %v, want %v", later, c.tooEarly)
			}
			if c.tooEarly {
				if got := showJobs(jobs); got != c.early {
					t.Errorf("while it waits it does %s, want %s", got, c.early)
				}
				c.task.Tried = true
				if jobs, later := upkeep.Plan(&c.task, &c.world, s); len(jobs) > 0 || !later {
					t.Errorf("and then %s, later %v", showJobs(jobs), later)
				}
				c.world.listened = true
				jobs, _ = upkeep.Plan(&c.task, &c.world, s)
			}
			if got := showJobs(jobs); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// showJobs is jobs as text: a name, whose, what goes, what stands; p is a PTR.
func showJobs(jobs []upkeep.Job) string {
	lines := make([]string, 0, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		client := fmt.Sprintf("%.3x", j.DHCID)
		switch {
		case bytes.Equal(j.DUID, ann):
			client = "ann"
		case bytes.Equal(j.DUID, bob):
			client = "bob"
		case len(j.DUID) > 4:
			client = string(j.DUID[4:])
		}
		first, _, _ := strings.Cut(j.Name.String(), ".")
		line := fmt.Sprintf("%s %s:", first, client)
		if j.Timid {
			line = "timid " + line
		}
		for _, r := range j.Remove {
			line += showRecord("-", &r)
		}
		for _, r := range j.Add {
			line += showRecord("+", &r)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func showRecord(sign string, r *upkeep.Record) (text string) {
	lease := fmt.Sprintf("%d", r.Key.Address[15])
	if r.Key.Length != 128 {
		lease = fmt.Sprintf("%x/%d", r.Key.Address[7], r.Key.Length)
	}
	if r.Forward {
		text += " " + sign + lease
	}
	if r.Reverse {
		text += " " + sign + lease + "p"
	}
	return text
}

func TestTTL(t *testing.T) {
	for _, c := range []struct {
		name       string
		configured uint32
		change     stored
		want       uint32
	}{
		{"a third of the valid lifetime", 0, valid(86400), 28800},
		{"ten minutes at least", 0, valid(300), 600},
		{"a week at most", 0, endless, 7 * 86400},
		{"as configured", 60, valid(86400), 60},
	} {
		task, s := fresh(one), settingsOf(t, false)
		s.TTL = c.configured
		jobs, _ := upkeep.Plan(&task, &fakeWorld{now: now, bindings: known(bound(one, c.change))}, s)
		if len(jobs) != 1 || jobs[0].TTL != c.want {
			t.Errorf("%s: %+v, want %d", c.name, jobs, c.want)
		}
	}
}

// Jobs of one client's name become one, in which what is to stand isn't removed; those that only remove come first.
func TestMerge(t *testing.T) {
	jobs := upkeep.Merge([]upkeep.Job{
		addJob(one), removing(addJob(), one, two), addJob(three),
		removing(upkeep.Job{Name: naming.Name(wireName(other)), DUID: ann}, one), {Name: naming.Name(wireName(other)), DUID: bob},
	})
	if got, want := showJobs(jobs), "other ann: -1 -1p; host ann: -2 -2p +1 +1p +3 +3p"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := jobs[1].Touches(); len(got) != 4 || got[0] != wireName(host) || !slices.Contains(got, string(parse(t, reverseOf(three)))) {
		t.Errorf("it touches %q", got)
	}
}
