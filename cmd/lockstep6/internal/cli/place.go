package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/config"
)

// A place is where a node is, as the command line says: its data folder on this machine, or a URL.
type place struct {
	config, data           string
	url, tokenFile, caFile string
	named                  bool // the configuration was named, so that it must be readable
}

func (p *place) addTo(c *cobra.Command) {
	flags := c.PersistentFlags()
	flags.StringVarP(&p.config, "config", "c", "lockstep6.yaml", "configuration `FILE` that names the data folder")
	flags.StringVar(&p.data, "data", "", "the node's data folder `DIR`")
	flags.StringVar(&p.url, "url", "", "ask the node at this `URL`, such as https://node-a.example:8067, instead")
	flags.StringVar(&p.tokenFile, "token-file", "", "with --url: the `FILE` that has the node's token")
	flags.StringVar(&p.caFile, "ca-file", "", "with --url: the `FILE` that has the certificates to trust, in PEM")
}

// check tells which flags don't go together. It must be called before the others.
func (p *place) check(c *cobra.Command) error {
	p.named = c.Flags().Changed("config")
	switch {
	case p.url == "" && (p.tokenFile != "" || p.caFile != ""):
		return usageError{errors.New("--token-file and --ca-file go with --url")}
	case p.url != "" && (p.data != "" || p.named):
		return usageError{errors.New("--url names a node elsewhere; --data and --config are for one on this machine")}
	}
	return nil
}

// find returns the data folder, and the configuration where it was needed or named, else nil.
func (p *place) find() (data string, c *config.Config, err error) {
	if p.data != "" && !p.named {
		return p.data, nil, nil
	}
	if c, err = daemon.ReadConfig(p.config); err != nil {
		return "", nil, fmt.Errorf("%w\nhint: --data DIR names the data folder without a configuration", refusal(err))
	}
	data, err = daemon.DataFolder(c, p.data)
	return data, c, err
}

// folder is the data folder.
func (p *place) folder() (string, error) {
	data, _, err := p.find()
	return data, err
}
