package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/admin"
)

func TestWhyText(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	refusal := func(second int, reason, message, status string) admin.Refusal {
		return admin.Refusal{
			At: at.Add(time.Duration(second) * time.Second), Message: message, DUID: "00:04:09", PeerAddress: "fe80::9", Link: "lan",
			Reason: reason, Status: status, Why: "because of " + reason, Remedy: "mend it",
		}
	}
	r := admin.Refusals{Total: 90, Skipped: 7, Refusals: []admin.Refusal{
		refusal(9, "pool-full", "Solicit", "NoAddrsAvail"), refusal(8, "no-link", "", ""), refusal(7, "pool-full", "Request", "NoAddrsAvail"),
	}}
	leases := []admin.Lease{{Lease: "2001:db8::1", Kind: "IA_NA", State: "bound", Expires: "never"}, {Lease: "2001:db8::2", Kind: "IA_NA", State: "bound", Expires: "never", Owner: "b"}}
	want := `pool-full: because of pool-full
  2 messages (Request 1, Solicit 1), answered NoAddrsAvail
  first at 2026-03-01 09:00:07, last at 2026-03-01 09:00:09
  DUID              00:04:09
  address           fe80::9
  link              lan
  do: mend it

no-link: because of no-link
  1 message (unreadable 1), no answer
  first at 2026-03-01 09:00:08, last at 2026-03-01 09:00:08
  DUID              00:04:09
  address           fe80::9
  link              lan
  do: mend it

its leases
  2001:db8::1  IA_NA, bound until never, of this node
  2001:db8::2  IA_NA, bound until never, of b

7 of 90 refusals to all clients were only counted: there were too many in a second.
`
	if diff := cmp.Diff(want, whyText("00:04:09", &r, leases)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	want = "The node remembers no refusal to this client.\n\nits leases\n  2001:db8::1  IA_NA, bound until never, of this node\n"
	if diff := cmp.Diff(want, whyText("00:04:09", &admin.Refusals{}, leases[:1])); diff != "" {
		t.Errorf("a client with a lease (-want +got):\n%s", diff)
	}
}
