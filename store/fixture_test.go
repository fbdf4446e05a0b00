package store

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// A new format gets a store of its own in testdata: turn on in newestOptions what makes a store be of it, and run
//
//	go test ./store -run TestFormats -fixture
//
// Those that are there stay as they are: each was written by the release of its format, with this file's fillFixture.
var writeFixture = flag.Bool("fixture", false, "write a store of the newest format into testdata, where there is none")

// How many leases a fixture has; of these some were renewed, and some behind them removed again.
const (
	fixtureLeases  = 200
	fixtureRenewed = 50
	fixtureRemoved = 10
)

func fixtureKey(n int) []byte {
	key := make([]byte, KeySize)
	copy(key, []byte{0x20, 0x01, 0x0d, 0xb8, 0, 1})
	key[15], key[16] = byte(n), 128
	return key
}

// fixtureValue is a lease's value as docs/store-format.md has it, of a client with a name.
func fixtureValue(n int, version uint64) []byte {
	v := binary.BigEndian.AppendUint64([]byte{1}, version)
	v = append(v, 1, 1, 1, 0, 0, 0, 0, byte(n))
	for _, seconds := range []uint32{3000, 4000, 0x30000000 + uint32(version), 0x7fffffff, 0x30000000} {
		v = binary.BigEndian.AppendUint32(v, seconds)
	}
	v = append(v, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, byte(n))
	name := append([]byte{0, 1, 'h', 7}, "example\x03net\x00"...)
	return append(append(v, 8, 0, byte(len(name))), name...)
}

func fixtureChange(n int, value []byte) []byte {
	c := binary.AppendUvarint(nil, uint64(len(value)))
	return append(append(c, fixtureKey(n)...), value...)
}

// fillFixture writes what a fixture has; between is called in the middle. News has history and tasks be told of new leases.
func fillFixture(t *testing.T, s *Store, news bool, between func()) {
	t.Helper()
	done := make(chan *worker.Write, 1)
	put := func(n int, value []byte) {
		s.Append(&worker.Write{Changes: fixtureChange(n, value), Count: 1, Done: done})
		<-done
	}
	for n := range fixtureLeases {
		value := fixtureValue(n, 1)
		if news {
			value = append(value, 255, 0, 0)
		}
		put(n, value)
	}
	between()
	for n := range fixtureRenewed {
		put(n, fixtureValue(n, 2))
	}
	for n := fixtureRenewed; n < fixtureRenewed+fixtureRemoved; n++ {
		put(n, append(binary.BigEndian.AppendUint64([]byte{1}, 2), 0))
	}
	if err := s.PutMeta(t.Context(), "duid", []byte("of a fixture")); err != nil {
		t.Fatal(err)
	}
}

// newestOptions are those of a store in the newest format.
func newestOptions(dir string) Options {
	return Options{Path: dir, Ballast: -1, Index: true, History: &History{Keep: math.MaxUint32 * time.Second}, Tasks: &Tasks{Most: 1000}, Outbox: &Outbox{Most: 1 << 20}}
}

// pack puts a stopped store's files into an archive.
func pack(t *testing.T, dir, archive string) {
	t.Helper()
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w := tar.NewWriter(z)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() == LockFile || f.Name() == "LOCK" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err == nil {
			err = w.WriteHeader(&tar.Header{Name: f.Name(), Mode: 0o600, Size: int64(len(content))})
		}
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(archive, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// unpack makes a store's folder of an archive.
func unpack(t *testing.T, archive string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	b, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err = errors.Join(err, os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err = errors.Join(err, os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantFixture looks whether a store has all that a fixture has.
func wantFixture(t *testing.T, s *Store) {
	t.Helper()
	n := 0
	err := s.Scan(nil, nil, func(key, value []byte) error {
		if n == fixtureRenewed {
			n += fixtureRemoved
		}
		version := uint64(1)
		if n < fixtureRenewed {
			version = 2
		}
		if !bytes.Equal(key, fixtureKey(n)) || !bytes.Equal(value, fixtureValue(n, version)) {
			t.Errorf("binding %d is %x with %x", n, key, value)
		}
		n++
		return nil
	})
	if err != nil || n != fixtureLeases {
		t.Errorf("bindings up to number %d, want %d; %v", n, fixtureLeases, err)
	}
	if v, _ := s.Meta("duid"); string(v) != "of a fixture" {
		t.Errorf("value %q", v)
	}
}

// A store of each format that there ever was opens with all that it has, as it is and with everything switched on; nothing in its files is told as damaged.
func TestFormats(t *testing.T) {
	if *writeFixture {
		addFixture(t)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "format-*.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[uint32]bool{}
	for _, file := range files {
		var of uint32
		if _, err := fmt.Sscanf(filepath.Base(file), "format-%d", &of); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		there[of] = true
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir := unpack(t, file)
			if survey, err := CheckFiles(t.Context(), Salvaging{Options: Options{Path: dir}}); err != nil || !survey.Whole() {
				t.Errorf("%+v %v", survey, err)
			}
			wantFormat(t, Options{Path: dir, Ballast: -1}, of, max(of, formatLog))
			wantFormat(t, newestOptions(dir), max(of, formatLog), formatOutbox)
			if of >= 3 {
				wantNews(t, dir)
			}
		})
	}
	for of := uint32(1); of <= formatOutbox; of++ {
		if !there[of] {
			t.Errorf("no store of format %d in testdata: fixture_test.go says how to make one", of)
		}
	}
}

// wantFormat reads a store of one format, and opens it twice, after which it is of another.
func wantFormat(t *testing.T, o Options, from, to uint32) {
	t.Helper()
	r, err := OpenReadOnly(o)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := r.Meta(metaFormat); binary.BigEndian.Uint32(v) != from {
		t.Errorf("format %x, want %d", v, from)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		wantFixture(t, s)
		absorb(t, s)
		wantFixture(t, s)
		if v, _ := s.Meta(metaFormat); binary.BigEndian.Uint32(v) != to {
			t.Errorf("format %x, want %d", v, to)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// wantNews looks whether history is there: the beginning of each lease. (Of the removals none was told.)
func wantNews(t *testing.T, dir string) {
	t.Helper()
	s, err := OpenReadOnly(newestOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entries := 0
	err = s.History(t.Context(), nil, func(_ []byte, of []HistoryEntry, _ []byte) error {
		entries += len(of)
		return nil
	})
	if err != nil || entries != fixtureLeases {
		t.Errorf("%d entries of history, want %d; %v", entries, fixtureLeases, err)
	}
}

// addFixture makes a store of the newest format.
func addFixture(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	s, err := Open(newestOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	fillFixture(t, s, true, func() { absorb(t, s) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	v, _ := s.Meta(metaFormat)
	archive := filepath.Join("testdata", fmt.Sprintf("format-%d.tar.gz", binary.BigEndian.Uint32(v)))
	if _, err := os.Stat(archive); err == nil {
		return
	}
	pack(t, dir, archive)
}

// A store above the newest format is refused with words, by whoever opens, reads, checks or repairs it.
func TestFormatAboveIsRefused(t *testing.T) {
	dir := unpack(t, filepath.Join("testdata", "format-2.tar.gz"))
	o := Options{Path: dir, FS: vfs.Default, Ballast: -1}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.in.db.Set(metaKey(metaFormat), binary.BigEndian.AppendUint32(nil, formatOutbox+1), pebble.Sync), s.Close()); err != nil {
		t.Fatal(err)
	}
	before := folderContent(t, dir)
	_, openErr := Open(o)
	_, readErr := OpenReadOnly(o)
	survey, checkErr := CheckFiles(t.Context(), Salvaging{Options: o})
	if checkErr == nil {
		checkErr = survey.Refused
	}
	_, repairErr := Repair(t.Context(), Salvaging{Options: o})
	for who, err := range map[string]error{"open": openErr, "read": readErr, "check": checkErr, "repair": repairErr} {
		if want := fmt.Sprintf("newer format (%d) than this binary knows (%d)", formatOutbox+1, formatOutbox); !errors.Is(err, ErrFormat) || !bytes.Contains([]byte(fmt.Sprint(err)), []byte(want)) {
			t.Errorf("%s: %v, want %q", who, err, want)
		}
	}
	for name, content := range before {
		after, err := os.ReadFile(filepath.Join(dir, name))
		if filepath.Ext(name) == tableSuffix && (err != nil || string(after) != content) {
			t.Errorf("%s was touched", name)
		}
	}
}
