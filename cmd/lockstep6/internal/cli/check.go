package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/policy"
)

func newCheck() *cobra.Command {
	var file, against string
	var provided []string
	c := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration, for every node",
		Long: `Check a configuration for every node of the cluster, its key included, without touching a running node.

Every fault is listed at once, as file:line:column: field: what is wrong; what would be right.
With --against it also tells what the configuration changes of what decides an address, and whether the nodes may take
it one by one in any order while the others still have the old one. Where they may not, it tells the steps that are safe.

What stands behind a provider's prefix is left out, with a warning, unless --provider-prefix tells one to take for it.

The exit code is 0 where all is well, 3 where the configuration, or the change to it in one step, is refused.`,
		Example: `  lockstep6 check --config lockstep6.yaml
  lockstep6 check --config new.yaml --against lockstep6.yaml
  lockstep6 check --provider-prefix uplink=2001:db8:ab00::/56`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			known, err := providedFlags(provided)
			if err != nil {
				return err
			}
			return check(c.OutOrStdout(), file, against, known)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "lockstep6.yaml", "configuration `FILE`")
	c.Flags().StringArrayVar(&provided, "provider-prefix", nil, "take `NAME=PREFIX` for what a provider gives; may be repeated")
	c.Flags().StringVar(&against, "against", "", "the configuration `FILE` that the nodes have now")
	return c
}

func check(w io.Writer, file, against string, known map[string]config.Provided) error {
	c, policies, err := readAll(file, known)
	if err != nil {
		return err
	}
	for _, warning := range c.Warnings {
		fmt.Fprintf(w, "warning: %v\n", warning)
	}
	if _, err := daemon.CheckAdmin(c, file); err != nil {
		return refusal(err)
	}
	if err := daemon.CheckEvents(c, file); err != nil {
		return refusal(err)
	}
	if err := daemon.CheckDNS(c, file); err != nil {
		return refusal(err)
	}
	if _, err := daemon.PrivacyKey(c, file, func() (address.Key, error) { return address.Key{}, nil }); err != nil {
		return refusal(err)
	}
	p := policies[0]
	fmt.Fprintf(w, "%s: right, for %s\n", file, count(len(policies), "node"))
	fmt.Fprintf(w, "%s, %s", count(len(p.Links), "link"), count(len(p.Pools), "pool"))
	if n := len(c.Classes); n > 0 {
		fmt.Fprintf(w, ", %s", count(n, "class"))
	}
	fmt.Fprintln(w)
	if !p.Single {
		fmt.Fprintf(w, "fingerprint %x\n", p.Fingerprint)
	}
	if against == "" {
		return nil
	}
	_, old, err := readAll(against, known)
	if err != nil {
		return err
	}
	comparison := policy.Compare(old[0], p)
	printComparison(w, against, comparison)
	if !comparison.Safe() {
		return errUnsafe
	}
	return nil
}

// readAll reads a configuration, with what is known of provider's prefixes, and compiles it for all its nodes.
func readAll(file string, known map[string]config.Provided) (*config.Config, []*policy.Policy, error) {
	c, err := daemon.ReadConfigWith(file, known)
	if err != nil {
		return nil, nil, refusal(err)
	}
	policies, err := compileAll(c, file)
	return c, policies, err
}

// placeholderDUID stands for the DUID that a single node makes at its first start: a DUID-UUID of zeros.
var placeholderDUID = append([]byte{0, 4}, make([]byte, 16)...)

// compileAll checks a configuration and compiles it for each of its nodes, in order. A single node's key is made
// at its first start, so without one the policy of a single node decides other addresses than the real one.
func compileAll(c *config.Config, file string) ([]*policy.Policy, error) {
	if c.Cluster == nil {
		p, err := policy.Compile(c, policy.Input{File: file, SingleDUID: placeholderDUID})
		if err != nil {
			return nil, refusal(err)
		}
		return []*policy.Policy{p}, nil
	}
	policies := make([]*policy.Policy, 0, len(c.Cluster.Nodes))
	for _, node := range c.Cluster.Nodes {
		p, err := policy.Compile(c, policy.Input{File: file, Node: node.Name, Resolve: daemon.Resolver(file)})
		if err != nil {
			return nil, refusal(fmt.Errorf("node %s: %w", node.Name, err))
		}
		policies = append(policies, p)
	}
	return policies, nil
}

// refusal marks an error that lists a configuration's faults.
func refusal(err error) error {
	var faults config.Errors
	if errors.As(err, &faults) {
		return fmt.Errorf("%w\n%w", errRefused, faults)
	}
	return err
}

// count is a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
