package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A Repaired is what Repair has done.
type Repaired struct {
	Survey   Survey
	Aside    string // the folder that the damaged store is in now
	Bindings uint64 // in force in the new store, its log included
}

// repairBatch is how many octets are written at a time.
const repairBatch = 1 << 20

// Repair makes a new store, in its place, of all that can be read of one that no process has open. The old one is kept beside it, as it was, under another name. Until
// the new one is whole and on stable storage nothing is changed; if anything goes wrong before, nothing was. The index isn't taken over: the next
// who opens the store with one makes it. The error is an *InUseError where the store is in use.
func Repair(ctx context.Context, c Salvaging) (*Repaired, error) {
	s, release, err := newSalvage(ctx, c)
	if err != nil {
		return nil, explain(c.Options.Path, err)
	}
	defer release()
	fs, dir := s.Options.FS, s.Options.Path
	temp := dir + partial
	if _, err := fs.Stat(temp); !notThere(err) {
		return nil, errors.Join(err, fmt.Errorf("%s is left of a repair or a restore that was cut short; remove it", temp))
	}
	if err := s.readFiles(); err != nil {
		return nil, explain(dir, err)
	}
	s.survey.Refused = s.tryOpen()
	if errors.Is(s.survey.Refused, ErrFormat) {
		return nil, s.survey.Refused
	}
	r := &Repaired{Aside: fmt.Sprintf("%s.damaged-%s", dir, s.Options.clock.now().UTC().Format("20060102T150405Z"))}
	if err = s.rebuild(temp); err == nil {
		r.Bindings, err = s.countNew(temp)
	}
	if err == nil {
		err = errorsAfter(ctx.Err(), s.exchange(dir, temp, r.Aside))
	}
	if err != nil {
		return nil, fmt.Errorf("repairing %s: %w", dir, errors.Join(err, fs.RemoveAll(temp)))
	}
	r.Survey = s.survey
	return r, nil
}

// rebuild writes all that can be read into a new store.
func (s *salvage) rebuild(temp string) (err error) {
	defer recovered(&err)
	fs := s.Options.FS
	if err := fs.MkdirAll(temp, 0o750); err != nil {
		return err
	}
	db, err := pebble.Open(temp, pebbleOptions(fs, newMerger(s.Options.Codec), panicLogger{}, nil, false))
	if err != nil {
		return err
	}
	w := &rebuilding{db: db, b: db.NewBatch()}
	if err = s.stream(s.count(w.take)); err == nil {
		err = errors.Join(s.rebuildValues(w), w.flush())
	}
	if err == nil {
		err = db.Flush()
	}
	if err = errors.Join(err, w.b.Close(), db.Close()); err != nil {
		return err
	}
	return markRestored(fs, temp)
}

// A rebuilding is a new store that is being filled.
type rebuilding struct {
	db *pebble.DB
	b  *pebble.Batch
}

// take is a taker.
func (w *rebuilding) take(prefix byte, key, value []byte) error {
	var err error
	switch prefix {
	case prefixIndex, prefixOutbox: // the one is made anew; who is told of changes gets a whole list
		return nil
	case prefixBinding:
		err = w.b.Merge(key, value, nil)
	default:
		err = w.b.Set(key, value, nil)
	}
	if err == nil && w.b.Len() >= repairBatch {
		err = w.flush()
	}
	return err
}

func (w *rebuilding) flush() error {
	err := w.db.Apply(w.b, pebble.Sync)
	w.b.Reset()
	return err
}

// rebuildValues writes the store's own values: those that were put last, but for what is to be forgotten, and what the repair itself has to say: history isn't whole
// from before. That tasks and events may be missing the mark of a restored store says.
func (s *salvage) rebuildValues(w *rebuilding) error {
	values := map[string][]byte{metaFormat: binary.BigEndian.AppendUint32(nil, format)}
	for name, found := range s.values {
		values[name] = found.value
	}
	if len(values[metaFormat]) != 4 {
		values[metaFormat] = binary.BigEndian.AppendUint32(nil, format)
	}
	for _, name := range append([]string{metaIndex}, s.Forget...) {
		delete(values, name)
	}
	if h := values[metaHistory]; len(h) == metaHistorySize && !s.survey.Whole() {
		if was := binary.BigEndian.Uint64(h[4:]); was != 0 {
			binary.BigEndian.PutUint64(h[4:], max(was, uint64(s.Options.clock.now().Unix())))
		}
	}
	for name, size := range map[string]int{metaHistory: metaHistorySize, metaTasks: metaTasksSize, metaLost: placeSize, metaBindings: placeSize, metaAudited: placeSize,
		metaOutbox: metaOutboxSize, metaOutboxLost: placeSize, metaOutboxListed: placeSize} {
		if v, there := values[name]; there && len(v) != size {
			delete(values, name)
		}
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := w.b.Set(metaKey(name), values[name], nil); err != nil {
			return err
		}
	}
	s.survey.Kinds[surveyedKinds[prefixMeta]] = uint64(len(s.values))
	return nil
}

// countNew reads the new store whole, as a node would.
func (s *salvage) countNew(temp string) (bindings uint64, err error) {
	o := s.Options
	o.Path = temp
	reader, err := OpenReadOnly(o)
	if err != nil {
		return 0, err
	}
	err = reader.Scan(nil, nil, func(_, _ []byte) error {
		bindings++
		return s.ctx.Err()
	})
	return bindings, errors.Join(err, reader.Close())
}

// exchange gives the old store its new name, and the new one the old one's, with its owner.
func (s *salvage) exchange(dir, temp, aside string) error {
	fs := s.Options.FS
	if vfs.Root(fs) == vfs.Default {
		if err := sameOwner(dir, temp); err != nil {
			return err
		}
	}
	if err := fs.Rename(dir, aside); err != nil {
		return fmt.Errorf("the damaged store can't be moved aside: %w; if %s is a mount point, repair a copy of it elsewhere and move the files", err, dir)
	}
	if err := publish(fs, temp, dir); err != nil {
		return errors.Join(err, fs.Rename(aside, dir))
	}
	return nil
}

// sameOwner gives a folder and its files the owner that another folder has: whoever repairs a store, its node has to be able to write it.
func sameOwner(as, dir string) error {
	info, err := os.Stat(as)
	if err != nil {
		return err
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(is.Uid) == os.Geteuid() {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ iofs.DirEntry, err error) error {
		return errorsAfter(err, os.Lchown(path, int(is.Uid), int(is.Gid)))
	})
}
