package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/lockstep6/lockstep6/bench/netlab"
)

// A contender is one server.
type contender struct {
	name    string
	first   float64 // rate that the ramp begins with
	clients int     // as many as wait for answers at the highest rate, and more
	config  string
	args    func(o *options, config, dir string) []string
}

// lockstep6 is the name of the server that is held against the target.
const lockstep6 = "lockstep6"

func contenders() []contender {
	return []contender{
		{lockstep6, 1000, 600_000, netlab.Lockstep6Config("always"), func(o *options, config, dir string) []string {
			return []string{o.lockstep6, "serve", "--config", config, "--data", filepath.Join(dir, "data")}
		}},
		{"Kea, multi-threaded", 100, 60_000, netlab.KeaConfig(true), func(o *options, config, _ string) []string {
			return []string{o.kea, "-c", config}
		}},
	}
}

// prepare writes the configuration, and returns what to run: on the first processor, for the load has the second.
func (c *contender) prepare(o *options, dir string) ([]string, error) {
	config := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(c.config, "@DIR@", dir)), 0o600); err != nil {
		return nil, err
	}
	return append([]string{"taskset", "-c", "0"}, c.args(o, config, dir)...), nil
}

// adminSocket is where in its folder lockstep6 tells what it dropped and why; of another server there is none.
const adminSocket = "data/admin.sock"
