package daemon

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/store"
)

const (
	// repairBatch is how many tasks are written at a time: all or none of them. The smallest queue has room for twice as many.
	repairBatch = 500
	// repairRead is how many tasks are read at a time.
	repairRead = 4096
)

// A mending is a task that repairs differences.
type mending struct {
	octets []byte
	of     uint64 // how many differences
}

// repair puts the leases that differ into the queue, as many as there is room for. What waits there already isn't added again: a name that a
// server refuses for good stays in the queue, and would be in it once more with each audit.
func (a *dnsAudit) repair(ctx context.Context, d *Daemon, differences []upkeep.Difference) error {
	mendings, err := a.mendings(ctx, d.store, differences)
	if err != nil {
		return fmt.Errorf("the queue can't be read: %w", err)
	}
	for batch := range slices.Chunk(mendings, repairBatch) {
		var tasks [][]byte
		of := uint64(0)
		for i := range batch {
			tasks, of = append(tasks, batch[i].octets), of+batch[i].of
		}
		switch err := d.store.AddTasks(ctx, tasks); {
		case errors.Is(err, store.ErrTasksFull):
			return nil // the report tells how far it came
		case err != nil:
			return fmt.Errorf("%d of %d differences are in the queue: %w", a.report.Repaired, a.report.Mendable, err)
		}
		a.report.Repaired += of
	}
	return nil
}

// mendings are the tasks that repair differences, each once, without those that wait already, which it counts.
func (a *dnsAudit) mendings(ctx context.Context, s *store.Store, differences []upkeep.Difference) (mendings []mending, err error) {
	seed := maphash.MakeSeed()
	waiting, err := repairsWaiting(ctx, s, seed)
	if err != nil {
		return nil, err
	}
	at := map[uint64]int{}
	for i := range differences {
		if differences[i].Repair == nil {
			continue
		}
		octets := differences[i].Repair.Append(nil)
		hash := maphash.Bytes(seed, octets)
		if _, waits := waiting[hash]; waits {
			a.report.Repaired++
			continue
		}
		if n, known := at[hash]; known {
			mendings[n].of++
			continue
		}
		at[hash] = len(mendings)
		mendings = append(mendings, mending{octets, 1})
	}
	return mendings, nil
}

// repairsWaiting has the hashes of the repairs in the queue.
func repairsWaiting(ctx context.Context, s *store.Store, seed maphash.Seed) (map[uint64]struct{}, error) {
	waiting := map[uint64]struct{}{}
	for after := (store.TaskID{}); ctx.Err() == nil; {
		tasks, err := s.Tasks(after, repairRead)
		if err != nil || len(tasks) == 0 {
			return waiting, err
		}
		for i := range tasks {
			if t, err := upkeep.DecodeTask(tasks[i].Octets); err == nil && t.Repair {
				waiting[maphash.Bytes(seed, tasks[i].Octets)] = struct{}{}
			}
			after = tasks[i].ID
		}
	}
	return nil, ctx.Err()
}
