package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// An instance may break between its opening and its installation, when nobody listens yet: it is replaced all the same.
func TestInstanceThatBrokeBeforeItsInstallationIsReplaced(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{FS: fs, clock: quick()}
	if err := open(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	told := newHealthLog()
	o.OnHealth = told.on
	s := newStore(testOptions(o))
	lock, err := lockDir(fs, s.o.Path)
	if err != nil {
		t.Fatal(err)
	}
	s.lock = lock
	in, err := s.openInstance(false)
	if err != nil {
		t.Fatal(err)
	}
	broke := errors.New("background work failed")
	in.fail(broke)
	s.install(in)
	if s.Healthy() || !errors.Is(s.State().Err, broke) {
		t.Errorf("state %+v of a store whose instance is broken", s.State())
	}
	go s.tellHealth()
	go s.keep()
	told.want(t, true)
	commit(t, s, change(nil, 1, 1))
	if got := s.State().Breaks; got != 1 {
		t.Errorf("broke %d times, want once", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
