package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/admin"
)

// TestReconfigureText: what is said of a run, before, while and after it asks.
func TestReconfigureText(t *testing.T) {
	for name, test := range map[string]struct {
		run  admin.ReconfigureRun
		want string
	}{
		"dry": {admin.ReconfigureRun{
			Selection: "link lan", Message: "renew", DryRun: true, Clients: 1, Waiting: 1, Unwilling: 1, Unreachable: 2, Peers: map[string]int{"c": 1, "b": 7},
		}, `renew for link lan would ask: 1 client
  1 lease of clients without a key: they don't accept Reconfigure, or aren't among those that reconfigure names
  2 leases of clients to which the way isn't known
  7 leases of clients of node b: ask there
  1 lease of clients of node c: ask there
`},
		"running": {admin.ReconfigureRun{Selection: "stale", Message: "rebind", Running: true, Clients: 9, Waiting: 3, Asked: 2, Answered: 3, GaveUp: 1, Sent: 8, Unwilling: 4},
			"rebind for stale goes on: 9 clients, 3 answered, 2 asked, 3 waiting, 1 gave up; 8 messages sent\n"},
		"ended": {admin.ReconfigureRun{Selection: "stale", Message: "renew", Clients: 4, Answered: 1, Gone: 1, Failed: 1, GaveUp: 1, Sent: 1, Refused: 1},
			"renew for stale has ended: 4 clients, 1 answered, 0 asked, 0 waiting, 1 gave up, 1 gone, 1 couldn't be asked, 1 messages that the kernel didn't take; 1 message sent\n"},
		"canceled": {admin.ReconfigureRun{Selection: "class east", Message: "renew", Canceled: true, Clients: 2, Waiting: 2},
			"renew for class east was ended early: 2 clients, 0 answered, 0 asked, 2 waiting, 0 gave up; 0 messages sent\n"},
	} {
		if diff := cmp.Diff(test.want, reconfigureText(&test.run)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
