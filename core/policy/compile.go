package policy

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// An Input is what a Config doesn't tell of the node that it is compiled for.
type Input struct {
	// File is the configuration's name in errors.
	File string
	// Node is the node's name. Needed with a cluster, and must be empty without.
	Node string
	// Resolve reads a key, of 32 octets. It must not be nil with a cluster, and isn't called without.
	Resolve func(config.Secret) ([]byte, error)
	// SingleKey and SingleDUID are those of a node without a cluster, kept in its data folder.
	// A server.duid in the configuration comes before SingleDUID.
	SingleKey  address.Key
	SingleDUID []byte
}

// Compile makes the policy of one node. All nodes that compile equal configurations get the same pools under
// the same IDs and the same Fingerprint. The Config must have been checked by package config and must not change
// afterwards. The error is a config.Errors with all faults found, or tells what is wrong with the Input.
func Compile(cfg *config.Config, in Input) (*Policy, error) {
	c := &compiler{cfg: cfg, in: in, p: &Policy{
		Single:        cfg.Cluster == nil,
		Quarantine:    cfg.Decline.Quarantine,
		MaxDeclined:   cfg.Decline.MaxPerClient,
		ListenAfter:   cfg.Listen.After,
		LeasesPerPort: cfg.Limits.LeasesPerPort,
		WeakPerPort:   cfg.Limits.WeakPerPort,
		RelayData:     cfg.Leasequery != nil && cfg.Leasequery.RelayData,
		Names:         cfg.DNS != nil,
		History:       cfg.History.Keep > 0 || cfg.Leasequery != nil || cfg.DNS != nil,
		source:        cfg,
	}}
	if err := c.server(); err != nil {
		return nil, err
	}
	if len(c.faults) == 0 {
		c.p.Global = c.options("options", cfg.Policy.Options, Options{})
		c.p.Global.boot = bootLists(cfg.Policy.Boot)
		c.supplied()
		c.p.allowed = allowedTable(cfg.Relays.Allow)
		c.classes()
		if n := c.cfg.Relays.NamedPools; n != nil {
			c.p.named = &poolNames{options: n.Options, groups: make(map[string]int32), ignore: n.Ignore}
		}
		c.links()
		c.reconfigure()
		c.selection()
	}
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	c.p.Fingerprint = sha256.Sum256([]byte(c.p.FingerprintText()))
	return c.p, nil
}

// A compiler collects a policy and what is wrong with its configuration.
type compiler struct {
	cfg        *config.Config
	in         Input
	p          *Policy
	parts      int   // into how many parts pools and stripes are cut
	partOwner  []int // node's index, or Nobody, by part
	interfaces map[string]string
	faults     config.Errors
}

// fault notes what is wrong with a field. Its position is that of the innermost value around it that is in the file.
func (c *compiler) fault(field, problem, remedy string) {
	at, path := c.cfg.Positions[field], field
	for at == (config.Position{}) && path != "" {
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
		at = c.cfg.Positions[path]
	}
	c.faults = append(c.faults, config.Error{
		File: cmp.Or(c.in.File, "configuration"), Line: max(at.Line, 1), Column: max(at.Column, 1),
		Field: field, Problem: problem, Remedy: remedy,
	})
}

// supplied notes which options relays may supply (RFC 6422, Section 6).
func (c *compiler) supplied() {
	for i, code := range c.cfg.Relays.Supplied {
		field := fmt.Sprintf("relays.supplied-options[%d]", i)
		switch {
		case int(code) >= 64*len(c.p.supplied):
			c.fault(field, fmt.Sprintf("option %d can't be enabled", code),
				fmt.Sprintf("codes below %d can", 64*len(c.p.supplied)))
		case code == wire.OptionInformationRefresh:
			// RFC 9915, Section 21.23: in a Reply to an Information-request only, and never below IRT_MINIMUM.
			c.fault(field, fmt.Sprintf("a relay can't supply option %d", code), "leave it out, and set information-refresh under options")
		case made(code):
			c.fault(field, fmt.Sprintf("a relay can't supply option %d", code), "leave it out; the server itself makes it")
		default:
			c.p.supplied[code/64] |= 1 << (code % 64)
		}
	}
}

func (p *Policy) isSupplied(code wire.OptionCode) bool {
	return int(code) < 64*len(p.supplied) && p.supplied[code/64]>>(code%64)&1 != 0
}
