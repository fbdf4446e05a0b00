package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errChanged marks what says that a file isn't as it was on stable storage.
var errChanged = errors.New("it isn't as it was written")

// How names of Pebble's manifests begin, and of the empty files that say which one counts.
const (
	manifestPrefix = "MANIFEST-"
	markerPrefix   = "marker.manifest."
)

// A folder is what a store's folder was found to hold before Pebble opens it.
type folder struct {
	fs       vfs.FS
	dir      string
	manifest string // name of the one that counts; "": none is marked
	logs     []uint64
	tables   bool
	changed  map[string]error // files that aren't as they were on stable storage, or aren't there any more
	said     testimony        // the newest that the witness says of that manifest, and of a log
}

// lookInto looks whether a folder holds all that was on stable storage, as far as Pebble wouldn't notice: its manifest and its newest log,
// which it believes up to where they are broken. What a crash leaves passes. An error is one of reading.
func lookInto(fs vfs.FS, dir string) (*folder, error) {
	f := &folder{fs: fs, dir: dir, changed: map[string]error{}}
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	slices.Sort(names) // of several markers the last counts
	for _, name := range names {
		if strings.HasPrefix(name, markerPrefix) {
			f.manifest = name[max(strings.LastIndex(name, manifestPrefix), 0):]
		}
		if n, ok := numberOf(name, "", logSuffix); ok {
			f.logs = append(f.logs, n)
		}
		if _, ok := numberOf(name, "", tableSuffix); ok {
			f.tables = true
		}
	}
	slices.Sort(f.logs)
	if f.manifest == "" {
		if f.tables || len(f.logs) > 0 { // there is a marker before the first of these
			f.changed[markerPrefix+"*"] = fmt.Errorf("%w: it is gone, and tells which manifest counts", errChanged)
		}
		return f, nil
	}
	said, err := readWitness(fs, dir)
	if err != nil {
		return nil, err
	}
	return f, errorsAfter(f.lookAtManifest(said), f.lookAtLogs(said))
}

// err tells what is changed; nil: nothing.
func (f *folder) err() error {
	var errs []error
	for name, err := range f.changed {
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// lookAtManifest holds the manifest against the witness. Where that doesn't know it, as in a copy, only a record behind a broken place is a
// proof: each is synced before the next one is written.
func (f *folder) lookAtManifest(said []testimony) error {
	number, ok := numberOf(f.manifest, manifestPrefix, "")
	if !ok {
		return nil // Pebble refuses it
	}
	i := slices.IndexFunc(said, func(t testimony) bool { return t.manifest.number == number })
	if len(said) > 0 {
		f.said.count = said[0].count
	}
	if i >= 0 {
		f.said.manifest = said[i].manifest
		return f.compare(f.manifest, &f.said.manifest)
	}
	file, err := f.fs.Open(f.fs.PathJoin(f.dir, f.manifest))
	if err != nil {
		if notThere(err) {
			f.changed[f.manifest] = fmt.Errorf("%w: it is gone", errChanged)
			return nil
		}
		return err
	}
	defer file.Close()
	l := &salvagedLog{source: file}
	err = l.each(func([]byte) error { return nil })
	f.note(f.manifest, l)
	return err
}

// lookAtLogs looks at the newest log; of each other one Pebble itself wants that it ends in order.
func (f *folder) lookAtLogs(said []testimony) error {
	if len(said) > 0 {
		f.said.log = said[0].log
	}
	newest := uint64(0)
	if len(f.logs) > 0 {
		newest = f.logs[len(f.logs)-1]
	}
	if newest < f.said.log.number {
		f.changed[logName(f.said.log.number)] = fmt.Errorf("%w: it is gone", errChanged)
	}
	if len(f.logs) == 0 {
		return nil
	}
	name := logName(newest)
	if newest == f.said.log.number {
		if err := f.compare(name, &f.said.log); err != nil || f.changed[name] != nil {
			return err
		}
	}
	file, err := f.fs.Open(f.fs.PathJoin(f.dir, name))
	if err != nil {
		return err
	}
	defer file.Close()
	l := &salvagedLog{source: file, number: uint32(newest)}
	err = l.each(func([]byte) error { return nil })
	f.note(name, l)
	return err
}

func logName(number uint64) string { return fmt.Sprintf("%06d%s", number, logSuffix) }

// compare holds a file against what was said of it.
func (f *folder) compare(name string, said *extent) error {
	file, err := f.fs.Open(f.fs.PathJoin(f.dir, name))
	if notThere(err) {
		f.changed[name] = fmt.Errorf("%w: it is gone", errChanged)
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	length, same, err := said.holds(file)
	switch {
	case err != nil || same:
	case uint64(length) < said.length:
		f.changed[name] = fmt.Errorf("%w: %d octets of it were on stable storage, and %d are there", errChanged, said.length, length)
	default:
		f.changed[name] = fmt.Errorf("%w: of its first %d octets, which were on stable storage, some are others", errChanged, length)
	}
	return err
}

// note tells of a file that shows itself that it was damaged.
func (f *folder) note(name string, l *salvagedLog) {
	switch {
	case l.damaged > 0:
		f.changed[name] = fmt.Errorf("%w: octet %d belongs to what can't be read, and what stands behind it was written later", errChanged, l.at)
	case l.flipped >= 0:
		f.changed[name] = fmt.Errorf("%w: a bit of octet %d is flipped", errChanged, l.flipped)
	}
}
