package query

import (
	"encoding/binary"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestWants: a list of codes means the same, however long it is.
func TestWants(t *testing.T) {
	for _, n := range []int{0, 1, fewCodes, fewCodes + 1, 30_000} {
		var codes []byte
		for i := range n {
			codes = binary.BigEndian.AppendUint16(codes, uint16(2*i+1)) // odd ones
		}
		q, fault := read(t, AppendQuestion(nil, wire.Leasequery, [3]byte{1, 2, 3}, requestor, &Question{Type: ByLink, LinkAddress: link, Options: codes}), Bulk)
		if fault != nil || (q.listed != nil) != (n > fewCodes) {
			t.Fatalf("%d codes: %v, compiled %t", n, fault, q.listed != nil)
		}
		for code := range 1 << 16 {
			if got, want := q.Wants(wire.OptionCode(code)), code%2 == 1 && code < 2*n; got != want {
				t.Fatalf("%d codes: wants %d: %t", n, code, got)
			}
		}
	}
}
