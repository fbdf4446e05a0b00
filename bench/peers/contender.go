package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/lockstep6/lockstep6/bench/netlab"
)

// A contender is one server with its settings.
type contender struct {
	name   string
	first  int // the first rate that is tried
	config string
	args   func(o *options, config, dir string) []string // program and arguments; dir is empty at the start
}

func contenders() []contender {
	return []contender{
		{"lockstep6, every Reply after its sync", 20_000, netlab.Lockstep6Config("always"), lockstep6Args},
		{"lockstep6, `sync: never`", 20_000, netlab.Lockstep6Config("never"), lockstep6Args},
		{"Kea, multi-threaded", 4_000, netlab.KeaConfig(true), keaArgs},
		{"Kea, one thread", 4_000, netlab.KeaConfig(false), keaArgs},
	}
}

func lockstep6Args(o *options, config, dir string) []string {
	return []string{o.lockstep6, "serve", "--config", config, "--data", filepath.Join(dir, "data")}
}

func keaArgs(o *options, config, _ string) []string { return []string{o.kea, "-c", config} }

// prepare writes the contender's configuration into an empty folder, and returns how to start it.
func (c *contender) prepare(o *options, dir string) ([]string, error) {
	config := filepath.Join(dir, "server.conf")
	text := strings.ReplaceAll(c.config, "@DIR@", dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return c.args(o, config, dir), nil
}
