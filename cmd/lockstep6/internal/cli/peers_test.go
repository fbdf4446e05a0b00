package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/admin"
)

var peersNow = time.Date(2026, 11, 27, 9, 14, 40, 0, time.UTC)

// before is a time so many seconds before now.
func before(seconds int) time.Time { return peersNow.Add(-time.Duration(seconds) * time.Second) }

func earlier(seconds int) *time.Time { t := before(seconds); return &t }

func threePeers() *admin.Peers {
	return &admin.Peers{
		Node: "b", Preference: 0, Fingerprint: strings.Repeat("5b", 32), Now: peersNow, OwnBindings: 1204,
		Peers: []admin.Peer{{Name: "a", Preference: 255, State: "unknown"}, {Name: "c", Preference: 100, State: "unknown"}},
		Gates: []admin.Gate{{Link: "pop1", Open: true}, {Link: "pop2", Open: true}},
	}
}

// troubled is a node that has something to say in every section.
func troubled() *admin.Peers {
	p := threePeers()
	p.BackSeat = true
	p.Unshared = []admin.Unshared{{Link: "pop1", Pool: "2001:db8:8000::/40", Until: before(-600)}}
	p.Gates[0] = admin.Gate{
		Link: "pop1", Reason: "the node was away", Since: earlier(900), Until: earlier(-600), Progress: 0.634,
	}
	p.Peers[0] = admin.Peer{
		Name: "a", Preference: 255, State: "silent",
		Messages:  map[string]uint64{"Renew": 33, "Request": 120, "Decline": 1},
		LastHeard: earlier(3), Answered: 141, Repeated: 12, Rebinds: 4, LastAnswer: earlier(90000),
		Unanswered: &admin.Unanswered{Clients: 12, Since: before(157), Relays: []string{"::", "2001:db8::1", "2001:db8::2"}},
		Bindings:   admin.ObservedBindings{Confirmed: 80, Tentative: 40, Strong: 118, Weak: 2},
		Claims:     admin.Claims{First: 110, Later: 2, OtherKey: 1, Nothing: 7},
		Divergence: []admin.Divergence{{
			Link: "pop1", Pool: "2001:db8:8000::/40", Claims: 8, Unexpected: 6,
			Example: admin.Claimed{Lease: "2001:db8:8000:100::/56", DUID: "00:03:00:01:02:00:00:00:00:01", IAID: 7, At: before(60)},
		}},
	}
	p.Peers[1].State, p.Peers[1].PathBroken, p.Peers[1].LastAnswer = "alive", true, earlier(9)
	p.Peers[1].Unanswered = &admin.Unanswered{Clients: 4, Since: before(157), Relays: []string{"2001:db8::2"}}
	p.Relays = []admin.Relay{
		{Address: "::", Messages: 12, Solicits: 7},
		{Address: "2001:db8::1", Messages: 1204, Solicits: 310, Followed: 301, Ours: 102, Known: true},
		{Address: "2001:db8::2", Messages: 900, Solicits: 120, Followed: 24, Ours: 24, Known: true, ChosenOnly: true, Silent: true},
		{Address: "2001:db8::3", Messages: 90, Solicits: 25, Followed: 25, Ours: 5, Known: true, NoRenews: true},
	}
	p.Conflicts = admin.Conflicts{Mended: 5, Lost: 1, Standing: []admin.Conflict{{
		Lease: "2001:db8:8000:100::/56",
		Claims: []admin.Claim{
			{Node: "a", DUID: "00:04:01", IAID: 1, Holds: true, Strong: true, Confirmed: true, Since: before(86400)},
			{DUID: "00:04:02", IAID: 2, Since: before(30)},
		},
	}}}
	p.Twin = admin.Twin{Suspected: true, Renews: 5}
	p.Foreign = []admin.ForeignServer{
		{DUID: "00:01:00:01", Link: "pop2", Messages: 33, LastHeard: before(20)}, {DUID: "00:01:00:02", Messages: 1, LastHeard: before(10)},
	}
	p.Former = []admin.Former{{DUID: "00:04:09", Bindings: admin.ObservedBindings{Tentative: 1}}}
	return p
}

// TestPeersText holds the text against files that a person has read.
func TestPeersText(t *testing.T) {
	calm := threePeers()
	calm.Peers[1].State, calm.Peers[1].LastAnswer = "alive", earlier(9)
	calm.Peers[1].Messages, calm.Peers[1].LastHeard = map[string]uint64{"Request": 3}, earlier(9)
	calm.Peers[1].Answered = 3
	for name, p := range map[string]*admin.Peers{
		"calm": calm, "troubled": troubled(), "single": {OwnBindings: 1, Now: peersNow},
	} {
		want, err := os.ReadFile(filepath.Join("testdata", "peers-"+name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), peersText(p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s\nwhole:\n%s", name, diff, peersText(p))
		}
	}
}

// TestVerdicts: every state has its reason in words.
func TestVerdicts(t *testing.T) {
	r := report{now: peersNow}
	few := &admin.Unanswered{Clients: 1, Since: before(40), Relays: []string{"::"}}
	for _, test := range []struct {
		peer admin.Peer
		want string
	}{
		{admin.Peer{State: "unknown"}, "unknown: no client has spoken to it yet"},
		{admin.Peer{State: "unknown", Messages: map[string]uint64{"Request": 1}}, "unknown: clients have only begun to speak to it"},
		{admin.Peer{State: "unknown", LastAnswer: earlier(2000)}, "unknown: no exchange since 08:41:20"},
		{admin.Peer{State: "unknown", Unanswered: few}, "unknown: 1 client behind no relay unanswered since 09:14:00, too little to call it silent"},
		{admin.Peer{State: "alive", LastAnswer: earlier(9)}, "alive: last exchange answered at 09:14:31"},
		{admin.Peer{State: "alive", LastAnswer: earlier(9), Divergence: []admin.Divergence{{}}}, "alive: last exchange answered at 09:14:31; HAS ANOTHER CONFIGURATION"},
		{admin.Peer{State: "silent", Unanswered: few}, "SILENT: 1 client behind no relay unanswered since 09:14:00"},
	} {
		if got := r.verdict(&test.peer); got != test.want {
			t.Errorf("verdict %q, want %q", got, test.want)
		}
	}
}

// TestPeersRowsAreBounded: a network with many relays leaves the rest readable, and those with trouble come first.
func TestPeersRowsAreBounded(t *testing.T) {
	p := threePeers()
	for range 3 * mostRows {
		p.Relays = append(p.Relays, admin.Relay{Address: "2001:db8::1"})
	}
	p.Relays[len(p.Relays)-1].NoRenews = true
	text := peersText(p)
	if got := strings.Count(text, "2001:db8::1"); got != mostRows {
		t.Errorf("%d relays are shown, want %d", got, mostRows)
	}
	for _, want := range []string{"and 40 more: --format json shows all", "doesn't copy renewals"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
