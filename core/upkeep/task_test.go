package upkeep_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A journal publishes bindings in a table and has their changes as the journal takes them.
type journal struct {
	t testing.TB
	h *binding.Handle
}

func newJournal(t testing.TB) *journal {
	t.Helper()
	table, err := binding.New(binding.Options{Capacity: 16, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	h := table.NewHandle()
	t.Cleanup(h.Close)
	return &journal{t, h}
}

func draftOf(b *binding.Stored) binding.Draft {
	return binding.Draft{
		Key: b.Key, Kind: b.Kind, IAID: b.IAID, DUID: b.DUID, State: b.State, Owner: b.Owner, Valid: b.Valid,
		LastTransaction: b.LastTransaction, Expires: b.Expires, Since: b.Since, Extension: b.Extension,
	}
}

// publish publishes a binding over what stands there, and returns its change. News: with what history is told.
func (j *journal) publish(b binding.Stored, news bool) (key, value []byte) {
	j.h.Enter()
	defer j.h.Leave()
	old, d := j.h.Find(&b.Key), draftOf(&b)
	r, outcome := j.h.Publish(old, &d)
	if outcome != binding.Published {
		j.t.Fatal(outcome)
	}
	if !news {
		return j.split(binding.AppendPublished(nil, r, &d))
	}
	return j.split(binding.AppendNews(nil, r, &d, old))
}

// reclaim is the removal of what stands there.
func (j *journal) reclaim(key binding.Key) (k, value []byte) {
	j.h.Enter()
	defer j.h.Leave()
	r := j.h.Find(&key)
	return j.split(binding.AppendEnd(nil, binding.RemovalVersion(r), r))
}

func (j *journal) split(change []byte) (key, value []byte) {
	j.t.Helper()
	key, value, rest, err := binding.NextChange(change)
	if err != nil || len(rest) > 0 {
		j.t.Fatal(err, rest)
	}
	return key, value
}

// What changes tell becomes tasks, which say whose the lease was.
func TestTaskOf(t *testing.T) {
	long := bytes.Repeat([]byte{7}, binding.MaxDUID)
	for _, c := range []struct {
		name   string
		before *binding.Stored
		after  *binding.Stored // nil: it is reclaimed
		quiet  bool            // history isn't told
		none   bool
	}{
		{name: "a grant", after: new(bound(one))},
		{name: "a grant without a name", after: new(bound(one, nameless)), none: true},
		{name: "a renewal", before: new(bound(one)), after: new(bound(one)), quiet: true, none: true},
		{name: "another name", before: new(bound(one)), after: new(bound(one, named(other, 0)))},
		{name: "the name is gone", before: new(bound(one)), after: new(bound(one, nameless))},
		{name: "a first name", before: new(bound(one, nameless)), after: new(bound(one))},
		{name: "another client", before: new(bound(one, by(long), iaid(77), of(3))), after: new(bound(one))},
		{name: "a release", before: new(bound(one)), after: new(bound(one, released))},
		{name: "reclaimed", before: new(bound(one))},
		{name: "reclaimed without a name", before: new(bound(one, nameless)), none: true},
		{name: "a prefix is reclaimed", before: new(bound(prefix, superseded))},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJournal(t)
			want := upkeep.Task{}
			if c.before != nil {
				j.publish(*c.before, true)
				want.Key, want.Before = c.before.Key, essence(c.before)
			}
			var key, value []byte
			if c.after != nil {
				key, value = j.publish(*c.after, !c.quiet)
				want.Key = c.after.Key
			} else {
				key, value = j.reclaim(c.before.Key)
			}
			got := upkeep.TaskOf([]byte("before it"), key, value)
			if got = bytes.TrimPrefix(got, []byte("before it")); c.none {
				if len(got) > 0 {
					t.Errorf("a task of %d octets", len(got))
				}
				return
			}
			task, err := upkeep.DecodeTask(got)
			if err != nil || !reflect.DeepEqual(task, want) {
				t.Errorf("%v: got  %+v\nwant %+v", err, task, want)
			}
		})
	}
}

// essence is what a task keeps of a binding.
func essence(b *binding.Stored) binding.Stored {
	e := binding.Stored{
		Key: b.Key, Kind: b.Kind, IAID: b.IAID, DUID: b.DUID, State: b.State, Owner: b.Owner, LastTransaction: b.LastTransaction,
	}
	if kept := upkeep.Named(b); kept != nil {
		e.Extension = binding.AppendExtension(nil, binding.ExtFQDN, kept)
	}
	return e
}

func tasks() []upkeep.Task {
	dhcid := naming.DHCID(ann, naming.Name(wireName(host)))
	unknown := essence(new(bound(one)))
	unknown.DUID = []byte{}
	return []upkeep.Task{
		fresh(one), {Key: one, Before: essence(new(bound(one)))}, {Key: prefix, Before: essence(new(bound(prefix, of(9))))},
		{Key: one, Before: essence(new(bound(one, nameless)))}, repairing(fresh(one)),
		{Key: one, Before: unknown, Repair: true, DHCID: dhcid[:]}, {Before: essence(new(bound(binding.Key{}, nameless))), Repair: true},
	}
}

func TestTaskIsKept(t *testing.T) {
	for _, task := range tasks() {
		b := task.Append(nil)
		got, err := upkeep.DecodeTask(b)
		if err != nil || !reflect.DeepEqual(got, task) {
			t.Errorf("%v: got  %+v\nwant %+v", err, got, task)
		}
		for n := range b {
			if again, err := upkeep.DecodeTask(b[:n]); err == nil && !bytes.Equal(again.Append(nil), b[:n]) {
				t.Errorf("%d of %d octets are %+v", n, len(b), again)
			}
		}
		b[0]++
		if _, err := upkeep.DecodeTask(b); !errors.Is(err, upkeep.ErrTask) {
			t.Errorf("of another version: %v", err)
		}
	}
}

// Whatever is a task can be planned, and is written as it was read.
func FuzzDecodeTask(f *testing.F) {
	for _, task := range tasks() {
		f.Add(task.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		task, err := upkeep.DecodeTask(b)
		if err != nil {
			return
		}
		if again := task.Append(nil); !bytes.Equal(again, b) {
			t.Errorf("read %x\nwritten %x", b, again)
		}
		upkeep.Plan(&task, &fakeWorld{now: now, bindings: known(bound(one), bound(prefix))}, settingsOf(t, false))
	})
}

// Whatever is written of a change, what follows from it is no task or one that can be read.
func FuzzTaskOf(f *testing.F) {
	j := newJournal(f)
	seed := func(key, value []byte) { f.Add(key, value) }
	seed(j.publish(bound(one), true))
	seed(j.publish(bound(one, named(other, 0)), true))
	seed(j.reclaim(one))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if b := upkeep.TaskOf(nil, key, value); b != nil {
			if _, err := upkeep.DecodeTask(b); err != nil {
				t.Errorf("%x: %v", b, err)
			}
		}
	})
}
