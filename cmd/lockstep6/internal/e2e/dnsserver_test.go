package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// dnsKey signs updates and transfers. dnsSecret is its secret, and wrongSecret isn't.
const (
	dnsKey      = "updates"
	dnsSecret   = "c2l4dGVlbiBvY3RldHMgb3IgbW9yZSBtYWtlIGEga2V5"
	wrongSecret = "YW5vdGhlciBzaXh0ZWVuIG9jdGV0cyBhbmQgc29tZSBtb3Jl"
	dnsDomain   = "clients.example.net."
)

// dnsZones are a forward zone, and reverse zones of all addresses and prefixes.
var dnsZones = []string{"example.net.", "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "0.0.0.0.f.f.f.3.ip6.arpa."}

// A Keyring is a file with a key, which nodes read their secret from.
type Keyring string

// Keyring writes such a file for nodes to share.
func (l *Lab) Keyring(secret string) Keyring {
	l.t.Helper()
	h := &Host{lab: l, Dir: l.dir}
	return Keyring(h.Write("dns.key", fmt.Sprintf("key \"%s\" {\n\talgorithm hmac-sha256;\n\tsecret \"%s\";\n};\n", dnsKey, secret), 0o600))
}

// dnsSection is the section dns of a file: of zones that an address' server has.
func (k Keyring) dnsSection(server string) string {
	return fmt.Sprintf(`dns:
  domain: clients.example.net
  generate: missing
  delegated-prefixes: true
  timeout: 5s
  zones:
    - {zone: example.net, servers: ["%[1]s"], key: %[2]s}
    - {zone: "2001:db8:1::/48", servers: ["%[1]s"], key: %[2]s}
    - {zone: "3fff::/32", servers: ["%[1]s"], key: %[2]s}
  keys: [{name: %[2]s, secret: "file:%[3]s"}]
`, server, dnsKey, string(k))
}

// DNS starts a DNS server on a host, at an address that the host has.
func (h *Host) DNS(kind dnstest.Kind, address string) *dnstest.Daemon {
	h.lab.t.Helper()
	d := &dnstest.Daemon{
		Addr: netip.AddrPortFrom(netip.MustParseAddr(address), 53), Zones: dnsZones,
		Key:    dnstest.Key{Name: dnsKey + ".", Algorithm: "hmac-sha256.", Secret: dnsSecret},
		Prefix: []string{"ip", "netns", "exec", h.ns}, Inside: h.Inside,
	}
	d.Start(h.lab.t, kind)
	return d
}

// held are the records of all zones.
func held(t testing.TB, d *dnstest.Daemon) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, zone := range d.Zones {
		for _, r := range d.Zone(t, zone) {
			all[r] = true
		}
	}
	return all
}

// addRecords adds what DNS holds of a lease of a client under a name.
func addRecords(all map[string]bool, name naming.Name, duid []byte, lease netip.Prefix) {
	octets := lease.Addr().As16()
	if lease.Bits() == 128 {
		dhcid := naming.DHCID(duid, name)
		all[fmt.Sprintf("%s AAAA %s", name, lease.Addr())] = true
		all[fmt.Sprintf("%s DHCID %s", name, base64.StdEncoding.EncodeToString(dhcid[:]))] = true
		all[fmt.Sprintf("%s PTR %s", naming.AppendReverse(nil, &octets), name)] = true
		return
	}
	for _, wildcard := range naming.Wildcards(octets, uint8(lease.Bits())) {
		all[fmt.Sprintf("%s PTR %s", wildcard, name)] = true
	}
}

// recorded are the records of the bindings in force that a node granted and that have names.
func (s *Server) recorded() map[string]bool {
	t := s.host.lab.t
	t.Helper()
	body := s.told("/v1/bindings/export?live=true&whose=own")
	all := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		var l struct{ Lease, State, DUID, Name string }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("a list of leases: %v in %s", err, lines.Text())
		}
		duid, err := hex.DecodeString(strings.ReplaceAll(l.DUID, ":", ""))
		if err != nil {
			t.Fatal(err)
		}
		if l.State == "bound" && l.Name != "" {
			addRecords(all, mustName(t, l.Name), duid, parseLease(t, l.Lease))
		}
	}
	return all
}

func mustName(t testing.TB, text string) naming.Name {
	t.Helper()
	name, err := naming.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// dnsState is what a node says of how it keeps DNS.
func (s *Server) dnsState() (state struct {
	Queue struct {
		Waiting uint64
		Dropped map[string]uint64
	}
	Zones []struct {
		Name      string
		Up        bool
		LastError string `json:"last_error"`
	}
},
) {
	s.host.lab.t.Helper()
	s.host.lab.decode(s.told("/v1/dns"), &state)
	return state
}

// wantRecords waits until the zones hold the records of what the crowds' clients have, of nothing else but what is left besides, and
// the nodes that run have nothing left to do. These must grant the same bindings by their own lists too.
func wantRecords(t *testing.T, d *dnstest.Daemon, nodes []*Node, left map[string]bool, crowds ...*Crowd) {
	t.Helper()
	var wanted, said, got map[string]bool
	waiting := uint64(0)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%d tasks wait; DNS holds (-what clients have +got)\n%s", waiting, differing(wanted, got))
			t.Logf("DNS holds (-what nodes say +got)\n%s", differing(said, got))
		}
	})
	eventually(t, 4*patience, "DNS to hold the records of living bindings, and no others", func() bool {
		waiting, wanted, said = 0, maps.Clone(left), maps.Clone(left)
		if left == nil {
			wanted, said = map[string]bool{}, map[string]bool{}
		}
		for _, c := range crowds {
			maps.Copy(wanted, c.records())
		}
		for _, n := range nodes {
			if n.Running() {
				waiting += n.dnsState().Queue.Waiting
				maps.Copy(said, n.recorded())
			}
		}
		got = held(t, d)
		return waiting == 0 && maps.Equal(wanted, got) && maps.Equal(wanted, said)
	})
}

// differing are records that only one of two has, a few of them.
func differing(want, got map[string]bool) string {
	const most = 20
	only := func(here, there map[string]bool) (records []string) {
		for r := range here {
			if !there[r] {
				records = append(records, r)
			}
		}
		slices.Sort(records)
		return append(records[:min(len(records), most):min(len(records), most)], fmt.Sprintf("%d in all", len(records)))
	}
	return cmp.Diff(only(want, got), only(got, want))
}
