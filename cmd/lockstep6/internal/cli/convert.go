package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/core/convert"
	"github.com/lockstep6/lockstep6/core/convert/draft"
	"github.com/lockstep6/lockstep6/core/convert/kea"
)

func newConvert() *cobra.Command {
	c := &cobra.Command{
		Use:   "convert",
		Short: "Turn another server's configuration into ours",
		Long: `Turn another DHCPv6 server's configuration into ours. Each thing that has no equal gets a comment in the new
file, which names the old file's line, and a warning. What the old server itself would refuse is refused, with file and line.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newConvertKea(), newConvertISC())
	return c
}

// conversion is what all converters are told.
type conversion struct{ in, out string }

func (v *conversion) flags(c *cobra.Command) {
	c.Flags().StringVarP(&v.in, "in", "i", "-", "the old configuration `FILE`; - for standard input")
	c.Flags().StringVarP(&v.out, "out", "o", "-", "the new configuration `FILE`; - for standard output")
}

// read reads the old configuration, and tells its name for messages.
func (v *conversion) read(in io.Reader) (name string, data []byte, err error) {
	if v.in == "-" {
		data, err = io.ReadAll(in)
		return "stdin", data, err
	}
	data, err = os.ReadFile(v.in)
	return filepath.Base(v.in), data, err
}

// write writes the new configuration, and warnings to the second writer.
func (v *conversion) write(out, errOut io.Writer, d *draft.Draft, command, name string) error {
	data, err := convert.Settle(d, command, name)
	if err != nil {
		return err
	}
	for _, w := range d.Warnings() {
		fmt.Fprintf(errOut, "warning: %v\n", w)
	}
	if v.out == "-" {
		_, err = out.Write(data)
		return err
	}
	if err := os.WriteFile(v.out, data, 0o644); err != nil {
		return err
	}
	took, changed, lost := d.Counts()
	fmt.Fprintf(errOut, "%s: %s taken over, %d of them with a difference, %d without an equal\n", v.out, count(took, "setting"), changed, lost)
	return nil
}

// convertRefusal marks what the old server would refuse.
func convertRefusal(err error) error {
	var one draft.Fault
	var all draft.Faults
	if errors.As(err, &one) || errors.As(err, &all) {
		return fmt.Errorf("%w\n%w", errRefused, err)
	}
	return err
}

func newConvertKea() *cobra.Command {
	var v conversion
	var d2, serverID string
	c := &cobra.Command{
		Use:   "kea",
		Short: "Turn a configuration of kea-dhcp6 into ours",
		Long: `Turn a configuration of kea-dhcp6 into ours, for a single server that behaves as Kea did: new clients get the
lowest free lease, with the same lifetimes, options and reservations. docs/convert.md tells what becomes of each setting.

Files that the configuration includes are looked for in its folder. With --d2 the zones and keys of kea-dhcp-ddns are taken
over; secrets go into files beside the new configuration. With --server-id the server keeps its DUID, so that clients stay.

The exit code is 0 where it was written, with warnings or without, and 3 where Kea itself would refuse the configuration.`,
		Example: `  lockstep6 convert kea --in /etc/kea/kea-dhcp6.conf --server-id /var/lib/kea/kea-dhcp6-serverid --out lockstep6.yaml
  lockstep6 convert kea --in kea-dhcp6.conf --d2 kea-dhcp-ddns.conf --out lockstep6.yaml
  lockstep6 convert kea < kea-dhcp6.conf | less`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return convertKea(c, &v, d2, serverID)
		},
	}
	v.flags(c)
	c.Flags().StringVar(&d2, "d2", "", "the configuration `FILE` of kea-dhcp-ddns")
	c.Flags().StringVar(&serverID, "server-id", "", "Kea's `FILE` with its DUID, kea-dhcp6-serverid")
	return c
}

func convertKea(c *cobra.Command, v *conversion, d2, serverID string) error {
	name, data, err := v.read(c.InOrStdin())
	if err != nil {
		return err
	}
	folder := filepath.Dir(v.in)
	in := kea.Input{File: name, Data: data, Source: func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		return os.ReadFile(name)
	}}
	if d2 != "" {
		in.D2File = filepath.Base(d2)
		if in.D2, err = os.ReadFile(d2); err != nil {
			return err
		}
	}
	if serverID != "" {
		stored, err := os.ReadFile(serverID)
		if err != nil {
			return err
		}
		in.ServerID = string(stored)
	}
	result, err := kea.Convert(in)
	if err != nil {
		return convertRefusal(err)
	}
	if err := v.secrets(c.ErrOrStderr(), result.Secrets); err != nil {
		return err
	}
	return v.write(c.OutOrStdout(), c.ErrOrStderr(), result.Draft, "lockstep6 convert kea", name)
}

// secrets writes keys into files that only their owner reads, beside the new configuration. One that is there already stays.
func (v *conversion) secrets(errOut io.Writer, all []draft.Secret) error {
	for _, s := range all {
		if v.out == "-" {
			fmt.Fprintf(errOut, "warning: the new configuration names %s, which is to hold a secret of the old one; with --out it is written too\n", s.Name)
			continue
		}
		f, err := os.OpenFile(filepath.Join(filepath.Dir(v.out), s.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			fmt.Fprintf(errOut, "warning: %s is there already, and stays as it is\n", s.Name)
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.Write(s.Data)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
