package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/worker"
)

// With core/binding's own codec: a removal that the core makes comes back through Load as one.
func TestDefaultCodecIsBindings(t *testing.T) {
	s := open(t, Options{})
	s.o.Codec = Options{}.withDefaults().Codec
	s.merger = newMerger(s.o.Codec)
	key := binding.Key{Address: [16]byte{0x20, 0x01, 15: 1}, Length: 128}
	done := make(chan *worker.Write, 1)
	s.Append(&worker.Write{Changes: binding.AppendRemoval(nil, &key, 7), Count: 1, Done: done})
	<-done
	var got []binding.Stored
	err := s.Load(t.Context(), 1, func(_ int, k, v []byte) error {
		stored, err := binding.DecodeValue(k, v)
		got = append(got, stored)
		return err
	}, nil)
	want := []binding.Stored{{Key: key, Version: 7, Removed: true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}
