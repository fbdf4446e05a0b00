package admin

import (
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A Position is a place in the order in which a node lists its leases: by the shards of its table, and by address and length
// within one. A lease keeps its place for as long as the node runs, whatever becomes of others. The zero Position is the
// beginning.
type Position struct {
	Shard int
	Key   binding.Key
}

// Precedes tells whether a lease of a shard comes behind the position.
func (p *Position) Precedes(shard int, key *binding.Key) bool {
	return shard > p.Shard || shard == p.Shard && p.Key.Compare(key) < 0
}

// Errors of a cursor.
var (
	errCursor = errors.New("this isn't a cursor that a page gave")
	errStale  = errors.New("the cursor is from before the node's last start, and leases have another order since")
)

// cursorSize is the run, the shard and the key.
const cursorSize = 8 + 4 + binding.KeySize

// cursorText writes a position in a run of the node, which is known by its start in nanoseconds.
func cursorText(run int64, p Position) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(run))
	b = binary.BigEndian.AppendUint32(b, uint32(p.Shard))
	return base64.RawURLEncoding.EncodeToString(binding.AppendKey(b, &p.Key))
}

// parseCursor reads what cursorText wrote in the same run.
func parseCursor(run int64, text string) (p Position, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != cursorSize {
		return p, errCursor
	}
	if p.Key, err = binding.DecodeKey(b[12:]); err != nil {
		return p, errCursor
	}
	if int64(binary.BigEndian.Uint64(b)) != run {
		return p, errStale
	}
	if p.Shard = int(binary.BigEndian.Uint32(b[8:])); cursorText(run, p) != text {
		return Position{}, errCursor // base64 has several texts for the same octets
	}
	return p, nil
}
