package daemon

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

const reloadFile = `listen: {addresses: ["[::1]:10547"]}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64", "2001:db8:2::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
log: {leases: false}
store: {capacity: 2000}
`

const reloadCluster = `cluster:
  id: ` + clusterID + `
  key: "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
  nodes: [{name: a}, {name: b}]
` + reloadFile

func in(t *testing.T, l netip.Prefix, pool string) bool {
	t.Helper()
	return netip.MustParsePrefix(pool).Contains(l.Addr())
}

// TestReloadRenumbers: what no pool has any more its client is told with lifetimes 0 at its next Renew, beside a new lease; the plan
// said so before. Addresses and prefixes, a single node and one of a cluster.
func TestReloadRenumbers(t *testing.T) {
	for node, file := range map[string]string{"": reloadFile, "a": reloadCluster} {
		t.Run("node "+node, func(t *testing.T) {
			r := startNode(t, t.TempDir(), node, file)
			c := r.client(1, "2001:db8:1::1")
			address, prefix := c.acquire()
			before := r.site.Load().Policy.Fingerprint
			r.write(edited(t, file, `{pool: "2001:db8:1::/64"}`, `{pool: "2001:db8:2::/64"}`, "2001:db8:8000::/40", "2001:db8:9000::/40"))
			plan, err := r.Reload(t.Context(), admin.ReloadRequest{DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			want := admin.Effects{Own: admin.Effect{Renumbered: 2}}
			pools := []admin.PoolEffect{
				{Link: "lan", Pool: "2001:db8:1::/64", Kind: "IA_NA", Effects: admin.Effects{Own: admin.Effect{Renumbered: 1}}},
				{Link: "lan", Pool: "2001:db8:8000::/40", Kind: "IA_PD", Effects: admin.Effects{Own: admin.Effect{Renumbered: 1}}},
			}
			if diff := cmp.Diff(pools, plan.Pools); diff != "" || plan.Bindings != want || !plan.Changed || plan.Applied {
				t.Errorf("the plan is %+v; pools (-want +got):\n%s", plan, diff)
			}
			if plan.Fingerprint.Before != hex.EncodeToString(before[:]) || r.site.Load().Policy.Fingerprint != before {
				t.Error("a dry run changed the fingerprint, or tells another one")
			}
			if got := c.renew(address, prefix); len(got) != 2 || got[0].prefix != address || got[1].prefix != prefix || got[0].valid == 0 {
				t.Errorf("after a dry run the client got %v", got)
			}
			plan, err = r.Reload(t.Context(), admin.ReloadRequest{Digest: plan.Digest, Force: true})
			if err != nil || !plan.Applied {
				t.Fatalf("%+v, %v", plan, err)
			}
			if got := operatorState(r); got != plan.Fingerprint.After || got == plan.Fingerprint.Before {
				t.Errorf("the node has fingerprint %s, the plan said %s", got, plan.Fingerprint.After)
			}
			r.write(edited(t, file, `{pool: "2001:db8:1::/64"}`, `{pool: "2001:db8:2::/64"}`, "2001:db8:8000::/40", "2001:db8:9000::/40", "leases: false", "leases: true"))
			want.Own.Pending = 2
			if plan, err := r.Reload(t.Context(), admin.ReloadRequest{}); err != nil || plan.Bindings != want || plan.Bindings.Own.New() != 0 {
				t.Errorf("what moves nobody has the plan %+v, %v", plan.Bindings, err)
			}
			if !strings.Contains(r.log.String(), "renumbered=0 pending=2 kept=0") {
				t.Errorf("the log is\n%s", r.log)
			}
			got := c.renew(address, prefix)
			if len(got) != 4 || !in(t, got[0].prefix, "2001:db8:2::/64") || got[0].valid == 0 || got[1] != (lease{address, 0}) ||
				!in(t, got[2].prefix, "2001:db8:9000::/40") || got[2].valid == 0 || got[3] != (lease{prefix, 0}) {
				t.Errorf("the Renew is answered with %v; want new leases beside the old ones with lifetimes 0", got)
			}
			if again := c.renew(got[0].prefix, got[2].prefix); len(again) != 2 || again[0].prefix != got[0].prefix || again[1].prefix != got[2].prefix {
				t.Errorf("renewed again: %v", again)
			}
		})
	}
}

func operatorState(r *reloading) string { return newOperator(r.Daemon).State().Fingerprint }

// TestReloadRefuses: whatever is wrong, nothing changes, and each fault is told as `lockstep6 check` tells it, or with the
// field that needs a restart.
func TestReloadRefuses(t *testing.T) {
	r := startNode(t, t.TempDir(), "a", edited(t, reloadCluster, "log: {leases: false}", "log: {leases: false}\nadmin: {listen: \"127.0.0.1:0\"}"))
	good := r.inForce.text
	site := r.site.Load()
	for name, test := range map[string]struct {
		edit []string
		want []string
	}{
		"faults": {[]string{"length: 56", "length: 30", "leases: false", "leases: maybe"}, []string{
			`lockstep6.yaml:10:23: links[0].prefixes[0].pool: 2001:db8:8000::/40 is smaller`, `lockstep6.yaml:11:15: log.leases: is maybe; write true or false`}},
		"restart": {[]string{"capacity: 2000", "capacity: 3000, sync: never", "127.0.0.1:0", "127.0.0.1:1", "leases: false", "leases: false}\nlimits: {leases-per-port: 9"}, []string{
			"store.sync: can't change while the node runs; restart the node to apply it", ":14:19: store.capacity: can't change",
			"admin.listen: can't change", "limits.leases-per-port: can't change"}},
		"capacity out": {[]string{"store: {capacity: 2000}\n", "store: {renew-cache: 0.1}\n"}, []string{":13:8: store.capacity: can't change"}},
		"workers":      {[]string{`["[::1]:10547"]}`, `["[::1]:10547"], workers: 7}`}, []string{"listen.workers: can't change"}},
		"own workers":  {[]string{"{name: a}", `{name: a, listen: {addresses: ["[::1]:10547"], workers: 3}}`}, []string{"cluster.nodes[0].listen.workers: can't change"}},
		"identity":     {[]string{"5b0e4ad8", "6b0e4ad8"}, []string{"cluster.id: can't change"}},
		"own DUID":     {[]string{"{name: a}", `{name: a, duid: "00:04:01"}`}, []string{"cluster.nodes[0].duid: can't change"}},
		"no cluster":   {[]string{reloadCluster[:strings.Index(reloadCluster, "listen:")], ""}, []string{"--node a: the configuration has no cluster"}},
		"no such node": {[]string{"{name: a}", "{name: c}"}, []string{"the cluster has no such node"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.write(edited(t, string(good), test.edit...))
			_, err := r.Reload(t.Context(), admin.ReloadRequest{Force: true})
			var refused *admin.ReloadError
			if !errors.As(err, &refused) || refused.Unsafe {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in\n%v", want, err)
				}
			}
			if r.site.Load() != site || r.inForce.policy != site.Policy {
				t.Error("something changed")
			}
		})
	}
}

// TestReloadUnsafe: what nodes can't take one by one needs force; and a digest that isn't the plan's any more applies nothing.
func TestReloadUnsafe(t *testing.T) {
	r := startNode(t, t.TempDir(), "a", reloadCluster)
	r.write(edited(t, reloadCluster, `key: "01`, `key: "02`))
	_, err := r.Reload(t.Context(), admin.ReloadRequest{})
	var refused *admin.ReloadError
	if !errors.As(err, &refused) || !refused.Unsafe || !strings.Contains(err.Error(), "key") {
		t.Fatalf("another key: %v", err)
	}
	plan, err := r.Reload(t.Context(), admin.ReloadRequest{DryRun: true})
	if err != nil || plan.Safe {
		t.Fatalf("%+v, %v", plan, err)
	}
	r.write(edited(t, reloadCluster, `key: "01`, `key: "03`))
	if _, err := r.Reload(t.Context(), admin.ReloadRequest{Digest: plan.Digest, Force: true}); !errors.Is(err, admin.ErrStale) {
		t.Errorf("a file that changed since: %v", err)
	}
	if plan, err = r.Reload(t.Context(), admin.ReloadRequest{Force: true}); err != nil || !plan.Applied {
		t.Errorf("with force: %+v, %v", plan, err)
	}
}

// TestHangup: SIGHUP reloads, tells the service manager when it begins and ends, logs what is wrong, and refuses what isn't safe.
func TestHangup(t *testing.T) {
	told := notifications(t)
	r := startNode(t, t.TempDir(), "a", reloadCluster)
	r.until("the node is ready", func() bool { return told() == "READY=1|" })
	r.write(edited(t, reloadCluster, "leases: false", "leases: true, level: debug"))
	r.hangup <- syscall.SIGHUP
	reloading := regexp.MustCompile(`^READY=1\|RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n?\|READY=1\|$`)
	r.until("the service manager hears of the reload", func() bool { return reloading.MatchString(told()) })
	if !r.leaseLog.on.Load() || r.options.Level.Level().String() != "DEBUG" || !strings.Contains(r.log.String(), "id=configuration-reloaded") {
		t.Errorf("not in force: %v, %v\n%s", r.leaseLog.on.Load(), r.options.Level, r.log)
	}
	r.write(edited(t, reloadCluster, "length: 56", "length: 200"))
	r.hangup <- syscall.SIGHUP
	r.until("the fault is logged", func() bool { return strings.Contains(r.log.String(), "id=reload-fault") })
	r.until("the service manager hears of its end", func() bool { return strings.Count(told(), "READY=1|") == 3 })
	r.write(edited(t, reloadCluster, `key: "01`, `key: "02`))
	r.hangup <- syscall.SIGHUP
	r.until("the danger is logged", func() bool { return strings.Contains(r.log.String(), "id=reload-unsafe") })
	if err := os.Remove(r.file); err != nil {
		t.Fatal(err)
	}
	r.hangup <- syscall.SIGHUP
	r.until("the missing file is logged", func() bool { return strings.Contains(r.log.String(), "no such file") })
}

// TestReloadKeepsWhatIsKnownOfPeers: nodes, links and pools move to other indexes; what is known of them goes along.
func TestReloadKeepsWhatIsKnownOfPeers(t *testing.T) {
	file := edited(t, reloadCluster, "{name: b}]", "{name: b}, {name: c}]", "prefixes:", "prefixes: # of the first link\n     ")
	r := startNode(t, t.TempDir(), "a", file)
	view := r.site.Load().View
	now := newOperator(r.Daemon).Peers().Now
	r.until("c was heard", func() bool { view.Heard(2, wire.Renew, 800_000_000); return view.Messages(2, wire.Renew) > 4 })
	view.Gate.CloseAll(r.second(), peer.ReasonDrops)
	r.write(edited(t, file, "{name: a}, {name: b}, {name: c}", "{name: c, parts: [2]}, {name: a, parts: [0]}, {name: b, parts: [1]}",
		"links:\n", "links:\n  - {name: wan, addresses: [{pool: \"2001:db8:7::/64\"}]}\n"))
	if _, err := r.Reload(t.Context(), admin.ReloadRequest{Force: true}); err != nil {
		t.Fatal(err)
	}
	got := newOperator(r.Daemon).Peers()
	if got.Peers[0].Name != "c" || got.Peers[0].Messages["Renew"] < 5 || len(got.Peers[1].Messages) != 0 {
		t.Errorf("peers are %+v", got.Peers)
	}
	if got.Gates[0].Link != "wan" || !got.Gates[0].Open || got.Gates[1].Link != "lan" || got.Gates[1].Open || got.Gates[1].Since.Before(now.Add(-patience)) {
		t.Errorf("gates are %+v", got.Gates)
	}
	if !r.site.Load().View.Gate.Fresh(0, r.second()) {
		t.Error("the new link isn't taken for one of a new cluster")
	}
	r.write(file)
	if _, err := r.Reload(t.Context(), admin.ReloadRequest{Force: true}); err != nil {
		t.Fatal(err)
	}
	r.write(edited(t, file, "links:\n", "links:\n  - {name: wan, addresses: [{pool: \"2001:db8:7::/64\"}]}\n"))
	if _, err := r.Reload(t.Context(), admin.ReloadRequest{Force: true}); err != nil {
		t.Fatal(err)
	}
	if g := newOperator(r.Daemon).Peers().Gates[0]; g.Link != "wan" || g.Open || g.Reason != peer.ReasonAgain.String() {
		t.Errorf("a link that was out for a time has the gate %+v", g)
	}
}
