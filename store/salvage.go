package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// A FileState says what of a file can be read.
type FileState string

const (
	FileWhole   FileState = "whole"
	FileDamaged FileState = "damaged" // a part can't be read, or all of it
	FileMissing FileState = "missing"
	FileUnused  FileState = "unused" // a table that the store doesn't need any more
)

// A SurveyedFile is what was found of one file.
type SurveyedFile struct {
	Name  string
	Kind  string // table, log, manifest, or options
	Size  int64  // octets; of a missing one 0
	State FileState
	Err   error  // why it isn't whole
	Gaps  []Gap  // of a table
	Says  uint64 // entries that a table has by its own word; 0: unknown
	Read  uint64 // entries of a table, or records of a log, that were read
}

// Kinds of what a store holds.
var surveyedKinds = map[byte]string{
	prefixBinding: "bindings", prefixHistory: "history", prefixIndex: "index", prefixLog: "log", prefixMeta: "values", prefixOutbox: "events",
	prefixTask: "tasks",
}

// A Survey is what of a store can be read.
type Survey struct {
	Files   []SurveyedFile
	Kinds   map[string]uint64 // how many of each kind can be read: bindings (in force, log included), removals, history, index, log (changes), values, events (changes), tasks
	Broken  map[string]uint64 // how many were read and make no sense
	Refused error             // why a node couldn't start with it; nil: it could
	Guessed bool              // the manifest can't be read, so that nobody knows which tables count: all do
}

// Whole tells whether nothing is wrong.
func (s *Survey) Whole() bool {
	return s.Refused == nil && !s.Guessed && len(s.Broken) == 0 && !slices.ContainsFunc(s.Files, func(f SurveyedFile) bool { return f.damaged() })
}

func (f *SurveyedFile) damaged() bool { return f.State == FileDamaged || f.State == FileMissing }

// A Salvaging is what Check and Repair need.
type Salvaging struct {
	Options Options // Path, FS, Codec and Logger count
	// Check is called for each binding and tells whether its value makes sense. Nil: its version is looked at.
	Check func(key, value []byte) error
	// Forget names values that a repaired store is to be without, since they speak of what it had.
	Forget []string
	// Read, if not nil, is told each file that was read.
	Read func(name string)
}

// A salvage is one Check or Repair.
type salvage struct {
	Salvaging
	ctx      context.Context
	survey   Survey
	view     *view
	found    *folder
	torn     error // the manifest's end is broken
	values   map[string]metaFound
	absorbed uint64          // places of the log below it are deleted
	done     map[TaskID]bool // tasks that are deleted, and
	before   TaskID          // all before this one
	told     uint64          // places of the outbox below it were told
	given    map[uint64]bool // places of the log that were streamed, and
	tasks    map[TaskID]bool // tasks
}

// A metaFound is the newest value of a name that was met so far.
type metaFound struct {
	value    []byte
	sequence uint64 // Pebble's
}

// CheckFiles reads all of a store that no process has open, or of a copy, file by file, and changes nothing. The error is an *InUseError where the store
// is in use, wraps ErrFormat where it is of a newer release, and says what is wrong where nothing can be told; damage is no error, but in the survey.
func CheckFiles(ctx context.Context, c Salvaging) (*Survey, error) {
	s, release, err := newSalvage(ctx, c)
	if err != nil {
		return nil, explain(c.Options.Path, err)
	}
	defer release()
	if err = s.readFiles(); err == nil {
		s.survey.Refused = s.tryOpen()
		err = s.stream(s.count(func(byte, []byte, []byte) error { return nil }))
		s.survey.Kinds[surveyedKinds[prefixMeta]] = uint64(len(s.values))
	}
	return &s.survey, explain(c.Options.Path, err)
}

func newSalvage(ctx context.Context, c Salvaging) (s *salvage, release func(), err error) {
	c.Options = c.Options.withDefaults()
	if c.Check == nil {
		c.Check = func(_, value []byte) error {
			_, _, err := c.Options.Codec.Version(value)
			return err
		}
	}
	if c.Read == nil {
		c.Read = func(string) {}
	}
	if release, err = holdStopped(c.Options.FS, c.Options.Path); err != nil {
		return nil, nil, err
	}
	s = &salvage{
		Salvaging: c, ctx: ctx, survey: Survey{Kinds: map[string]uint64{}, Broken: map[string]uint64{}},
		values: map[string]metaFound{}, done: map[TaskID]bool{}, given: map[uint64]bool{}, tasks: map[TaskID]bool{},
	}
	for _, kind := range surveyedKinds {
		s.survey.Kinds[kind] = 0
	}
	s.survey.Kinds["removals"] = 0
	if s.found, err = lookInto(c.Options.FS, c.Options.Path); err == nil {
		s.view, err = newView(c.Options.FS, c.Options.Path)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return s, release, nil
}

// readFiles reads each file of the folder for itself, and puts whole tables into the view where they are damaged.
func (s *salvage) readFiles() error {
	fs, dir := s.Options.FS, s.Options.Path
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	found := false
	for _, name := range names {
		f := SurveyedFile{Name: name, State: FileWhole}
		read := func(*SurveyedFile) error { return nil }
		switch {
		case strings.HasPrefix(name, absorbName): // a pass left it before it was the base's
			continue
		case strings.HasSuffix(name, tableSuffix):
			f.Kind, read = "table", s.readTable
		case strings.HasSuffix(name, logSuffix):
			f.Kind, read = "log", func(f *SurveyedFile) error { return s.readLog(f, s.noteEntry) }
		case strings.HasPrefix(name, "MANIFEST-"):
			f.Kind, read = "manifest", s.readManifest
		case strings.HasPrefix(name, "OPTIONS-"):
			f.Kind = "options"
		default:
			continue
		}
		found = true
		if info, err := fs.Stat(fs.PathJoin(dir, name)); err == nil {
			f.Size = info.Size()
		}
		if err := errorsAfter(s.ctx.Err(), read(&f)); err != nil {
			return err
		}
		s.survey.Files = append(s.survey.Files, f)
		s.Read(name)
	}
	if !found {
		return pebble.ErrDBDoesNotExist
	}
	s.addMissingLog()
	return nil
}

// addMissingLog tells of a log that was on stable storage and isn't there.
func (s *salvage) addMissingLog() {
	for name, err := range s.found.changed {
		if strings.HasSuffix(name, logSuffix) && !slices.ContainsFunc(s.survey.Files, func(f SurveyedFile) bool { return f.Name == name }) {
			s.survey.Files = append(s.survey.Files, SurveyedFile{Name: name, Kind: "log", State: FileMissing, Err: err})
		}
	}
}

func (s *salvage) openTable(name string) (*salvagedTable, error) {
	o := pebbleOptions(nil, newMerger(s.Options.Codec), nil, nil, false)
	return openTable(s.Options.FS, s.Options.FS.PathJoin(s.Options.Path, name), o.MakeReaderOptions())
}

// readTable reads a table whole. An error is one of the view, not of the table.
func (s *salvage) readTable(f *SurveyedFile) error {
	t, err := s.openTable(f.Name)
	if err == nil {
		defer t.close()
		err = t.each(func(key pebble.InternalKey, value []byte) error {
			if len(key.UserKey) == 0 {
				return errValue
			}
			s.noteEntry(key.Kind(), uint64(key.SeqNum()), key.UserKey, value)
			return nil
		})
		f.Gaps, f.Says, f.Read = t.gaps, t.says, t.read
		if err == nil && len(t.gaps) > 0 {
			err = fmt.Errorf("%d of %d entries can't be read", t.says-min(t.read, t.says), t.says)
		}
		err = errors.Join(err, t.ranges(s.noteRange))
	}
	if err == nil {
		return nil
	}
	f.State, f.Err = FileDamaged, err
	return s.patch(f.Name, t)
}

// patch puts what can be read of a table into the view; nil: an empty one.
func (s *salvage) patch(name string, t *salvagedTable) error {
	o := pebbleOptions(nil, newMerger(s.Options.Codec), nil, nil, false)
	w := o.MakeWriterOptions(0, o.FormatMajorVersion.MaxTableFormat())
	octets, err := t.patched(w)
	if err != nil { // what it says makes no table: then without
		octets, err = (*salvagedTable)(nil).patched(w)
	}
	if err != nil {
		return err
	}
	return s.view.place(name, octets)
}

// readLog reads what is whole in one of Pebble's logs.
func (s *salvage) readLog(f *SurveyedFile, take func(kind pebble.InternalKeyKind, sequence uint64, key, value []byte)) error {
	number, err := strconv.ParseUint(strings.TrimSuffix(f.Name, logSuffix), 10, 32)
	octets, readErr := readFile(s.Options.FS, s.Options.FS.PathJoin(s.Options.Path, f.Name))
	if err = errors.Join(err, readErr); err != nil {
		f.State, f.Err = FileDamaged, err
		return nil
	}
	l := &salvagedLog{source: bytes.NewReader(octets), number: uint32(number)}
	senseless := 0
	err = l.each(func(record []byte) error {
		f.Read++
		err := entriesOf(record, func(kind pebble.InternalKeyKind, sequence uint64, key, value []byte) error {
			if len(key) > 0 {
				take(kind, sequence, key, value)
			}
			return nil
		})
		if err != nil {
			senseless++
		}
		return s.ctx.Err()
	})
	switch {
	case l.damaged > 0:
		f.State, f.Err = FileDamaged, fmt.Errorf("%d places can't be read, the first at octet %d", l.damaged, l.at)
	case senseless > 0:
		f.State, f.Err = FileDamaged, fmt.Errorf("%d of %d records make no sense", senseless, f.Read)
	case s.found.changed[f.Name] != nil:
		f.State, f.Err = FileDamaged, s.found.changed[f.Name]
	case l.flipped >= 0:
		f.State, f.Err = FileDamaged, fmt.Errorf("a bit of octet %d is flipped, and was read as it had been", l.flipped)
	}
	return err
}

// readManifest looks whether the manifest ends where a record does. What it says Pebble reads.
func (s *salvage) readManifest(f *SurveyedFile) error {
	octets, err := readFile(s.Options.FS, s.Options.FS.PathJoin(s.Options.Path, f.Name))
	if err != nil {
		f.State, f.Err = FileDamaged, err
		return nil
	}
	l := &salvagedLog{source: bytes.NewReader(octets)}
	err = l.each(func([]byte) error { f.Read++; return nil })
	if l.hole >= 0 || l.damaged > 0 || l.inside {
		s.torn = fmt.Errorf("%s is broken behind its record %d", f.Name, f.Read)
	}
	return err
}

// noteEntry learns from an entry of a table or a log what goes beyond that file.
func (s *salvage) noteEntry(kind pebble.InternalKeyKind, sequence uint64, key, value []byte) {
	switch {
	case kind == pebble.InternalKeyKindRangeDelete:
		s.noteRange(key, value)
	case kind == pebble.InternalKeyKindDelete && key[0] == prefixTask:
		if id, err := taskOf(key); err == nil {
			s.done[id] = true
		}
	case kind != pebble.InternalKeyKindSet && kind != pebble.InternalKeyKindMerge:
	case key[0] == prefixMeta:
		if was, known := s.values[string(key[1:])]; !known || sequence >= was.sequence {
			s.values[string(key[1:])] = metaFound{bytes.Clone(value), sequence}
		}
	}
}

// noteRange learns up to where the store's log was deleted, which it is when it was absorbed, and up to where tasks and the outbox were.
func (s *salvage) noteRange(from, to []byte) {
	if bytes.Equal(from, logFrom) && len(to) == 9 && to[0] == prefixLog {
		s.absorbed = max(s.absorbed, binary.BigEndian.Uint64(to[1:]))
	}
	if bytes.Equal(from, outboxFrom) && len(to) == outboxKeySize && to[0] == prefixOutbox {
		s.told = max(s.told, binary.BigEndian.Uint64(to[1:]))
	}
	if id, err := taskOf(to); err == nil && bytes.Equal(from, tasksFrom) && id.Compare(s.before) > 0 {
		s.before = id
	}
}

// tryOpen tells why a node couldn't open the store; nil: it could.
func (s *salvage) tryOpen() error {
	o := s.Options
	st := newStore(o)
	in, err := st.openInstance(true)
	if err == nil {
		if err = st.loadMeta(in); err == nil {
			return guard(in.db.Close)
		}
		in.fail(err)
	}
	in.fuse.wait(nil)
	return explain(filepath.Clean(o.Path), err)
}
