package ceiling

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A Table is the table of bindings, filled, and one handle to it. It belongs to one goroutine.
type Table struct {
	table    *binding.Table
	handle   *binding.Handle
	bindings uint64
	next     uint64 // number of the next new binding
	draft    binding.Draft
	duid     [14]byte
	state    uint64 // of the random numbers
	keys     [worker.BatchSize]binding.Key
}

// TableOperations are what Table.Do knows.
var TableOperations = []string{"new", "next version", "hit", "miss", "hit, 32 together"}

// NewTable fills a table with so many bindings of relayed subscribers, and room for half as many and a million more.
func NewTable(bindings int) (*Table, error) {
	if bindings < 1 {
		return nil, fmt.Errorf("a table of %d bindings: there must be one", bindings)
	}
	table, err := binding.New(binding.Options{Capacity: bindings + bindings/2 + 1<<20, Seed: 1})
	if err != nil {
		return nil, err
	}
	t := &Table{table: table, handle: table.NewHandle(), bindings: uint64(bindings), state: 1}
	extension := binding.AppendExtension(nil, binding.ExtPeerAddress, append([]byte{0xfe, 0x80}, make([]byte, 14)...))
	extension = binding.AppendExtension(extension, binding.ExtLinkAddress, make([]byte, 16))
	extension = binding.AppendExtension(extension, binding.ExtRemoteID, make([]byte, 20))
	extension = binding.AppendExtension(extension, binding.ExtInterfaceID, make([]byte, 10))
	t.draft = binding.Draft{Kind: wire.IANA, IAID: 1, DUID: t.duid[:], State: binding.Bound, Valid: 4800, Expires: binding.Never, Extension: extension}
	for done := 0; done < bindings; done += worker.BatchSize {
		if err := t.publishNew(min(worker.BatchSize, bindings-done)); err != nil {
			return nil, errors.Join(err, table.Close())
		}
	}
	return t, nil
}

// Close gives the memory back.
func (t *Table) Close() error { return t.table.Close() }

// Do does an operation n times, in batches as a worker's, and returns how long the table took; what is prepared for a batch
// isn't timed. New bindings stay, so a table takes only as many of them as it has room for.
func (t *Table) Do(operation string, n int) (took time.Duration, err error) {
	for done := 0; done < n; done += worker.BatchSize {
		count := min(worker.BatchSize, n-done)
		t.prepare(count, operation == "miss")
		began := time.Now()
		switch operation {
		case "new":
			err = t.publishNew(count)
		case "next version":
			err = t.publishNext(count)
		case "hit", "miss":
			err = t.findAlone(count, operation == "hit")
		case "hit, 32 together":
			err = t.findTogether(count)
		default:
			err = fmt.Errorf("no operation %q; there are %q", operation, TableOperations)
		}
		took += time.Since(began)
		if err != nil {
			return took, err
		}
	}
	return took, nil
}

// key writes binding n's key: numbers in no order that the table could profit from.
func key(k *binding.Key, n uint64) {
	*k = binding.Key{Length: 128}
	binary.BigEndian.PutUint64(k.Address[:], 0x20010db800010000)
	binary.BigEndian.PutUint64(k.Address[8:], (n+1)*0x9e3779b97f4a7c15)
}

// prepare picks the batch's keys at random: of bindings that are there, or (absent) of an address that nobody has.
func (t *Table) prepare(count int, absent bool) {
	for i := range count {
		t.state = t.state*6364136223846793005 + 1442695040888963407
		key(&t.keys[i], (t.state>>20)%t.bindings)
		if absent {
			t.keys[i].Address[0] = 0xfd
		}
	}
}

func (t *Table) publishNew(count int) error {
	t.handle.Enter()
	defer t.handle.Leave()
	for range count {
		binary.BigEndian.PutUint64(t.duid[6:], t.next)
		key(&t.draft.Key, t.next)
		t.next++
		if _, outcome := t.handle.Publish(nil, &t.draft); outcome != binding.Published {
			return fmt.Errorf("a new binding is %s with %d in the table", outcome, t.next)
		}
	}
	return nil
}

// publishNext finds each binding and publishes a next version of it, as a Renew does.
func (t *Table) publishNext(count int) error {
	t.handle.Enter()
	defer t.handle.Leave()
	for i := range t.keys[:count] {
		old := t.handle.Find(&t.keys[i])
		if old == nil {
			return errNotFound
		}
		draft := t.draft
		draft.Key, draft.DUID = t.keys[i], old.DUID()
		if _, outcome := t.handle.Publish(old, &draft); outcome != binding.Published {
			return fmt.Errorf("a next version is %s", outcome)
		}
	}
	return nil
}

var errNotFound = errors.New("a look-up went wrong: a binding isn't there, or one is that can't be")

// findAlone looks up one after the other: each key waits for the record before it, so that the processor can't overlap them.
func (t *Table) findAlone(count int, there bool) error {
	t.handle.Enter()
	defer t.handle.Leave()
	var before byte
	for i := range t.keys[:count] {
		t.keys[i].Length ^= before
		r := t.handle.Find(&t.keys[i])
		if (r != nil) != there {
			return errNotFound
		}
		if r != nil {
			before = byte(r.State()) &^ byte(binding.Bound) // 0, but the processor doesn't know
		}
	}
	return nil
}

// findTogether looks up a batch back to back, and looks at the records afterwards: what a worker's batch could do.
func (t *Table) findTogether(count int) error {
	t.handle.Enter()
	defer t.handle.Leave()
	var records [worker.BatchSize]*binding.Record
	for i := range t.keys[:count] {
		records[i] = t.handle.Find(&t.keys[i])
	}
	for _, r := range records[:count] {
		if r == nil || r.State() != binding.Bound {
			return errNotFound
		}
	}
	return nil
}
