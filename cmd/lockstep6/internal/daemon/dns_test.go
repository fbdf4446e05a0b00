package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestNamesInDNS: what DNS holds follows from what clients do, from the first Request to the end of the lease, whichever it is.
func TestNamesInDNS(t *testing.T) {
	n := startNaming(t)
	one, two := n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1")
	a := one.acquireNamed("one")
	n.settled(n.server, one.records("one", a))
	b := two.acquireNamed("two")
	n.settled(n.server, one.records("one", a), two.records("two", b))
	one.say(wire.Renew, a, "first")
	n.settled(n.server, one.records("first", a), two.records("two", b))
	one.say(wire.Release, a, "")
	n.settled(n.server, two.records("two", b))
	two.say(wire.Decline, b, "")
	n.settled(n.server)
	three := n.client(3, "2001:db8:1::1")
	c := three.acquireNamed("three")
	n.settled(n.server, three.records("three", c))
	n.expire()
	n.settled(n.server)
	if state, ok := newOperator(n.Daemon).DNS(); !ok || state.Queue.Done != 7 || state.Zones[0].Updates["ok"] == 0 || !state.Zones[0].Up {
		t.Errorf("%+v", state)
	}
}

// TestNameOfAnother: the name stays with whom it was given to, and both have their leases.
func TestNameOfAnother(t *testing.T) {
	n := startNaming(t)
	one, two := n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1")
	a := one.acquireNamed("host")
	n.settled(n.server, one.records("host", a))
	two.acquireNamed("host")
	n.settled(n.server, one.records("host", a))
	if state, _ := newOperator(n.Daemon).DNS(); state.Zones[0].Updates["conflict"] != 1 {
		t.Errorf("%+v", state.Zones[0])
	}
}

// TestTasksOutliveTheNode: what couldn't be done while the DNS server was down another process does, by what holds then.
func TestTasksOutliveTheNode(t *testing.T) {
	n := startNaming(t)
	one, two := n.client(1, "2001:db8:1::1"), n.client(2, "2001:db8:1::1")
	n.server.Stop()
	a, b := one.acquireNamed("one"), two.acquireNamed("two")
	one.say(wire.Release, a, "")
	n.waiting(3)
	n.until("the zone is down", func() bool {
		state, _ := newOperator(n.Daemon).DNS()
		return !state.Zones[0].Up && state.Zones[0].LastError != "" && state.Queue.Waiting == 3
	})
	n.end()
	n.server.Restart(t)
	n.restart()
	n.settled(n.server, two.records("two", b))
}

// TestFullQueue: tasks that find no room are counted, and the node's own audit mends what is missing; no earlier than all clients have
// had the time to renew.
func TestFullQueue(t *testing.T) {
	n := startNaming(t)
	later := time.Now().Add(24 * time.Hour)
	n.dns.auditWhenDue(t.Context(), later) // a store without bindings wants one
	n.wantAudits(1)
	if n.store.TaskStats().Lost {
		t.Error("an audit is due still")
	}
	if err := n.store.SetTasks(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	n.server.Stop()
	var want []string
	for i := range byte(4) {
		c := n.client(i, "2001:db8:1::1")
		host := "host-" + string('a'+rune(i))
		want = append(want, c.records(host, c.acquireNamed(host))...)
	}
	if state, _ := newOperator(n.Daemon).DNS(); state.Queue.Waiting != 2 || state.Queue.Most != 2 || state.Queue.Dropped["full"] != 2 {
		t.Errorf("%+v", state.Queue)
	}
	n.dns.auditWhenDue(t.Context(), later.Add(time.Hour)) // tasks wait: first those
	n.server.Restart(t)
	n.until("the queue is empty", func() bool { return n.store.TaskStats().Waiting == 0 })
	if got := len(n.server.zones.Texts()); got != 6 {
		t.Errorf("%d records, want those of two clients", got)
	}
	n.dns.auditWhenDue(t.Context(), time.Now()) // not all have renewed
	n.wantAudits(1)
	if err := n.store.SetTasks(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	n.dns.auditWhenDue(t.Context(), later.Add(time.Hour)) // the queue has no room for what it finds
	n.wantAudits(2)
	n.dns.auditWhenDue(t.Context(), later.Add(time.Hour+auditAgain-1))
	n.wantAudits(2)
	if err := n.store.SetTasks(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	n.dns.auditWhenDue(t.Context(), later.Add(time.Hour+auditAgain))
	n.wantAudits(3)
	n.settled(n.server, want)
	n.dns.auditWhenDue(t.Context(), later.Add(2*time.Hour))
	n.wantAudits(3)
	for _, line := range []string{"repaired=0 clean=false lost_tasks=true", "differences=4 repaired=4 clean=true lost_tasks=true"} {
		if !strings.Contains(n.log.String(), line) {
			t.Errorf("the log has no %q:\n%s", line, n.log)
		}
	}
}

func (n *namingNode) wantAudits(want int) {
	n.t.Helper()
	if got := strings.Count(n.log.String(), "id=dns-audited"); got != want {
		n.t.Fatalf("%d audits, want %d; the log:\n%s", got, want, n.log)
	}
}

// TestRegularAudits: where the configuration wants audits, each comes so long after the last one or the start, whether clients have renewed or not.
func TestRegularAudits(t *testing.T) {
	n := startNaming(t)
	n.reload(n.config + "  audit: 20m\n")
	began := time.Now()
	n.dns.auditWhenDue(t.Context(), began.Add(24*time.Hour)) // a store without bindings wants one
	n.wantAudits(1)
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{20*time.Minute - 1, 1}, {20 * time.Minute, 2}, {30 * time.Minute, 2}, {40 * time.Minute, 3}} {
		n.dns.auditWhenDue(t.Context(), began.Add(24*time.Hour+test.after))
		n.wantAudits(test.want)
	}
	if strings.Count(n.log.String(), "lost_tasks=false") != 2 {
		t.Errorf("the log:\n%s", n.log)
	}
}

// TestOwnAuditBesideRefused: a task that waits, as one does whose name the server refuses, doesn't keep the audit of what was lost away.
func TestOwnAuditBesideRefused(t *testing.T) {
	n := startNaming(t)
	one := n.client(1, "2001:db8:1::1")
	n.server.Stop()
	a := one.acquireNamed("one")
	n.waiting(1)
	n.dns.auditWhenDue(t.Context(), time.Now().Add(24*time.Hour)) // a store without bindings wants one
	n.wantAudits(1)
	n.server.Restart(t)
	n.settled(n.server, one.records("one", a))
}
