package store

import (
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Workers pipeline their batches, so the values of one key may be committed in another order than they were
// made in. The merge operator keeps the higher version, whatever the order; it is associative because "the
// higher of two" is, and of equal versions the one committed later stands (they differ in the stamp of a
// removal at most).
//
// A removal is a value like others: it wins over older ones, stays in the store, and readers pass over it. It is
// deleted by the sweep (see sweep.go). Pebble's DeletableValueMerger, which would let it vanish when it meets the
// oldest value, is not used: in v2.1.7 a compaction that drops a merge's result loses its position, and then
// panics in Pebble's own goroutine or brings the older value back (cockroachdb/pebble issue 6168, still
// open in August 2026; this package's tests met the panic).
type merger struct {
	codec Codec
	pool  sync.Pool
}

// mergerName is in every store's options file; Pebble refuses to open a store with another one.
const mergerName = "lockstep6.version.v1"

func newMerger(codec Codec) *pebble.Merger {
	m := &merger{codec: codec}
	m.pool.New = func() any { return &merge{m: m} }
	return &pebble.Merger{Name: mergerName, Merge: m.merge}
}

func (m *merger) merge(_, value []byte) (pebble.ValueMerger, error) {
	g := m.pool.Get().(*merge)
	g.best = g.best[:0]
	if err := g.take(value, true); err != nil {
		return nil, err
	}
	return g, nil
}

// A merge collects the operands of one key. It goes back to its pool when Pebble closes its result.
type merge struct {
	m       *merger
	best    []byte // the stored value that stands
	version uint64
}

var (
	_ pebble.ValueMerger = (*merge)(nil)
	_ io.Closer          = (*merge)(nil)
)

// take lets an operand compete with the best one; newer says whether it was committed later than that.
func (g *merge) take(b []byte, newer bool) error {
	value, _, _, err := stored(b)
	if err != nil {
		return err
	}
	version, _, err := g.m.codec.Version(value)
	if err != nil {
		return err
	}
	if len(g.best) > 0 && (version < g.version || version == g.version && !newer) {
		return nil
	}
	g.best = append(g.best[:0], b...)
	g.version = version
	return nil
}

// MergeNewer implements pebble.ValueMerger.
func (g *merge) MergeNewer(value []byte) error { return g.take(value, true) }

// MergeOlder implements pebble.ValueMerger.
func (g *merge) MergeOlder(value []byte) error { return g.take(value, false) }

// Finish implements pebble.ValueMerger.
func (g *merge) Finish(bool) ([]byte, io.Closer, error) { return g.best, g, nil }

// Close gives the merge back; its result is invalid from here on.
func (g *merge) Close() error {
	g.m.pool.Put(g)
	return nil
}
