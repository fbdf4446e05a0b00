package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// TestReloadMovesZones: other servers hold from the next update on, and what waits for the former ones goes to them too.
func TestReloadMovesZones(t *testing.T) {
	n := startNaming(t)
	one, two := n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1")
	a := one.acquireNamed("one")
	n.settled(n.server, one.records("one", a))
	n.server.Stop()
	b := two.acquireNamed("two")
	n.until("the zone is down", func() bool { state, _ := newOperator(n.Daemon).DNS(); return !state.Zones[0].Up })
	other := startZones(t)
	n.reload(strings.ReplaceAll(n.config, n.server.addr.String(), other.addr.String()))
	n.settled(other, two.records("two", b))
	state, _ := newOperator(n.Daemon).DNS()
	if z := state.Zones[0]; !z.Up || z.Server != other.addr.String() || len(z.Servers) != 1 || z.Since.IsZero() {
		t.Errorf("%+v", z)
	}
}

// TestReloadRefusesKeys: a key that can't be read is told with its place, and nothing changes.
func TestReloadRefusesKeys(t *testing.T) {
	n := startNaming(t)
	settings, _ := n.dns.inForce()
	garbage := filepath.Join(n.folder, "garbage.key")
	if err := os.WriteFile(garbage, []byte("no key at all!\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]string{
		"file:none.key":         "none.key: no such file",
		"file:garbage.key":      "base64",
		"env:LOCKSTEP6_NO_SUCH": "the environment has no LOCKSTEP6_NO_SUCH",
	} {
		n.write(strings.Replace(n.config, "file:dns.key", secret, 1))
		_, err := n.Reload(t.Context(), admin.ReloadRequest{Force: true})
		var why *admin.ReloadError
		if !errors.As(err, &why) || len(why.Faults) != 1 {
			t.Fatalf("%s: %v", secret, err)
		}
		fault := why.Faults[0]
		if !strings.HasPrefix(fault, n.file+":14:34: dns.keys[0].secret: ") || !strings.Contains(fault, want) || strings.Count(fault, "; ") != 1 {
			t.Errorf("%s: %s", secret, fault)
		}
		if now, _ := n.dns.inForce(); now != settings {
			t.Errorf("%s: other settings are in force", secret)
		}
	}
	c := n.client(1, "2001:db8:1::1")
	n.settled(n.server, c.records("one", c.acquireNamed("one")))
}

// TestReloadEndsUpdates: with updates: false nothing is added, and of leases that end the records are removed.
func TestReloadEndsUpdates(t *testing.T) {
	n := startNaming(t)
	one, two := n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1")
	a := one.acquireNamed("one")
	n.settled(n.server, one.records("one", a))
	n.reload(strings.Replace(n.config, "  timeout: 10s\n", "  timeout: 10s\n  updates: false\n", 1))
	two.send(wire.Solicit, append(ia(nil, wire.IANA), fqdn("two")...), false)
	two.send(wire.Request, append(ia(nil, wire.IANA, two.receive()[0].prefix), fqdn("two")...), true)
	if got := two.receive(); len(got) != 1 || got[0].valid == 0 {
		t.Fatalf("got %v", got)
	}
	n.settled(n.server, one.records("one", a))
	if state, ok := newOperator(n.Daemon).DNS(); !ok || state.Updates {
		t.Errorf("%v, %+v", ok, state)
	}
	one.say(wire.Release, a, "")
	n.settled(n.server)
}

// TestReloadWithoutDNS: what waits when the section goes stays and is told of; when it comes back it is done, and an audit mends the rest.
func TestReloadWithoutDNS(t *testing.T) {
	n := startNaming(t)
	later := time.Now().Add(24 * time.Hour)
	n.dns.auditWhenDue(t.Context(), later)
	with := n.config
	one, two, three := n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1"), n.client(3, "2001:db8:1::1")
	a, b := one.acquireNamed("one"), two.acquireNamed("two")
	n.settled(n.server, one.records("one", a), two.records("two", b))
	n.server.Stop()
	c := three.acquireNamed("three")
	n.waiting(1)
	n.reload(reloadFile)
	n.wantLeft(1)
	if _, ok := newOperator(n.Daemon).DNS(); ok {
		t.Error("there is DNS to tell of")
	}
	if _, err := n.dns.audit(t.Context(), admin.DNSAuditRequest{}, false); !errors.Is(err, admin.ErrNoDNS) {
		t.Errorf("an audit: %v", err)
	}
	one.say(wire.Release, a, "") // nobody notes that
	n.waiting(1)
	n.restart()
	n.wantLeft(1)
	n.waiting(1)
	n.server.Restart(t)
	n.reload(with)
	n.settled(n.server, one.records("one", a), two.records("two", b), three.records("three", c))
	n.dns.auditWhenDue(t.Context(), later.Add(time.Hour))
	n.settled(n.server, two.records("two", b), three.records("three", c))
	if n.store.TaskStats().Lost {
		t.Error("an audit is due still")
	}
}

// wantLeft waits for the warning of one task that nobody does.
func (n *namingNode) wantLeft(tasks int) {
	n.t.Helper()
	n.until("what is left is told", func() bool { return strings.Count(n.log.String(), "id=dns-left waiting=1") == tasks })
}
