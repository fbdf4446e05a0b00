package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNewsOfConflicts: the log names each lease that two clients claim, and who lost one to whom, once; of very many it
// gives the number.
func TestNewsOfConflicts(t *testing.T) {
	d, _ := nodeB(t)
	var out bytes.Buffer
	d.log = slog.New(slog.NewTextHandler(&out, nil))
	n := newNews(d)
	view := d.site.Load().View
	one := peer.Claim{Node: 0, Kind: wire.IAPD, IAID: 7, DUID: []byte{0, 4, 1}, Since: testNow, Expires: testNow + 900}
	two := peer.Claim{Node: 2, Kind: wire.IAPD, IAID: 8, DUID: []byte{0, 4, 2}, Since: testNow, Expires: testNow + 900}
	for i := range byte(20) {
		key := binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, i}, Length: 56}
		view.Conflicts.Note(&key, two, true, testNow)
		view.Conflicts.Decided(peer.Decision{Lease: key, Winner: one, Loser: two})
	}
	n.tell(testNow)
	for text, want := range map[string]int{
		`msg="two clients claim one lease" id=lease-claimed-twice `:                                                         16,
		`msg="two clients claim one lease: more of them; lockstep6 peers has all" id=leases-claimed-twice-more leases=4`:    1,
		`lease=2001:db8:8000:700::/56 loser=00:04:02 loser_iaid=8 loser_node=c winner=00:04:01 winner_iaid=7 winner_node=a`: 1,
		`msg="of two clients with one lease one lost it: more of them" id=leases-lost-more leases=4`:                        1,
	} {
		if got := strings.Count(out.String(), text); got != want {
			t.Errorf("want %d times %s, got %d in\n%s", want, text, got, out.String())
		}
	}
	out.Reset()
	n.tell(testNow)
	if out.Len() > 0 {
		t.Errorf("told again: %s", out.String())
	}
}
