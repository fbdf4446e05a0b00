package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// The tests' own codec, so that they say what they mean: a change is key(17) length(2) value, a value is
// version(8) removed(1) text.
var testCodec = Codec{Next: testNext, Version: testVersion}

var errTestCodec = errors.New("not a change of the tests' codec")

func testNext(b []byte) (key, value, rest []byte, err error) {
	if len(b) < KeySize+2 {
		return nil, nil, nil, errTestCodec
	}
	n := int(binary.BigEndian.Uint16(b[KeySize:]))
	end := KeySize + 2 + n
	if len(b) < end {
		return nil, nil, nil, errTestCodec
	}
	return b[:KeySize], b[KeySize+2 : end], b[end:], nil
}

func testVersion(value []byte) (version uint64, removed bool, err error) {
	if len(value) < 9 {
		return 0, false, errTestCodec
	}
	return binary.BigEndian.Uint64(value), value[8] == 1, nil
}

// testKey is the n-th key.
func testKey(n uint64) []byte {
	key := make([]byte, KeySize)
	key[0], key[1] = 0x20, 0x01
	binary.BigEndian.PutUint64(key[8:], n*0x9e3779b97f4a7c15)
	key[16] = 128
	return key
}

func testValue(version uint64, removed bool, text string) []byte {
	b := binary.BigEndian.AppendUint64(nil, version)
	if removed {
		return append(b, 1)
	}
	return append(append(b, 0), text...)
}

// change appends a change of the n-th key; its text tells its version.
func change(b []byte, n, version uint64) []byte {
	return appendChange(b, n, testValue(version, false, fmt.Sprint("v", version)))
}

// removal appends the n-th key's removal.
func removal(b []byte, n, version uint64) []byte {
	return appendChange(b, n, testValue(version, true, ""))
}

func appendChange(b []byte, n uint64, value []byte) []byte {
	b = append(b, testKey(n)...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// contents reads what bindings a store holds: the versions by key.
func contents(t testing.TB, s interface {
	Scan(from, to []byte, f func(key, value []byte) error) error
}) map[string]uint64 {
	t.Helper()
	got := map[string]uint64{}
	err := s.Scan(nil, nil, func(key, value []byte) error {
		version, _, err := testVersion(value)
		got[string(key)] = version
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// versions is the same for expectations: pairs of a key's number and its version.
func versions(pairs ...uint64) map[string]uint64 {
	want := map[string]uint64{}
	for i := 0; i < len(pairs); i += 2 {
		want[string(testKey(pairs[i]))] = pairs[i+1]
	}
	return want
}

// open opens a store for a test, and closes it at the test's end unless the test did.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(testOptions(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, errClosed) {
			t.Error(err)
		}
	})
	return s
}

func testOptions(o Options) Options {
	if o.Path == "" {
		o.Path = "db"
	}
	if o.FS == nil {
		o.FS = vfs.NewMem()
	}
	if o.Codec.Next == nil {
		o.Codec = testCodec
	}
	if o.absorb == 0 {
		o.absorb = 1000 // so that the log is absorbed all the time
	}
	if o.taskMarks == 0 {
		o.taskMarks = 4
	}
	if o.Ballast == 0 {
		o.Ballast = -1
	}
	return o
}

// commit appends changes and waits for their confirmation.
func commit(t testing.TB, s *Store, changes []byte) {
	t.Helper()
	done := make(chan *worker.Write, 1)
	w := &worker.Write{Changes: changes, Count: 1, Done: done}
	s.Append(w)
	if got := <-done; got != w {
		t.Fatal("another write came back")
	}
}

// seeded returns a random source and logs its seed.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
