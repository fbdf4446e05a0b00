package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/history"
	"github.com/lockstep6/lockstep6/store"
)

// Backup implements admin.Node. The copy knows its age: in a cluster it is by that that a node which is restored from it knows
// how long it was away.
func (o *operator) Backup(ctx context.Context, dir string, progress func(done, total int64)) (int64, error) {
	start := time.Now()
	if !o.d.site.Load().Policy.Single && o.d.store.Healthy() {
		if err := o.d.beat(ctx); err != nil {
			return 0, err
		}
	}
	size, err := o.d.store.Backup(dir, progress)
	if err != nil {
		o.d.log.Error("the backup failed", "id", "backup-failed", "folder", dir, "error", err)
		return 0, err
	}
	o.d.log.Info("backup made", "id", "backup-made", "folder", dir, "octets", size, "took", time.Since(start).Round(time.Millisecond))
	return size, nil
}

// A Restored is what a restored store has.
type Restored struct {
	Leases, Periods uint64
	Newest          time.Time // when a client was last heard; zero: never
	Served          time.Time // when the node of a cluster last served; zero: it was never in one
}

// Restore makes a data folder of a backup, and reads all of it. It calls copied and checked now and then.
func Restore(ctx context.Context, from, to string, copied func(done, total int64), checked func(leases uint64)) (r Restored, err error) {
	const tellEvery = 1 << 16
	var newest binding.Time
	err = store.Restore(ctx, &store.Restoring{
		From: from, To: to, Copied: copied,
		Check: func(key []byte, entries []store.HistoryEntry, present []byte) error {
			if present != nil {
				s, err := binding.DecodeValue(key, present)
				if err != nil {
					return err
				}
				newest = max(newest, s.LastTransaction)
			}
			periods, err := history.Periods(key, historyEntries(entries), present, newest)
			r.Periods += uint64(len(periods))
			if r.Leases++; r.Leases%tellEvery == 0 {
				checked(r.Leases)
			}
			return err
		},
	})
	if inUse := (*store.InUseError)(nil); errors.As(err, &inUse) {
		return r, fmt.Errorf("%s is the data folder of a running node, and no copy of one moment; make one with `lockstep6 backup DIR --data %s`, and restore that", from, from)
	}
	if err != nil {
		return r, err
	}
	if newest > 0 {
		r.Newest = time.Unix(newest.Unix(), 0).UTC()
	}
	reader, err := store.OpenReadOnly(store.Options{Path: to})
	if err != nil {
		return r, err
	}
	if beat, ok := reader.Meta(metaHeartbeat); ok && len(beat) >= 4 {
		r.Served = time.Unix(binding.Time(binary.BigEndian.Uint32(beat)).Unix(), 0).UTC()
	}
	return r, reader.Close()
}
