package store

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// An intactStore is a store on a file system in memory as a power cut would leave it, with bindings in tables, in the manifest's newest records, and in the log.
type intactStore struct {
	fs       *vfs.MemFS
	bindings map[string]uint64
}

// makeIntact makes one; closed: it ends in order.
func makeIntact(t *testing.T, closed bool) intactStore {
	t.Helper()
	fs := newCrashable()
	s := open(t, Options{FS: fs, absorb: absorbSize})
	for round := range uint64(3) {
		for n := range uint64(20) {
			commit(t, s, change(nil, 100*round+n, round+1))
		}
		absorb(t, s)
		flush(t, s)
	}
	for n := range uint64(20) {
		commit(t, s, change(nil, 10*n, 100+n))
	}
	made := intactStore{bindings: contents(t, s)}
	if closed {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	made.fs = fs.CrashClone(vfs.CrashCloneCfg{})
	return made
}

// file is the content of the last of the folder's files whose name is like that.
func (m *intactStore) file(t *testing.T, prefix, suffix string) (name string, content []byte) {
	t.Helper()
	names, err := m.fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) || !strings.HasSuffix(n, suffix) })
	name = m.fs.PathJoin("db", names[len(names)-1])
	if content, err = readFile(m.fs, name); err != nil {
		t.Fatal(err)
	}
	return name, content
}

// with is a copy of the store in which a file has other content; nil: it is gone.
func (m *intactStore) with(t *testing.T, name string, content []byte) vfs.FS {
	t.Helper()
	fs := m.fs.CrashClone(vfs.CrashCloneCfg{})
	if content == nil {
		if err := fs.Remove(name); err != nil {
			t.Fatal(err)
		}
		return fs
	}
	file, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = file.Write(content)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// quickly is outcome, without opening what is refused before Pebble sees it.
func (m *intactStore) quickly(t *testing.T, what string, fs vfs.FS) (refused bool) {
	t.Helper()
	found, err := lookInto(fs, "db")
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return found.err() != nil || m.outcome(t, what, fs)
}

// outcome opens a damaged store. It must be refused with words, or have everything; it tells which.
func (m *intactStore) outcome(t *testing.T, what string, fs vfs.FS) (refused bool) {
	t.Helper()
	s, err := Open(testOptions(Options{FS: fs}))
	if err != nil {
		for _, want := range []string{"store db", "lockstep6 store check --data db", "lockstep6 store repair --data db"} {
			if !strings.Contains(err.Error(), want) {
				t.Fatalf("%s: %v doesn't tell %q", what, err, want)
			}
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%s: %v, want ErrCorrupt", what, err)
		}
		return true
	}
	got := contents(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, m.bindings) {
		t.Fatalf("%s: opened with %d bindings, and %d of %d are as they were", what, len(got), same(got, m.bindings), len(m.bindings))
	}
	return false
}

func same(a, b map[string]uint64) (n int) {
	for key, version := range a {
		if b[key] == version {
			n++
		}
	}
	return n
}

// Each octet of the manifest is damaged, and it loses its end at each place: the store is refused, for Pebble would open it without its newest tables and delete
// them. So it is where the log loses an octet of what was confirmed; whoever damages the witness loses nothing.
func TestNoSilentLoss(t *testing.T) {
	for _, closed := range []bool{false, true} {
		m := makeIntact(t, closed)
		if m.outcome(t, "whole", m.fs.CrashClone(vfs.CrashCloneCfg{})) {
			t.Fatal("a whole store is refused")
		}
		for _, kind := range []struct{ prefix, suffix string }{{manifestPrefix, ""}, {"", logSuffix}, {witnessFile, ""}} {
			t.Run(fmt.Sprintf("%s%s closed %v", kind.prefix, kind.suffix, closed), func(t *testing.T) {
				m.damageEach(t, kind.prefix, kind.suffix)
			})
		}
	}
}

// damageEach damages a file of a store in every way.
func (m *intactStore) damageEach(t *testing.T, prefix, suffix string) {
	name, content := m.file(t, prefix, suffix)
	end := len(strings.TrimRight(string(content), "\x00")) // a log may have room behind its end
	tried, refused := 0, 0
	try := func(what string, damaged []byte) {
		judge := m.quickly
		if tried++; tried%500 == 1 {
			judge = m.outcome
		}
		if judge(t, name+": "+what, m.with(t, name, damaged)) {
			refused++
		}
	}
	step := 1
	if prefix == witnessFile {
		step = 13 // each is opened
	}
	for at := 0; at < end; at += step {
		damaged := slices.Clone(content)
		damaged[at] ^= 1 << (at % 8)
		try(fmt.Sprintf("a bit of octet %d", at), damaged)
	}
	switch prefix {
	case manifestPrefix:
		for at := range end {
			try(fmt.Sprintf("cut at %d", at), content[:at])
		}
		if refused != tried {
			t.Errorf("%d of %d damages are refused", refused, tried)
		}
	case witnessFile:
		if refused > 0 {
			t.Errorf("%d of %d damages are refused", refused, tried)
		}
	default:
		if refused < tried*9/10 {
			t.Errorf("%d of %d damages are refused", refused, tried)
		}
	}
}

// Without its log, or the marker that names its manifest, a store isn't taken for a new one.
func TestMissingFilesAreMissed(t *testing.T) {
	m := makeIntact(t, false)
	for _, kind := range []struct{ prefix, suffix string }{{"", logSuffix}, {markerPrefix, ""}, {manifestPrefix, ""}} {
		name, _ := m.file(t, kind.prefix, kind.suffix)
		if !m.outcome(t, name, m.with(t, name, nil)) {
			t.Errorf("without %s it opens", name)
		}
	}
}

// A store that an older release had in between, which knows nothing of the witness, opens: its manifest and its log are others.
func TestWitnessOfAnotherTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	o := Options{Path: dir, FS: vfs.Default}
	s := open(t, o)
	fill(t, s, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(filepath.Join(dir, witnessFile))
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	fill(t, s, 100)
	flush(t, s)
	want := contents(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, witnessFile), was, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	if got := contents(t, s); !maps.Equal(got, want) {
		t.Errorf("%d bindings, want %d", len(got), len(want))
	}
}

// A log that is being written is read as it was when it was opened: neither what came later, nor what its file held before.
func TestLogIsReadUpToWhereItIs(t *testing.T) {
	fs := vfs.NewMem()
	f := newFuse(fs, "db", func(error) {}, func(error) {})
	if err := fs.MkdirAll("db", 0o700); err != nil {
		t.Fatal(err)
	}
	old, err := fs.Create("db/000001.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = old.Write([]byte(strings.Repeat("old", 100))); err != nil {
		t.Fatal(err)
	}
	log, err := f.ReuseForWrite("db/000001.log", "db/000002.log", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if _, err := log.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("new")
	reading, err := f.Open("db/000002.log")
	if err != nil {
		t.Fatal(err)
	}
	write("newer")
	got, err := io.ReadAll(reading)
	if err != nil || string(got) != "new" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(f, "db/000002.log"); err != nil || len(got) != 300 || !strings.HasPrefix(string(got), "newnewer") {
		t.Errorf("a log that is closed: %.20q, %v", got, err)
	}
}

// What was confirmed before the last housekeeping is told as lost, however much of the log's end is damaged.
func TestWitnessOfTheLog(t *testing.T) {
	fs := newCrashable()
	s := open(t, Options{FS: fs, absorb: absorbSize}) // a pass writes into the log too, and what it writes wasn't confirmed to anybody
	fill(t, s, 50)
	s.tellWitness()
	m := intactStore{bindings: contents(t, s), fs: fs.CrashClone(vfs.CrashCloneCfg{})}
	name, content := m.file(t, "", logSuffix)
	end := len(strings.TrimRight(string(content), "\x00"))
	for lost := 1; lost < end; lost += 97 {
		if !m.outcome(t, "zeros", m.with(t, name, append(slices.Clone(content[:end-lost]), make([]byte, lost)...))) {
			t.Errorf("without its last %d octets it opens", lost)
		}
		if !m.outcome(t, "cut", m.with(t, name, content[:end-lost])) {
			t.Errorf("cut by %d octets it opens", lost)
		}
	}
}
