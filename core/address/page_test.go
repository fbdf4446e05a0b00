package address_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestPage compares the vectors that docs/agreement.md prints with what is computed.
func TestPage(t *testing.T) {
	const begin, end = "-update -->\n", "<!-- end of vectors -->"
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	stated, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has lost the marks around its vectors", page)
	}
	computed := pageVectors(t)
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+computed+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		stated = computed
	}
	if diff := cmp.Diff(stated, computed); diff != "" {
		t.Errorf("%s states other values (-want +got):\n%s", page, diff)
	}
}

func pageVectors(t testing.TB) string {
	var b bytes.Buffer
	id := &address.Identity{DUID: pageDUID, IAID: 1, Kind: wire.IANA}
	first := at("2001:db8:1::")
	message := append(append(bytes.Clone(first[:]), pageDUID...), 0, 0, 0, 1, 0, 0, 0, 0)
	fmt.Fprintf(&b, "\nThe message of candidate 0 in 2001:db8:1::/64 has %d octets:\n\n", len(message))
	for len(message) > 0 {
		n := min(20, len(message))
		fmt.Fprintf(&b, "    % x\n", message[:n])
		message = message[n:]
	}
	b.WriteString("\n| pool | hash | candidate 0 | candidate 1 | spill in stripe 1 of 3 |\n|---|---|---|---|---|\n")
	for _, where := range []struct {
		name, pool string
		length     uint8
	}{
		{"2001:db8:1::/64", "2001:db8:1::/64", 128},
		{"2001:db8:3:0:1::/80", "2001:db8:3:0:1::/80", 128},
		{"2001:db8:4::/48, addresses", "2001:db8:4::/48", 128},
		{"2001:db8:5::a to 2001:db8:5::3e8", "2001:db8:5::a-2001:db8:5::3e8", 128},
		{"2001:db8:8000::/40, prefixes of 56", "2001:db8:8000::/40", 56},
		{"2001:db9::/32, prefixes of 48", "2001:db9::/32", 48},
	} {
		p := pool(t, where.pool, where.length)
		for _, algorithm := range bothAlgorithms {
			h := address.NewHasher(algorithm, countingKey())
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %v |\n", where.name, algorithm, text(p.Lease(h.Candidate(p, id, 0))),
				text(p.Lease(h.Candidate(p, id, 1))), h.Spill(p, id, 1, 3))
		}
	}
	b.WriteString("\n| what | value |\n|---|---|\n")
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		fmt.Fprintf(&b, "| rank of the node `a`, %s | %d |\n", algorithm, h.Rank("a", pageDUID))
	}
	const cluster = "5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11"
	duid := address.ServerDUID(cluster, "a")
	fmt.Fprintf(&b, "| server DUID of the node `a` of the cluster `%s` | `%x` |\n", cluster, duid)
	check := address.NewHasher(address.XXH64, countingKey()).KeyCheck()
	fmt.Fprintf(&b, "| key check | `%s` |\n\n", hex.EncodeToString(check[:]))
	return b.String()
}
