package cli

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
)

func newKey() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "key",
		Short: "Make a cluster's id and key",
		Long: `Make the id and the key that a cluster's nodes share. Run it once, write the id into cluster.id, and bring the
key to every node by a safe way.

Whoever has the key can compute every client's address. Another key gives every client another address.`,
		Example: `  lockstep6 key --out cluster.key    # prints the id, writes the key (mode 0600)
  lockstep6 key                      # prints both`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return makeKey(c, out) },
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write the key into a new `FILE` that only its owner can read")
	return c
}

func makeKey(c *cobra.Command, out string) error {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails, by its documentation
	id, key := daemon.RandomUUID(), hex.EncodeToString(raw[:])
	source := key + "   # better kept in a file: lockstep6 key --out cluster.key"
	if out != "" {
		if err := writeKey(out, key); err != nil {
			return err
		}
		source = "file:" + out
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "cluster:\n  id: %x-%x-%x-%x-%x\n  key: %s\n", id[:4], id[4:6], id[6:8], id[8:10], id[10:], source)
	return err
}

// writeKey writes a key into a new file that only its owner can read.
func writeKey(out, key string) error {
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists and is not overwritten: another key would give every client another address; remove the file first if you mean it", out)
	}
	if err != nil {
		return fmt.Errorf("%w; name a file in a folder that exists and may be written to", err)
	}
	if _, err := f.WriteString(key + "\n"); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}
