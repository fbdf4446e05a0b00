package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A Restoring is what Restore needs.
type Restoring struct {
	From, To string // the copy, and the new store's folder: one that isn't there, or is empty
	Options  Options
	// Check is called for each lease of the new store with all that it has of it, as History's f. Its error refuses the copy.
	Check func(key []byte, entries []HistoryEntry, present []byte) error
	// Copied, if not nil, is told how many octets are copied, of how many.
	Copied func(done, total int64)
}

// notCopied are files in a store's folder that aren't the store.
var notCopied = []string{LockFile, "LOCK", "admin.sock", ballastFile, ballastTemp, restoredFile}

// Restore makes a store of a backup, which stays as it is. The new folder gets its name when all of it was read and is
// right; until then, and where anything is wrong, it isn't there. The error is an *InUseError where From is a store that is in use.
func Restore(ctx context.Context, r *Restoring) (err error) {
	o := r.Options.withDefaults()
	if err := refuseStore(o.FS, r.To); err != nil {
		return err
	}
	release, err := holdStopped(o.FS, r.From)
	if err != nil {
		return err
	}
	defer release()
	temp := r.To + partial
	if _, err := o.FS.Stat(temp); !notThere(err) {
		return errors.Join(err, fmt.Errorf("%s is left of a restore that was cut short; remove it", temp))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.FS.RemoveAll(temp))
		}
	}()
	if err := r.copy(ctx, o.FS, temp); err != nil {
		return fmt.Errorf("copying %s: %w", r.From, err)
	}
	if err := r.check(ctx, temp); err != nil {
		return fmt.Errorf("the copy of %s is of no use: %w", r.From, err)
	}
	if err := markRestored(o.FS, temp); err != nil {
		return err
	}
	if err := o.FS.Remove(r.To); err != nil && !notThere(err) {
		return err // it was empty a moment ago
	}
	return publish(o.FS, temp, r.To)
}

// refuseStore refuses a folder that holds anything.
func refuseStore(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	switch {
	case notThere(err):
		return nil
	case err != nil:
		return err
	case slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "MANIFEST-") }):
		return fmt.Errorf("%s holds a store already; name a new folder, or move that one away", dir)
	case len(names) > 0:
		return fmt.Errorf("%s isn't empty; name a new folder", dir)
	}
	return nil
}

// copy copies the files of the backup; each is on stable storage when it returns.
func (r *Restoring) copy(ctx context.Context, fsys vfs.FS, temp string) error {
	names, err := fsys.List(r.From)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "MANIFEST-") }) {
		return fmt.Errorf("there is no store in it: %w", fs.ErrNotExist)
	}
	if err := fsys.MkdirAll(temp, 0o700); err != nil {
		return err
	}
	done, total := int64(0), folderSize(fsys, r.From)
	for _, name := range names {
		from := fsys.PathJoin(r.From, name)
		info, err := fsys.Stat(from)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || slices.Contains(notCopied, name) {
			continue
		}
		if err := errorsAfter(ctx.Err(), vfs.Copy(fsys, from, fsys.PathJoin(temp, name))); err != nil {
			return err
		}
		if done += info.Size(); r.Copied != nil {
			r.Copied(min(done, total), total)
		}
	}
	dir, err := fsys.OpenDir(temp)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// check reads the new store whole.
func (r *Restoring) check(ctx context.Context, dir string) error {
	o := r.Options
	o.Path = dir
	reader, err := OpenReadOnly(o)
	if err != nil {
		return err
	}
	return errors.Join(reader.History(ctx, nil, r.Check), reader.Close())
}
