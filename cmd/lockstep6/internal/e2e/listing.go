package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
)

// A Holding is whose a lease is.
type Holding struct {
	DUID  string // the client's, in plain hexadecimal
	Owner string // the node of which the binding is observed; empty: the node that lists it granted it
}

// listed are the leases in force that a running node lists: those that it granted and those that it observed.
func (s *Server) listed() map[netip.Prefix]Holding {
	s.host.lab.t.Helper()
	return parseLeases(s.host.lab.t, s.told("/v1/bindings/export?live=true&whose=all"))
}

// stored are the same in the store of a node that doesn't run.
func (s *Server) stored() map[netip.Prefix]Holding {
	s.host.lab.t.Helper()
	return parseLeases(s.host.lab.t, []byte(s.Command("leases", "list", "--all", "--config", s.config, "--data", s.Data(), "--format", "json")))
}

// parseLeases reads the bound leases of a list, a JSON object a line.
func parseLeases(t testing.TB, list []byte) map[netip.Prefix]Holding {
	t.Helper()
	all := map[netip.Prefix]Holding{}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		var l struct{ Lease, State, DUID, Owner string }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("a list of leases: %v in %s", err, lines.Text())
		}
		if l.State == "bound" {
			all[parseLease(t, l.Lease)] = Holding{strings.ReplaceAll(l.DUID, ":", ""), l.Owner}
		}
	}
	return all
}

// parseLease reads an address or a prefix.
func parseLease(t testing.TB, text string) netip.Prefix {
	t.Helper()
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, 128)
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
