package store

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Workers pipeline their batches, so the values of one key may be committed in another order than they were
// made in. The merge operator keeps the higher version, whatever the order; it is associative because "the
// higher of two" is, and of equal versions the one committed later stands (they differ in the time of a
// removal at most).
//
// # Removals
//
// A removal is a value too, and wins over older ones. It may vanish only together with everything older,
// and only when nothing older can be committed any more:
//
//   - Together: Pebble calls DeletableFinish with includesBase when the merge ran down to a Set. It then drops
//     the operands and leaves what lies below alone, so there must be nothing below. A Set of ours comes only from
//     Pebble itself, when a compaction found nothing older beneath the key. A Delete would break that: Merge
//     over Delete counts as base as well, with older values possibly below. Hence no Set and no Delete for bindings.
//   - Not any more: the horizon. A removal committed before it is older than anything that is still unconfirmed,
//     with a grace for a worker that was stopped between its compare-and-swap and Append. It is 0 until Load has
//     seen every value, so that HighestVersion covers removals.
//
// A removal that a compaction finds at the base while it is too young becomes a Set, and compactions don't call the
// operator for a single Set. Those are counted, and swept later: merged once more, unchanged.
type merger struct {
	codec   Codec
	horizon *atomic.Uint32 // Unix seconds
	stuck   *atomic.Uint64 // removals kept at the base
	pool    sync.Pool
}

// mergerName is in every store's options file; Pebble refuses to open a store with another one.
const mergerName = "lockstep6.version.v1"

func newMerger(codec Codec, horizon *atomic.Uint32, stuck *atomic.Uint64) *pebble.Merger {
	m := &merger{codec: codec, horizon: horizon, stuck: stuck}
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
	removed bool
	since   uint32
}

var (
	_ pebble.DeletableValueMerger = (*merge)(nil)
	_ io.Closer                   = (*merge)(nil)
)

// take lets an operand compete with the best one; newer says whether it was committed later than that.
func (g *merge) take(b []byte, newer bool) error {
	value, removed, since, err := stored(b)
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
	g.version, g.removed, g.since = version, removed, since
	return nil
}

// MergeNewer implements pebble.ValueMerger.
func (g *merge) MergeNewer(value []byte) error { return g.take(value, true) }

// MergeOlder implements pebble.ValueMerger.
func (g *merge) MergeOlder(value []byte) error { return g.take(value, false) }

// Finish implements pebble.ValueMerger. Pebble calls DeletableFinish instead where it can delete.
func (g *merge) Finish(bool) ([]byte, io.Closer, error) { return g.best, g, nil }

// DeletableFinish implements pebble.DeletableValueMerger.
func (g *merge) DeletableFinish(includesBase bool) ([]byte, bool, io.Closer, error) {
	if !g.removed || !includesBase {
		return g.best, false, g, nil
	}
	if g.since < g.m.horizon.Load() {
		return nil, true, g, nil
	}
	g.m.stuck.Add(1)
	return g.best, false, g, nil
}

// Close gives the merge back; its result is invalid from here on.
func (g *merge) Close() error {
	g.m.pool.Put(g)
	return nil
}
