package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/privacy"
)

type pseudonymFlags struct {
	config, data, day                     string
	duid, hardware, address, prefix, name string
	iaid                                  uint32
}

func newPseudonym() *cobra.Command {
	f := pseudonymFlags{}
	c := &cobra.Command{
		Use:   "pseudonym",
		Short: "Tell a client's pseudonym in the log of a day",
		Long: `Tell by which pseudonyms the log of a day has a client, where privacy.logs is pseudonyms: one line for each identifier
that is given. All nodes of a cluster have the same ones on one day, in UTC; another day has others.

It is made with privacy.key, else with what follows from cluster.key. A single node without privacy.key has a key in its
data folder, which must then be readable; a running node's can't be read, so give --data a folder that ` + "`lockstep6 backup`" + ` made.`,
		Example: `  lockstep6 pseudonym --config lockstep6.yaml --day 2026-11-26 --address 2001:db8:1::10
  lockstep6 pseudonym --config lockstep6.yaml --duid 00:03:00:01:02:00:00:00:00:01 --name printer.example.net`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return pseudonym(c, c.OutOrStdout(), &f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.config, "config", "c", "lockstep6.yaml", "configuration `FILE`")
	flags.StringVar(&f.data, "data", "", "a single node's data folder `DIR` instead of store.path")
	flags.StringVar(&f.day, "day", "", "the day in UTC, as `YYYY-MM-DD`; without it today")
	flags.StringVar(&f.duid, "duid", "", "a client's `DUID`")
	flags.StringVar(&f.hardware, "hardware", "", "a link-layer `ADDRESS`")
	flags.StringVar(&f.address, "address", "", "an `ADDRESS`, leased or of a client's own")
	flags.StringVar(&f.prefix, "prefix", "", "a delegated `PREFIX`")
	flags.StringVar(&f.name, "name", "", "a host's whole `NAME`")
	flags.Uint32Var(&f.iaid, "iaid", 0, "an `IAID`")
	return c
}

func pseudonym(cmd *cobra.Command, w io.Writer, f *pseudonymFlags) error {
	all, err := f.identifiers(cmd.Flags().Changed("iaid"))
	if err != nil {
		return usageError{err}
	}
	day := time.Now()
	if f.day != "" {
		if day, err = time.Parse(time.DateOnly, f.day); err != nil {
			return usageError{fmt.Errorf("--day %s: not a day such as 2026-11-26", f.day)}
		}
	}
	c, err := daemon.ReadConfig(f.config)
	if err != nil {
		return refusal(err)
	}
	key, err := daemon.PrivacyKey(c, f.config, func() (address.Key, error) {
		path, err := daemon.DataFolder(c, f.data)
		if err != nil {
			return address.Key{}, err
		}
		var in policy.Input
		err = singleSecrets(path, &in)
		return in.SingleKey, err
	})
	if err != nil {
		return refusal(err)
	}
	on := key.On(day)
	for _, id := range all {
		fmt.Fprintln(w, on.Pseudonym(id))
	}
	return nil
}

// identifiers are those that are asked for.
func (f *pseudonymFlags) identifiers(withIAID bool) (all []privacy.Identifier, err error) {
	if f.duid != "" {
		duid, err := admin.ParseDUID(f.duid)
		if err != nil {
			return nil, fmt.Errorf("--duid: %w", err)
		}
		all = append(all, privacy.DUID(duid))
	}
	if f.hardware != "" {
		octets, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(f.hardware))
		if err != nil {
			return nil, fmt.Errorf("--hardware %s: not a link-layer address such as 02:00:00:00:00:01", f.hardware)
		}
		all = append(all, privacy.Hardware(octets))
	}
	if f.address != "" {
		a, err := netip.ParseAddr(f.address)
		if err != nil || !a.Is6() {
			return nil, fmt.Errorf("--address %s: not an IPv6 address", f.address)
		}
		all = append(all, privacy.Address(a))
	}
	if f.prefix != "" {
		p, err := netip.ParsePrefix(f.prefix)
		if err != nil || !p.Addr().Is6() {
			return nil, fmt.Errorf("--prefix %s: not an IPv6 prefix", f.prefix)
		}
		all = append(all, privacy.Prefix(p))
	}
	if f.name != "" {
		all = append(all, privacy.Name(f.name))
	}
	if withIAID {
		all = append(all, privacy.IAID(f.iaid))
	}
	if len(all) == 0 {
		return nil, errors.New("give --duid, --hardware, --address, --prefix, --name or --iaid")
	}
	return all, nil
}
