package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/policy"
)

// crowded is a link that has too little of everything, in some variants that a reload changes between.
var crowded = []string{`
listen: {interfaces: [eth0]}
store: {renew-cache: 0.5}
options: {dns-servers: ["2001:db8::53"]}
decline: {quarantine: 10m, max-per-client: 2}
lifetimes: {preferred: 600, valid: 1000, renew: 300, rebind: 480}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::100-2001:db8:1::13f", exclude: ["2001:db8:1::110-2001:db8:1::117"]}]
    prefixes:
      - {pool: "2001:db8:8000::/51", length: 56, excluded-prefix: {length: 64, id: 1}}
      - {pool: "2001:db8:9000::/44", length: 48}
    reservations:
      - {duid: "00:03:00:01:00:00:00:00:00:01", addresses: ["2001:db8:1::100", "2001:db8:1::101"], prefixes: ["2001:db8:8000:100::/56"]}
      - {duid: "00:03:00:01:00:00:00:00:00:02", addresses: ["2001:db8:1::102"], prefixes: ["2001:db8:a000::/48"]}
`, `
listen: {interfaces: [eth0]}
store: {renew-cache: 0.25}
rapid-commit: all
decline: {quarantine: 10m, max-per-client: 2}
lifetimes: {preferred: 600, valid: 1000, renew: 300, rebind: 480}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::100-2001:db8:1::14f"}]
    prefixes:
      - {pool: "2001:db8:8000::/51", length: 58}
      - {pool: "2001:db8:9000::/44", length: 46}
    reservations:
      - {duid: "00:03:00:01:00:00:00:00:00:03", addresses: ["2001:db8:1::103"], prefixes: ["2001:db8:8000:200::/58"]}
`, `
listen: {interfaces: [eth0]}
lifetimes: {preferred: 600, valid: 1000, renew: 300, rebind: 480}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::100-2001:db8:1::11f"}, {pool: "2001:db8:1:0:8000::-2001:db8:1:0:8000::f"}]
    prefixes: [{pool: "2001:db8:8000::/51", length: 54}]
`}

func crowdedPolicies(t testing.TB) (out []*policy.Policy) {
	t.Helper()
	for _, text := range crowded {
		out = append(out, mustCompile(t, text, ""))
	}
	return out
}

// TestWorld lets some hundred clients loose on several workers over one table, whose steps are interleaved as the seed
// says, with slow writes, crashes, sweeps and reloads. What must hold is checked at each reply (see deliver): no two
// clients have one lease, or overlapping ones; nobody is told what a crash would lose; versions are written once.
func TestWorld(t *testing.T) {
	policies := crowdedPolicies(t)
	seeds, steps := uint64(12), 8000
	if testing.Short() || raceDetector {
		seeds, steps = 3, 4000
	}
	for seed := range seeds {
		w := newWorld(t, seed, policies, 150)
		steps := steps
		if w.quick = seed%3 == 1; w.quick {
			steps /= 2 // more happens in each
		}
		for step := 0; step < steps && len(w.faults) == 0; step++ {
			w.step()
			if len(w.faults) > 0 {
				t.Errorf("seed %d step %d: %s", seed, step, w.faults)
			}
		}
		w.close()
		s := &w.stats
		t.Logf("seed %d: %+v", seed, *s)
		if s.grants < 300 || s.advertises < 100 || s.crashes == 0 || s.sweeps == 0 || s.reloads == 0 || s.nested == 0 || s.again == 0 || w.quick && s.spared < 100 {
			t.Errorf("seed %d: too little happened to prove anything: %+v", seed, *s)
		}
	}
}

// TestWorldByRank is TestWorld over reloads that change what clients are known by. A client that asks for its IAs one by one, by rank
// has one lease for both: docs/identity.md says so.
func TestWorldByRank(t *testing.T) {
	var policies []*policy.Policy
	for _, identity := range []string{"duid-iaid", "duid-rank", "hardware-address"} {
		policies = append(policies, mustCompile(t, "identity: "+identity+crowded[0], ""))
	}
	for seed := range uint64(4) {
		w := newWorld(t, seed, policies, 60)
		for step := 0; step < 3000 && len(w.faults) == 0; step++ {
			w.step()
			w.faults = slices.DeleteFunc(w.faults, func(fault string) bool { return strings.HasPrefix(fault, "two IAs of client") })
		}
		w.close()
		if len(w.faults) > 0 || w.stats.grants < 100 || w.stats.reloads == 0 {
			t.Errorf("seed %d: %s, %+v", seed, w.faults, w.stats)
		}
	}
}

// TestWorldNotices breaks a rule on purpose; the checks of TestWorld must find out.
func TestWorldNotices(t *testing.T) {
	policies := crowdedPolicies(t)
	for _, test := range []struct {
		mutation mutation
		name     string
		fault    string
	}{
		{forgets, "a binding vanishes", "both have"},
		{hurries, "a reply doesn't wait for its write", "before version"},
		{hastens, "a worker's clock runs ahead", "both have"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(5) {
				w := newWorld(t, seed, policies[:1], 150)
				w.mutation = test.mutation
				for step := 0; step < 3000 && len(w.faults) == 0; step++ {
					w.step()
				}
				w.close()
				if len(w.faults) > 0 && strings.Contains(w.faults[0], test.fault) {
					return
				}
			}
			t.Error("nothing was noticed")
		})
	}
}
