package config

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// MaxFile is the most octets that a configuration file can have.
const MaxFile = 64 << 20

// A Resolver reads what a Secret stands for: the 32 octets of a key.
type Resolver func(Secret) ([]byte, error)

// Parse reads and checks a configuration file. Its name only serves the messages; nothing is opened.
// All faults are listed at once, but for those of YAML's syntax, of which the first one is.
// The Config is nil where there is one.
func Parse(file string, data []byte) (*Config, Errors) { return ParseWith(file, data, Beside{}) }

// Beside is what a configuration is made of beside its file.
type Beside struct {
	Stored   []byte              // stored reservations (see rawStored), checked like those of the file, and against them; nil: none
	Provided map[string]Provided // what is known of provider's prefixes, by their names
}

// ParseWith is Parse with what stands beside the file. Where a provider's prefix isn't known, what needs it is left out, with a warning.
func ParseWith(file string, data []byte, beside Beside) (*Config, Errors) {
	stored := beside.Stored
	c := newChecker(file, len(data)+len(stored))
	c.provided = beside.Provided
	var cfg *Config
	if root := c.tree(data); root != nil {
		raw := read[rawConfig](c, root, "", "")
		entries := c.stored(stored, &raw)
		cfg = c.config(raw)
		c.errors.sort()
		c.namesStored(entries)
	}
	c.warnings.sort()
	if len(c.errors) > 0 {
		return nil, c.errors
	}
	cfg.Warnings, cfg.Positions, cfg.Source = c.warnings, c.positions, data
	return cfg, nil
}

// tree loads the one YAML document of a file.
func (c *checker) tree(data []byte) *yaml.Node {
	if len(data) > MaxFile {
		c.fail(place{1, 1, ""}, fmt.Sprintf("the file has %d octets", len(data)),
			fmt.Sprintf("up to %d are read", MaxFile))
		return nil
	}
	var documents []yaml.Node
	if err := yaml.Load(data, &documents, yaml.WithAllDocuments()); err != nil {
		c.syntax(err)
		return nil
	}
	if len(documents) > 1 {
		c.fail(placeOf(&documents[1], ""), "the file has a second YAML document", "keep one, and remove the line ---")
		return nil
	}
	if len(documents) == 0 || len(documents[0].Content) == 0 || isNull(documents[0].Content[0]) {
		c.fail(place{1, 1, ""}, "the file is empty", "examples/single.yaml shows the least that it needs")
		return nil
	}
	return documents[0].Content[0]
}

// syntax reports that the file isn't YAML.
func (c *checker) syntax(err error) {
	at := place{1, 1, ""}
	problem := err.Error()
	var load *yaml.LoadError
	if errors.As(err, &load) {
		at.line, at.column = load.Mark.Line, load.Mark.Column
		problem = load.Message
	}
	problem = strings.Join(strings.Fields(problem), " ")
	c.fail(at, "isn't YAML: "+problem, "mend it here or in the line above; text with special characters stands in quotes")
}

// config checks the whole file. It must be called with all that could be read, whatever is wrong with the rest.
func (c *checker) config(raw rawConfig) *Config {
	cfg := &Config{
		Store:   c.store(raw.Store),
		History: c.history(raw.History),
		Admin:   c.admin(raw.Admin),
		Log:     c.log(raw.Log),
		Privacy: c.privacy(raw.Privacy),
		Decline: c.decline(raw.Decline),
		Limits:  c.limits(raw.Limits),
		Server:  c.server(raw.Server, raw.Cluster),
	}
	if raw.Listen != nil {
		cfg.Listen = c.listen(raw.Listen)
	}
	cfg.Cluster = c.cluster(raw.Cluster)
	c.define(raw.OptionDefinitions)
	cfg.Relays = c.relays(raw.Relays)
	cfg.Leasequery = c.leasequery(raw.Leasequery)
	cfg.Hooks = c.hooks(&raw)
	cfg.Events = c.events(raw.Events)
	cfg.DNS = c.dns(raw.DNS)
	cfg.Policy = Defaults{
		Lifetimes:   c.lifetimes(raw.Lifetimes, DefaultLifetimes),
		RapidCommit: rapidCommit(&raw.RapidCommit, RapidCommitOff),
		Identity:    clientIdentity(&raw.Identity, IdentityDUIDIAID),
		Options:     c.options(raw.Options, nil),
		Boot:        c.bootLists(raw.Boot, raw.Options, nil),
	}
	cfg.Allocation = c.allocation(&raw.Allocation, cfg.Cluster)
	c.listens(&raw, cfg)
	cfg.Classes = c.classes(&raw)
	c.links(&raw, cfg)
	cfg.Reconfigure = c.reconfigure(&raw, cfg)
	cfg.Providers = c.providers(&raw)
	c.dnsDoubts(&raw, cfg)
	return cfg
}
