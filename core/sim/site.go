package sim

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
)

// Lifetimes, in seconds, are long enough for some Renews within a history's trouble, and short enough to end in it.
const (
	preferredLifetime = 600
	validLifetime     = 1000
	renewTime         = 300
	rebindTime        = 480
	solMaxRT          = 120 // what clients are told, so that none sleeps for an hour
	prefixLength      = 60  // of delegated prefixes
	linkStep          = 16  // subnets from one link to the next
)

// configuration is the file that all nodes share.
func (w *world) configuration(key address.Key) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster:\n  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11\n  key: %q\n", hex.EncodeToString(key[:]))
	fmt.Fprintf(&b, "  model: %s\n", []string{"identical", "split", "unique"}[w.Model])
	fmt.Fprintf(&b, "  favour: %s\n  nodes:\n", []string{"preference", "rendezvous", "delay"}[w.Favour])
	for i, preference := range w.preferences {
		fmt.Fprintf(&b, "    - {name: %s, preference: %d}\n", nodeName(i), preference)
	}
	fmt.Fprintf(&b, "listen: {interfaces: [eth0]}\nrapid-commit: %q\n", []string{"off", "favoured", "all"}[w.RapidCommit])
	fmt.Fprintf(&b, "decline: {quarantine: 10m, max-per-client: 2}\noptions: {sol-max-rt: %d}\n", solMaxRT)
	fmt.Fprintf(&b, "lifetimes: {preferred: %d, valid: %d, renew: %d, rebind: %d}\n",
		w.Lifetimes.Preferred, w.Lifetimes.Valid, w.Lifetimes.Renew, w.Lifetimes.Rebind)
	fmt.Fprintf(&b, "store: {renew-cache: %g}\nhistory: {keep: infinite}\n", float64(w.Cache)/100)
	if w.Sequential {
		b.WriteString("allocation: sequential\n")
	}
	if w.Weak > 0 {
		fmt.Fprintf(&b, "limits: {weak-claims-per-port: %d}\n", w.Weak)
	}
	b.WriteString("links:\n")
	for i, match := range []string{"interface: eth0, ", ""}[:w.Links] {
		fmt.Fprintf(&b, "  - name: link%d\n    match: {%slink-addresses: [\"2001:db8:0:%x::/60\"]}\n", i, match, i*linkStep)
		fmt.Fprintf(&b, "    addresses: [{pool: %s}]\n", w.poolText("2001:db8:0:%x::/64", i*linkStep))
		fmt.Fprintf(&b, "    prefixes: [{pool: %s, length: %d, dense: %s}]\n",
			w.poolText(fmt.Sprintf("2001:db8:8%%03x::/%d", prefixLength-bits.Len(uint(w.Slots))+1), i*linkStep), prefixLength,
			[]string{"agree", "exclusive"}[w.Dense])
	}
	return b.String()
}

// poolText is a pool of all nodes, or in the unique model one for each of them. The form takes a number; those of
// the pools count on from first.
func (w *world) poolText(form string, first int) string {
	pool := func(i int) string { return fmt.Sprintf("%q", fmt.Sprintf(form, first+i+1)) }
	if w.Model != config.Unique {
		return pool(0)
	}
	var all []string
	for i := range w.Nodes {
		all = append(all, nodeName(i)+": "+pool(i))
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func nodeName(i int) string { return string(rune('a' + i)) }

// compile makes a node's policy from the shared file.
func compile(text, name string) (*policy.Policy, error) {
	c, faults := config.Parse("sim.yaml", []byte(text))
	if len(faults) > 0 {
		return nil, faults
	}
	return policy.Compile(c, policy.Input{
		Node:    name,
		Resolve: func(s config.Secret) ([]byte, error) { return hex.DecodeString(string(s)) },
	})
}
