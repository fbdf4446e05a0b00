package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/hook"
)

// A listener is a receiver that does as docs/hooks.md says.
type listener struct {
	*httptest.Server
	mu   sync.Mutex
	away bool
	seen []hook.Event
	has  map[string]hook.Event
}

func newListener(t *testing.T) *listener {
	l := &listener{has: make(map[string]hook.Event)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		var body struct{ Events []hook.Event }
		if r.Header.Get("Authorization") != "Bearer "+apiToken || json.NewDecoder(r.Body).Decode(&body) != nil || l.away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		for _, e := range body.Events {
			l.take(e)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) take(e hook.Event) {
	l.seen = append(l.seen, e)
	switch e.Event {
	case hook.Add, hook.Change, hook.ListItem:
		l.has[e.Lease] = e
	case hook.Remove:
		delete(l.has, e.Lease)
	case hook.ListEnd:
		for lease, had := range l.has {
			if had.List < e.List {
				delete(l.has, lease)
			}
		}
	}
}

// leases are those that it has, in order.
func (l *listener) leases() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for lease := range l.has {
		all = append(all, lease)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// events are those that it saw, without those of lists.
func (l *listener) events() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.seen {
		if !strings.HasPrefix(e.Event, "list-") {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Event, e.Lease, e.Reason)))
		}
	}
	return lines
}

func (l *listener) lists() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.seen {
		if e.Event == hook.ListEnd {
			n++
		}
	}
	return n
}

func (l *listener) isAway(away bool) { l.mu.Lock(); defer l.mu.Unlock(); l.away = away }

const hookedLink = `
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
listen: {workers: 1, addresses: ["[::1]:10547"]}
`

func hooksOf(url string, more string) string {
	return hookedLink + "hooks: [{name: routes, url: \"" + url + "\", token: file:admin.token" + more + "}]\n"
}

// startHooked runs a single node with a token beside its file.
func startHooked(t *testing.T, folder, config string) *reloading {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "admin.token"), []byte(apiToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return startNode(t, folder, "", config)
}

// TestHookFollows: a receiver has the prefixes that stand, by what it is told of grants, renewals, releases and ends, when it was away,
// and after a restart.
func TestHookFollows(t *testing.T) {
	to, folder := newListener(t), t.TempDir()
	r := startHooked(t, folder, hooksOf(to.URL, ""))
	r.until("it is told a list", func() bool { return to.lists() == 1 })
	one, two := r.client(1, "2001:db8:1::1"), r.client(2, "2001:db8:1::1")
	address, first := one.acquire()
	r.until("it has the first prefix", func() bool { return to.leases() == first.String() })
	to.mu.Lock()
	got := to.has[first.String()]
	to.mu.Unlock()
	if got.ValidUntil == nil || got.ValidUntil.Before(time.Now()) || got.List == 0 {
		t.Errorf("it is valid until %v, of list %d", got.ValidUntil, got.List)
	}
	got.ValidUntil, got.List = nil, 0
	want := hook.Event{
		Event: "add", Hook: "routes", Lease: first.String(), Kind: "IA_PD", DUID: "00:03:00:01:02:00:00:00:00:01", IAID: "7", PeerAddress: "fe80::",
		LinkAddress: "2001:db8:1::1", Hardware: "02:00:00:00:00:01", Link: "lan",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	one.renew(address, first)
	_, second := two.acquire()
	both := []string{first.String(), second.String()}
	slices.Sort(both)
	r.until("it has both prefixes", func() bool { return to.leases() == strings.Join(both, " ") })
	two.send(wire.Release, ia(nil, wire.IAPD, second), true)
	two.receive()
	r.until("the second one is gone", func() bool { return to.leases() == first.String() })
	wanted := []string{"add " + first.String(), "add " + second.String(), "remove " + second.String() + " released"}
	if diff := cmp.Diff(wanted, to.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	// Gone while nobody is told of it: the list of the next start lacks it.
	to.isAway(true)
	one.send(wire.Release, ia(nil, wire.IAPD, first), true)
	one.receive()
	_, third := r.client(3, "2001:db8:1::1").acquire()
	r.until("it fails", func() bool { return !newOperator(r.Daemon).Hooks()[0].Up })
	r.end()
	if to.leases() != first.String() {
		t.Fatalf("it has %s", to.leases())
	}
	to.isAway(false)
	r = startHooked(t, folder, hooksOf(to.URL, ""))
	r.until("it has what stands", func() bool { return to.leases() == third.String() })
}

// TestHookOfEnded: a lease that is reclaimed is told of, with where its client was.
func TestHookOfEnded(t *testing.T) {
	to := newListener(t)
	r := startHooked(t, t.TempDir(), hooksOf(to.URL, ", on: [addresses, prefixes]"))
	now := r.second()
	peerAddress := [16]byte{0xfe, 0x80, 15: 9}
	d := binding.Draft{
		Key: binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, 9}, Length: 56}, Kind: wire.IAPD, DUID: []byte{0, 3, 0, 1, 9}, State: binding.Bound,
		Valid: 10, LastTransaction: now - 200, Since: now - 200, Expires: now - 100,
		Extension: binding.AppendExtension(nil, binding.ExtPeerAddress, peerAddress[:]),
	}
	h := r.table.NewHandle()
	defer h.Close()
	h.Enter()
	_, outcome := h.Publish(nil, &d)
	h.Leave()
	if outcome != binding.Published {
		t.Fatal(outcome)
	}
	r.until("its end is told", func() bool { return len(to.events()) == 1 })
	if got := to.events()[0]; got != "remove 2001:db8:8000:900::/56 ended" {
		t.Errorf("it was told %s", got)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	if e := to.seen[len(to.seen)-1]; e.PeerAddress != "fe80::9" || e.DUID != "00:03:00:01:09" || e.Link != "lan" {
		t.Errorf("it was told %+v", e)
	}
}

// TestHookReload: hooks come and go while the node runs, those that stay aren't told anew, and one that missed changes is.
func TestHookReload(t *testing.T) {
	to, other := newListener(t), newListener(t)
	r := startHooked(t, t.TempDir(), hookedLink)
	address, prefix := r.client(1, "2001:db8:1::1").acquire()
	reload := func(config string) {
		t.Helper()
		r.write(config)
		if _, err := r.Reload(t.Context(), admin.ReloadRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	one := hooksOf(to.URL, "")
	reload(one)
	r.until("it has the prefix", func() bool { return to.lists() == 1 && to.leases() == prefix.String() })
	both := strings.TrimSuffix(one, "]\n") + ", {name: other, url: \"" + other.URL + "\", token: file:admin.token, on: addresses, links: [lan]}]\n"
	reload(both)
	r.until("the other one has the address", func() bool { return other.lists() == 1 && other.leases() == address.Addr().String() })
	if to.lists() != 1 {
		t.Errorf("the first one was told %d lists", to.lists())
	}
	second, _ := r.client(2, "2001:db8:1::1").acquire()
	r.until("it is told of another address", func() bool { return strings.Contains(other.leases(), second.Addr().String()) })
	reload(one)
	if got := newOperator(r.Daemon).Hooks(); len(got) != 1 || got[0].Name != "routes" || !got[0].Up {
		t.Errorf("hooks are %+v", got)
	}
	r.feed.mu.Lock()
	for w := range r.feed.followers {
		r.feed.drop(w)
	}
	r.feed.mu.Unlock()
	r.until("who missed changes is told a list", func() bool { return to.lists() == 2 })
	if err := newOperator(r.Daemon).ResendHook("routes"); err != nil {
		t.Error(err)
	}
	r.until("who is to be told a list is", func() bool { return to.lists() == 3 })
	if err := newOperator(r.Daemon).ResendHook("other"); err != admin.ErrNoHook {
		t.Errorf("%v", err)
	}
	if !strings.Contains(r.log.String(), "id=hook-behind") || !strings.Contains(r.log.String(), "id=hook-list-sent") {
		t.Errorf("the log says %s", r.log)
	}
}

// TestHookTellsNames: a receiver is told what a client is called, when it is called another, and after a restart.
func TestHookTellsNames(t *testing.T) {
	to, n := newListener(t), startNaming(t)
	if err := os.WriteFile(filepath.Join(n.folder, "admin.token"), []byte(apiToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.reload(n.config + "hooks: [{name: names, url: \"" + to.URL + "\", token: file:admin.token, on: addresses}]\n")
	is := func(event, name string) func() bool {
		return func() bool {
			to.mu.Lock()
			defer to.mu.Unlock()
			for _, e := range to.has {
				return e.Event == event && e.Hostname == name
			}
			return false
		}
	}
	n.until("it has the list", func() bool { return to.lists() == 1 }) // else the lease would be part of it
	one := n.client(1, "2001:db8:1::1")
	address := one.acquireNamed("one")
	n.until("it is told the name", is("add", "one.example.net"))
	one.say(wire.Renew, address, "first")
	n.until("it is told the other name", is("change", "first.example.net"))
	n.restart()
	n.until("it is told the name again", is("list-item", "first.example.net"))
	n.until("it has the list again", func() bool { return to.lists() == 2 })
	again := n.client(1, "2001:db8:1::1")
	again.server = one.server
	again.say(wire.Release, address, "")
	n.until("the lease is gone", func() bool { return to.leases() == "" })
	to.mu.Lock()
	defer to.mu.Unlock()
	if e := to.seen[len(to.seen)-1]; e.Event != "remove" || e.Hostname != "first.example.net" {
		t.Errorf("it was told %+v", e)
	}
}

// TestHookWithoutIAID: an IAID that a server couldn't tell isn't taken for 0.
func TestHookWithoutIAID(t *testing.T) {
	d, _ := nodeB(t)
	r := &chooser{d: d, prefixes: true, observed: true}
	s := binding.Stored{Key: binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80}, Length: 56}, Kind: wire.IAPD, DUID: []byte{0, 3, 0, 1, 9}, Owner: 1}
	if e := r.event(&s); e.IAID != "0" || e.IAIDUnknown {
		t.Errorf("IAID %q, unknown: %t", e.IAID, e.IAIDUnknown)
	}
	s.Flags = binding.FlagAnonymous
	if e := r.event(&s); e.IAID != "" || !e.IAIDUnknown {
		t.Errorf("IAID %q, unknown: %t", e.IAID, e.IAIDUnknown)
	}
}

// TestHookOwners: leases of peers are told of to who wants them, and one that goes from one node to another is told of.
func TestHookOwners(t *testing.T) {
	key := binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80}, Length: 56}
	own := binding.Stored{
		Key: key, Kind: wire.IAPD, DUID: []byte{0, 3, 0, 1, 9}, State: binding.Bound, Owner: peer.Self, Valid: 60, Expires: testNow + 60, News: true,
	}
	theirs, declined := own, own
	theirs.Owner, declined.State = 1, binding.Declined
	renewed := own
	renewed.News = false
	elsewhere := own
	elsewhere.Key.Address[1] = 2
	gone := binding.Stored{Key: key, Removed: true, News: true}
	for name, c := range map[string]struct {
		hook        config.Hook
		before, now *binding.Stored
		want        string
	}{
		"granted":             {config.Hook{Prefixes: true}, nil, &own, "add"},
		"renewed":             {config.Hook{Prefixes: true}, nil, &renewed, ""},
		"renewals wanted":     {config.Hook{Prefixes: true, Renewals: true}, nil, &renewed, "change"},
		"elsewhere now":       {config.Hook{Prefixes: true}, &own, &own, "change"},
		"a peer's":            {config.Hook{Prefixes: true}, nil, &theirs, ""},
		"a peer's, wanted":    {config.Hook{Prefixes: true, Observed: true}, nil, &theirs, "add"},
		"to a peer":           {config.Hook{Prefixes: true}, &own, &theirs, "remove peer"},
		"to a peer, wanted":   {config.Hook{Prefixes: true, Observed: true}, &own, &theirs, "change"},
		"from a peer":         {config.Hook{Prefixes: true}, &theirs, &own, "add"},
		"declined":            {config.Hook{Prefixes: true}, &own, &declined, "remove declined"},
		"reclaimed":           {config.Hook{Prefixes: true}, &own, &gone, "remove ended"},
		"a peer's, reclaimed": {config.Hook{Prefixes: true}, &theirs, &gone, ""},
		"another kind":        {config.Hook{Addresses: true}, nil, &own, ""},
		"its link":            {config.Hook{Prefixes: true, Links: []string{"lan"}}, nil, &own, "add"},
		"another link":        {config.Hook{Prefixes: true, Links: []string{"lan"}}, nil, &elsewhere, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := nodeB(t)
			r := &chooser{
				d: d, addresses: c.hook.Addresses, prefixes: c.hook.Prefixes, observed: c.hook.Observed, renewals: c.hook.Renewals, links: c.hook.Links,
			}
			got := r.changed(c.now, c.before != nil && r.concerns(c.before), testNow)
			if got == hook.Remove {
				got += " " + gonePast(c.now)
			}
			if got != c.want {
				t.Errorf("it is told %q, want %q", got, c.want)
			}
		})
	}
}
