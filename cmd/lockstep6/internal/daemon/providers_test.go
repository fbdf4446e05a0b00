package daemon

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

const providerConfig = `
provider-prefixes:
  - {name: uplink, file: wan-prefix, length: 56}
  - {name: other, api: true}
listen: {addresses: ["[::1]:0"]}
lifetimes: {preferred: 3000, valid: 4000}
links:
  - name: lan
    match: {link-addresses: ["fd00:1::/64"]}
    addresses: [{pool: "fd00:1::/64"}]
  - name: wan
    match: {link-addresses: ["fd00:2::/64", "uplink+0:0:0:1::/64", "other+0:0:0:1::/64"]}
    addresses: [{pool: "uplink+0:0:0:1::/64"}]
    prefixes: [{pool: "uplink+0:0:0:80::/57", length: 64}]
`

// provide writes the file that the prefix is read from, as programs do: by renaming.
func (r *reloading) provide(text string) {
	r.t.Helper()
	name := filepath.Join(filepath.Dir(r.file), "wan-prefix")
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		r.t.Fatal(err)
	}
}

// startProvided runs a node that follows a file, with a prefix in it; "": there is none.
func startProvided(t *testing.T, folder, node, prefix string) *reloading {
	t.Helper()
	text := providerConfig
	if node != "" {
		text += "cluster:\n  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11\n  key: \"" + strings.Repeat("01", 32) + "\"\n  nodes: [{name: a}, {name: b}]\n"
	}
	if prefix != "" {
		if err := os.WriteFile(filepath.Join(folder, "wan-prefix"), []byte("# of the provider\n"+prefix+" # delegated\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return startNode(t, folder, node, text)
}

// prefixInForce is what is known of a prefix, and how many former ones.
func (r *reloading) prefixInForce(name string) (prefix string, formerOnes int) {
	for _, p := range newOperator(r.Daemon).ProviderPrefixes() {
		if p.Name == name {
			return p.Prefix, len(p.Former)
		}
	}
	return "", 0
}

// TestFileChanges: a prefix that changes in its file moves clients by lifetimes, and a restart changes nothing of that.
func TestFileChanges(t *testing.T) {
	folder := t.TempDir()
	r := startProvided(t, folder, "", "2001:db8:ab00::/56")
	c := r.client(1, "fd00:2::1")
	address, prefix := c.acquire()
	if !in(t, address, "2001:db8:ab00:1::/64") || !in(t, prefix, "2001:db8:ab00:80::/57") {
		t.Fatalf("got %v and %v", address, prefix)
	}
	before := r.site.Load().Policy.Fingerprint
	r.provide("2001:db8:cd00::/56\n")
	r.until("the prefix changed", func() bool { p, _ := r.prefixInForce("uplink"); return p == "2001:db8:cd00::/56" })
	if r.site.Load().Policy.Fingerprint == before {
		t.Error("the fingerprint is what it was")
	}
	moved := c.renew(address, prefix)
	if len(moved) != 4 || !in(t, moved[0].prefix, "2001:db8:cd00:1::/64") || !in(t, moved[2].prefix, "2001:db8:cd00:80::/57") ||
		!slices.Equal(c.deprecated, []netip.Prefix{address, prefix}) || moved[1].valid == 0 || moved[1].valid > 4000 {
		t.Fatalf("got %v, of which %v isn't preferred", moved, c.deprecated)
	}
	// The file goes, and a restart finds nothing: the last prefix stays, and the former one retires on.
	r.end()
	if err := os.Remove(filepath.Join(folder, "wan-prefix")); err != nil {
		t.Fatal(err)
	}
	r = startProvided(t, folder, "", "")
	if p, n := r.prefixInForce("uplink"); p != "2001:db8:cd00::/56" || n != 1 {
		t.Errorf("after a restart %s with %d former ones", p, n)
	}
	again := r.client(1, "fd00:2::1")
	again.server = c.server
	again.send(wire.Renew, ia(nil, wire.IANA, address, moved[0].prefix), true)
	if got := again.receive(); len(got) != 2 || got[0].prefix != moved[0].prefix || got[1].prefix != address || got[1].valid > moved[1].valid {
		t.Errorf("after a restart %v, before %v", got, moved)
	}
	// What is new in the file counts at SIGHUP at once, and at a start.
	r.provide("2001:db8:ef00::/56\n")
	r.hangup <- os.Interrupt
	r.until("the prefix changed by SIGHUP", func() bool { p, _ := r.prefixInForce("uplink"); return p == "2001:db8:ef00::/56" })
	r.end()
	r.provide("2001:db8:1200::/56\n")
	r = startProvided(t, folder, "", "")
	if p, n := r.prefixInForce("uplink"); p != "2001:db8:1200::/56" || n != 3 {
		t.Errorf("after a start with another prefix %s with %d former ones", p, n)
	}
}

// TestNoPrefixYet: a link without its prefix gives nothing, and the others serve.
func TestNoPrefixYet(t *testing.T) {
	r := startProvided(t, t.TempDir(), "", "")
	if !strings.Contains(r.log.String(), "no prefix is known of uplink yet, so what stands behind it is left out, on links wan") {
		t.Errorf("the log says nothing of the link without pools:\n%s", r.log)
	}
	lan, wan := r.client(1, "fd00:1::1"), r.client(2, "fd00:2::1")
	lan.send(wire.Solicit, ia(nil, wire.IANA), false)
	if got := lan.receive(); len(got) != 1 {
		t.Errorf("on the other link %v", got)
	}
	wan.send(wire.Solicit, ia(nil, wire.IANA), false)
	if got := wan.receive(); len(got) != 0 {
		t.Errorf("on the link without pools %v", got)
	}
	r.provide("2001:db8:ab00::/64\n") // of another length than it must have
	r.until("the prefix was refused", func() bool { return strings.Contains(r.log.String(), "provider-prefix-unreadable") })
	r.provide("2001:db8:ab00::/56\n")
	r.until("the prefix came", func() bool { p, _ := r.prefixInForce("uplink"); return p != "" })
	wan.acquire()
}

// TestPrefixByAPI: what an operator sets is checked, is in force at once, and outlives a restart.
func TestPrefixByAPI(t *testing.T) {
	folder := t.TempDir()
	r := startProvided(t, folder, "a", "2001:db8:ab00::/56")
	o := newOperator(r.Daemon)
	before := r.site.Load().Policy.Fingerprint
	plan, err := o.PutProviderPrefix(t.Context(), "other", "2001:db8:9900::/48")
	if err != nil || !plan.Applied || r.site.Load().Policy.Fingerprint == before {
		t.Fatalf("got %+v, %v", plan, err)
	}
	for _, test := range []struct{ name, prefix, want string }{
		{"uplink", "2001:db8:9900::/56", "another source"},
		{"none", "2001:db8:9900::/56", "no such"},
		{"other", "2001:db8:9900::1/48", "bits set"},
		{"other", "2001:db8:9900::/72", "larger than the provider's prefix, which has 72 bits"},
		{"other", "ff00::/48", "multicast"},
	} {
		if _, err := o.PutProviderPrefix(t.Context(), test.name, test.prefix); err == nil || !strings.Contains(reasons(err), test.want) {
			t.Errorf("%s %s: got %v, want %s", test.name, test.prefix, err, test.want)
		}
	}
	again, err := o.PutProviderPrefix(t.Context(), "other", "2001:db8:9900::/48")
	if err != nil || again.Changed {
		t.Errorf("the same prefix once more: %+v, %v", again, err)
	}
	r.end()
	r = startProvided(t, folder, "a", "2001:db8:ab00::/56")
	if p, n := r.prefixInForce("other"); p != "2001:db8:9900::/48" || n != 0 {
		t.Errorf("after a restart %s with %d former ones", p, n)
	}
}

// reasons is an error with the faults that it lists.
func reasons(err error) string {
	why, ok := err.(*admin.ReloadError)
	if !ok {
		return err.Error()
	}
	return why.Problem + ": " + strings.Join(why.Faults, "; ")
}

// TestPrefixOfInterface: addresses that don't count are passed over, and what is in force stays as long as it is there.
func TestPrefixOfInterface(t *testing.T) {
	const (
		list = `fe800000000000000000000000000001 02 40 20 80     ppp0
20010db8ab0000050000000000000001 02 40 00 20     ppp0
20010db8cd0000050000000000000001 02 40 00 80     ppp0
20010db8cd0000050000000000000002 02 40 00 40     ppp0
fd000000000000050000000000000001 02 40 00 80     ppp0
20010db8ee0000050000000000000001 02 40 00 80     ppp0
20010db8000000050000000000000001 03 40 00 80     eth0
junk
`
		first, second = "2001:db8:cd00::/56", "2001:db8:ee00::/56"
	)
	for _, test := range []struct{ name, list, known, want string }{
		{"the lowest", list, "2001:db8:ab00::/56", first},
		{"the one in force", list, second, second},
		{"a unique local one", strings.ReplaceAll(list, "20010db8", "fe800db8"), second, "fd00::/56"},
		{"none", "", second, second},
	} {
		got := prefixOfInterface(test.list, "ppp0", 56, netip.MustParsePrefix(test.known))
		if got != netip.MustParsePrefix(test.want) {
			t.Errorf("%s: got %v, want %s", test.name, got, test.want)
		}
	}
	if got := prefixOfInterface(list, "ppp1", 56, netip.Prefix{}); got.IsValid() {
		t.Errorf("of an interface without addresses %v", got)
	}
}

// TestFormerPrefixesEnd: former prefixes are kept until their leases have ended, and one that comes back isn't former.
func TestFormerPrefixesEnd(t *testing.T) {
	c, faults := config.Parse("test.yaml", []byte(providerConfig))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	now := time.Unix(1_800_000_000, 0)
	var ps providers
	step := func(prefix string, after time.Duration) {
		now = now.Add(after)
		given := make([]netip.Prefix, len(c.Providers))
		if prefix != "" {
			given[0] = netip.MustParsePrefix(prefix)
		}
		ps = ps.with(c, given, now, formerUntil(now, c))
	}
	check := func(what, prefix string, formerOnes ...string) {
		t.Helper()
		var got []string
		for _, f := range ps.of("uplink").Former {
			got = append(got, f.Prefix.String())
		}
		if ps.of("uplink").Prefix.String() != prefix || !slices.Equal(got, formerOnes) {
			t.Errorf("%s: %v before %v, want %s before %v", what, ps.of("uplink").Prefix, got, prefix, formerOnes)
		}
	}
	step("2001:db8:100::/56", 0)
	check("the first", "2001:db8:100::/56")
	step("2001:db8:200::/56", time.Hour)
	check("the second", "2001:db8:200::/56", "2001:db8:100::/56")
	step("", time.Hour)
	check("nothing given", "2001:db8:200::/56", "2001:db8:100::/56")
	step("2001:db8:100::/56", time.Minute)
	check("the first again", "2001:db8:100::/56", "2001:db8:200::/56")
	step("", 4000*time.Second+formerSlack-time.Second)
	check("shortly before the end", "2001:db8:100::/56", "2001:db8:200::/56")
	step("", time.Second)
	check("the end", "2001:db8:100::/56")
	for _, p := range []string{"2", "3", "4", "5", "6", "7"} {
		step("2001:db8:"+p+"00::/56", time.Second)
	}
	check("many", "2001:db8:700::/56", "2001:db8:600::/56", "2001:db8:500::/56", "2001:db8:400::/56", "2001:db8:300::/56")
	value, err := ps.value()
	if err != nil {
		t.Fatal(err)
	}
	if stored, err := readProviders(value); err != nil || !stored.same(ps) {
		t.Errorf("stored as %s, read as %v, %v", value, stored, err)
	}
	if _, err := readProviders([]byte("{")); err == nil {
		t.Error("a broken value was read")
	}
}

// TestRefusedPrefix: a prefix that the file doesn't go with keeps no node from starting and no other change from being taken, whether a former one
// is known or none.
func TestRefusedPrefix(t *testing.T) {
	const text = `
provider-prefixes: [{name: uplink, file: wan-prefix}]
listen: {addresses: ["[::1]:0"]}
links:
  - {name: lan, match: {link-addresses: ["fd00:1::/64"]}, addresses: [{pool: "fd00:1::/64"}]}
  - {name: wan, match: {link-addresses: ["fd00:2::/64", "uplink+0:0:0:1::/64"]}, addresses: [{pool: "uplink+0:0:0:1::/64"}]}
`
	folder := t.TempDir()
	write := func(prefix string) {
		if err := os.WriteFile(filepath.Join(folder, "wan-prefix"), []byte(prefix+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(r *reloading, want string) {
		t.Helper()
		if p, _ := r.prefixInForce("uplink"); p != want || !strings.Contains(r.log.String(), "provider-prefix-refused") {
			t.Errorf("in force is %q, want %q; the log:\n%s", p, want, r.log)
		}
	}
	write("fd00:0:ffff:ffff::/64") // too long for the suffix
	r := startNode(t, folder, "", text)
	check(r, "")
	r.provide("2001:db8:ab00::/56\n")
	r.until("the prefix came", func() bool { p, _ := r.prefixInForce("uplink"); return p == "2001:db8:ab00::/56" })
	r.end()
	write("2001:db8:cd00::/64")
	r = startNode(t, folder, "", text)
	check(r, "2001:db8:ab00::/56")
	r.write(text + "lifetimes: {valid: 3h}\n")
	if plan, err := newOperator(r.Daemon).Reload(t.Context(), admin.ReloadRequest{}); err != nil || !plan.Applied {
		t.Errorf("the reload: %+v, %v", plan, err)
	}
	check(r, "2001:db8:ab00::/56")
	// What is wrong whatever the prefix is told.
	r.write(text + "lifetimes: {valid: 0}\n")
	if _, err := newOperator(r.Daemon).Reload(t.Context(), admin.ReloadRequest{}); err == nil {
		t.Error("a file with a fault was taken")
	}
}
