package cli

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
)

type serveFlags struct {
	config, node, data, admin string
	listen                    []string
}

func newServe() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a node",
		Long: `Run a node until SIGTERM or SIGINT. It then takes no more messages, answers what has arrived, and ends;
every lease that a client was told of is on disk. SIGHUP reads the configuration again, as ` + "`lockstep6 reload`" + ` does.

Logs go to standard error: text on a terminal, JSON otherwise, or as log.format says. In the journal lines have their
level, for journalctl -p warning. docs/messages.md explains each line by its id.`,
		Example: `  lockstep6 serve --config lockstep6.yaml                 # a single node
  lockstep6 serve --config lockstep6.yaml --node a         # node a of a cluster
  lockstep6 serve --config lockstep6.yaml --data /tmp/l6 --listen '[::1]:10547'   # no root needed`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return serve(c, &f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.config, "config", "c", "lockstep6.yaml", "configuration `FILE`")
	flags.StringVarP(&f.node, "node", "n", "", "which `NODE` of the cluster this is")
	flags.StringVar(&f.data, "data", "", "keep the store in `DIR` instead of store.path")
	flags.StringArrayVar(&f.listen, "listen", nil, "take messages at `ADDR:PORT` only (unicast, from relays); may be repeated")
	flags.StringVar(&f.admin, "admin", "", "serve HTTP at `ADDR:PORT` instead of admin.listen")
	_ = c.RegisterFlagCompletionFunc("node", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nodeNames(f.config), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// nodeNames are the nodes of a configuration's cluster; none where it can't be read.
func nodeNames(file string) (names []string) {
	c, err := daemon.ReadConfig(file)
	if err != nil || c.Cluster == nil {
		return nil
	}
	for _, n := range c.Cluster.Nodes {
		names = append(names, n.Name)
	}
	return names
}

func serve(c *cobra.Command, f *serveFlags) error {
	keepPrivate()
	level := new(slog.LevelVar)
	logger, format := newLogger(c.ErrOrStderr(), level)
	o := daemon.Options{
		ConfigFile: f.config, Node: f.node, Data: f.data,
		Version: version(), Logger: logger, Level: level, Format: format,
	}
	for _, text := range f.listen {
		addr, err := netip.ParseAddrPort(text)
		if err != nil || !addr.Addr().Is6() {
			return usageError{fmt.Errorf("--listen %s: not an IPv6 address and port such as [::1]:10547", text)}
		}
		o.Listen = append(o.Listen, addr)
	}
	if f.admin != "" {
		addr, err := netip.ParseAddrPort(f.admin)
		if err != nil {
			return usageError{fmt.Errorf("--admin %s: not an address and port such as 127.0.0.1:8067", f.admin)}
		}
		o.Admin = addr
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	o.Hangup = hangup
	d, err := daemon.Open(c.Context(), o)
	if err != nil {
		return refusal(err)
	}
	return d.Run(c.Context())
}
