package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/config"
)

// A place is where a node keeps its data, as the command line says.
type place struct {
	config, data string
	named        bool // the configuration was named, so that it must be readable
}

func (p *place) addTo(c *cobra.Command) {
	flags := c.PersistentFlags()
	flags.StringVarP(&p.config, "config", "c", "lockstep6.yaml", "configuration `FILE` that names the data folder")
	flags.StringVar(&p.data, "data", "", "the node's data folder `DIR`")
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
