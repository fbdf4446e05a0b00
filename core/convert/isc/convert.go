// Package isc translates a configuration of ISC's dhcpd for DHCPv6 (dhcpd6.conf, dhcpd.conf(5)) into one of ours.
package isc

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// A Source is the old configuration, and what dhcpd would know beside it.
type Source struct {
	File       string
	Data       []byte
	Open       func(name string) ([]byte, error) // reads what the file includes
	Interfaces []Interface                       // of the machine, on which dhcpd looks for its subnets; none: it isn't known
}

// An Interface is one that dhcpd listens on.
type Interface struct {
	Name      string
	Addresses []netip.Addr
}

// parse reads the whole configuration.
func parse(src *Source) (*scope, *known) {
	k := &known{
		open: src.Open, spaces: spaces(), classes: make(map[string]*scope), hosts: make(map[string]bool), groups: make(map[string]bool),
		keys: make(map[string]*key),
	}
	root := &scope{kind: scopeRoot, at: draft.Place{File: src.File}}
	newParser(k, src.File, src.Data).file(root)
	k.faults.Sort()
	return root, k
}
