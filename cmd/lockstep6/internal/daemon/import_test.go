package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
	"github.com/lockstep6/lockstep6/store/exchange"
)

// oldServer is the DUID of the server whose leases are imported.
var oldServer = []byte{0, 1, 0, 1, 0x32, 0x97, 0x4a, 0x82, 2, 0, 0, 0, 0, 0x99}

const oldDUID = `"00:01:00:01:32:97:4a:82:02:00:00:00:00:99"`

// importText is a single node's or a cluster's configuration, in which the old server's place is taken.
func importText(t *testing.T, cluster bool) string {
	t.Helper()
	if cluster {
		return edited(t, twoNodes, "{name: a}", "{name: a, duid: "+oldDUID+"}")
	}
	return "server: {duid: " + oldDUID + "}\n" + oneLink
}

// keaLine is a line of Kea's file of client number n, which was heard a minute ago.
func keaLine(lease string, n int, more ...string) string {
	prefix := netip.MustParsePrefix(lease)
	kind, valid, state := 0, 4000, "0"
	if prefix.Bits() != 128 {
		kind = 2
	}
	name := ""
	for _, m := range more {
		switch m {
		case "gone":
			valid = 0
		case "declined":
			state = "1"
		default:
			name = m
		}
	}
	last := time.Now().Unix() - 60
	return fmt.Sprintf("%s,00:03:00:01:02:00:00:00:00:%02x,%d,%d,1,2500,%d,7,%d,1,1,%s,,%s,\n", prefix.Addr(), n, valid, last+int64(valid), kind, prefix.Bits(), name, state)
}

const keaHeader = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context\n"

// importing imports lines of Kea's file into the data folder of a node, whose configuration is in the same folder.
func importing(t *testing.T, folder, node, config, lines string, change func(*Importing)) (Imported, []string, error) {
	t.Helper()
	var skipped []string
	o := Importing{
		ConfigFile: filepath.Join(folder, "lockstep6.yaml"), Text: []byte(config), Node: node, Data: filepath.Join(folder, "data"),
		Source: exchange.NewKea(strings.NewReader(keaHeader+lines), "f"), Logger: slog.New(slog.DiscardHandler), Progress: func(*Imported) {},
		Skipped: func(_ string, line int, why, _ string) { skipped = append(skipped, fmt.Sprintf("%d %s", line, why)) },
	}
	if node != "" {
		o.Successor = "a"
	}
	if change != nil {
		change(&o)
	}
	r, err := Import(t.Context(), &o)
	return r, skipped, err
}

func mustImport(t *testing.T, folder, node, config, lines string) Imported {
	t.Helper()
	r, skipped, err := importing(t, folder, node, config, lines, nil)
	if err != nil || len(skipped) > 0 {
		t.Fatalf("%v, not taken: %q", err, skipped)
	}
	return r
}

// Leases that no candidate explains, an address that no node would give among them.
var (
	oldAddress = netip.MustParsePrefix("2001:db8:1::1000/128")
	oldAnycast = netip.MustParsePrefix("2001:db8:1::/128")
	oldPrefix  = netip.MustParsePrefix("2001:db8:8000::/56")
	oldFile    = keaLine(oldAddress.String(), 1) + keaLine(oldPrefix.String(), 1) + keaLine(oldAnycast.String(), 2)
)

// wantKept fails the test unless the reply extends exactly these leases.
func wantKept(t *testing.T, what string, got []lease, want ...netip.Prefix) {
	t.Helper()
	var kept []netip.Prefix
	for _, l := range got {
		if l.valid == 0 {
			t.Errorf("%s: %s is withdrawn", what, l.prefix)
		}
		kept = append(kept, l.prefix)
	}
	if !slices.Equal(kept, want) {
		t.Errorf("%s: the client has %v, want %v", what, kept, want)
	}
}

// TestImportedLeasesAreKept: a node that has the old server's DUID extends what that granted as it is, at Renew and at Rebind, and gives
// it to nobody else.
func TestImportedLeasesAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		node    string
		cluster bool
	}{"single": {"", false}, "cluster": {"a", true}} {
		t.Run(name, func(t *testing.T) {
			folder, config := shortDir(t), importText(t, c.cluster)
			if r := mustImport(t, folder, c.node, config, oldFile); r.Taken != 3 || r.Reserved != 1 || r.Observed {
				t.Errorf("imported %+v", r)
			}
			node := startNode(t, folder, c.node, config)
			client, other, stranger := node.client(1, "2001:db8:1::9"), node.client(2, "2001:db8:1::9"), node.client(3, "2001:db8:1::9")
			for _, x := range []struct {
				m     wire.MessageType
				named bool
			}{{wire.Renew, true}, {wire.Rebind, false}, {wire.Renew, true}} {
				client.server, other.server = oldServer, oldServer
				client.send(x.m, ia(ia(nil, wire.IANA, oldAddress), wire.IAPD, oldPrefix), x.named)
				wantKept(t, x.m.String(), client.receive(), oldAddress, oldPrefix)
				other.send(x.m, ia(nil, wire.IANA, oldAnycast), x.named)
				wantKept(t, x.m.String(), other.receive(), oldAnycast)
			}
			stranger.server = oldServer
			stranger.send(wire.Request, ia(ia(nil, wire.IANA, oldAddress), wire.IAPD, oldPrefix), true)
			for _, l := range stranger.receive() {
				if l.prefix == oldAddress || l.prefix == oldPrefix {
					t.Errorf("a stranger gets %s", l.prefix)
				}
			}
			client.send(wire.Solicit, ia(ia(nil, wire.IANA), wire.IAPD), false)
			wantKept(t, "Solicit", client.receive(), oldAddress, oldPrefix)
		})
	}
}

// TestImportedLeasesAreObserved: the other node of a cluster has them too, and extends them at Rebind when the one that took the old
// server's place is dead; nobody else gets them there either.
func TestImportedLeasesAreObserved(t *testing.T) {
	folder, config := shortDir(t), importText(t, true)
	if r := mustImport(t, folder, "b", config, oldFile); r.Taken != 3 || !r.Observed {
		t.Errorf("imported %+v", r)
	}
	node := startNode(t, folder, "b", config)
	for _, l := range listOf(node.Daemon) {
		if l.Owner != "a" || !l.Confirmed {
			t.Errorf("%s is of %q, confirmed %v; want a's, confirmed", l.Lease, l.Owner, l.Confirmed)
		}
	}
	stranger, client := node.client(3, "2001:db8:1::9"), node.client(1, "2001:db8:1::9")
	address, prefix := stranger.acquire()
	if address == oldAddress || prefix == oldPrefix {
		t.Errorf("a stranger gets %s and %s", address, prefix)
	}
	waited := wire.AppendOption(nil, wire.OptionElapsedTime, []byte{0xff, 0xff})
	client.send(wire.Rebind, ia(ia(waited, wire.IANA, oldAddress), wire.IAPD, oldPrefix), false)
	wantKept(t, "Rebind", client.receive(), oldAddress, oldPrefix)
}

// TestImportReasons: what isn't taken is told with its line and the reason, and all entries are accounted for.
func TestImportReasons(t *testing.T) {
	folder := shortDir(t)
	config := edited(t, importText(t, false), `addresses: [{pool: "2001:db8:1::/64"}]`,
		`addresses: [{pool: "2001:db8:1::/112", exclude: ["2001:db8:1::5"]}]`+"\n    reservations: [{duid: \"00:03:00:01:02:00:00:00:00:07\", addresses: [\"2001:db8:1:0:7::7\"]}]")
	lines := keaLine("2001:db8:9::1/128", 1) + // 2
		keaLine("2001:db8:1:0:1::1/128", 1) +
		keaLine("2001:db8:1::5/128", 1) +
		keaLine("2001:db8:1:0:7::7/128", 7) + // reserved
		keaLine("2001:db8:8000::/57", 1) + // 6
		keaLine("2001:db8:1::9/128", 1, "declined") +
		"broken\n" + // 8
		keaLine("2001:db8:1::10/128", 1) + keaLine("2001:db8:1::10/128", 2) + // the later one has it
		keaLine("2001:db8:1::11/128", 1) + keaLine("2001:db8:1::11/128", 1, "gone") + // 12
		keaLine("2001:db8:1::12/128", 1, "gone")
	expired := fmt.Sprintf("2001:db8:1::14,00:04:01,10,%d,1,5,0,7,128,0,0,,,0,\n", time.Now().Unix()-5)
	ahead := func(by time.Duration) string {
		return fmt.Sprintf("2001:db8:1::15,00:04:01,10,%d,1,5,0,7,128,0,0,,,0,\n", time.Now().Add(by).Unix()+10)
	}
	lines += expired + ahead(time.Hour) + ahead(48*time.Hour) // 15: of a clock that is a little ahead; 16: of no clock
	r, skipped, err := importing(t, folder, "", config, lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2 on no link", "3 in no pool and not reserved", "4 excluded from its pool", "6 in no pool and not reserved", "8 malformed", "14 expired", "16 heard in the future"}
	if diff := cmp.Diff(want, skipped); diff != "" {
		t.Errorf("not taken (-want +got)\n%s", diff)
	}
	counts := Imported{Entries: 15, Taken: 4, Declined: 1, Repeated: 2, Ended: 1, Over: 1, Skipped: r.Skipped}
	if diff := cmp.Diff(counts, r); diff != "" {
		t.Errorf("counts (-want +got)\n%s", diff)
	}
}

// listOf are a node's leases in force, and declined addresses.
func listOf(d *Daemon) map[string]admin.Lease {
	all := map[string]admin.Lease{}
	for _, l := range d.operator.Leases(context.Background(), admin.Filter{Whose: admin.All}, admin.Position{}) {
		all[l.Lease] = l
	}
	return all
}

// A brokenSource ends before its file does.
type brokenSource struct {
	exchange.Reader
	left int
}

var errBroken = errors.New("broken off")

func (b *brokenSource) Next(l *exchange.Lease) error {
	if b.left--; b.left < 0 {
		return errBroken
	}
	return b.Reader.Next(l)
}

// TestImportAgain: an import that was broken off anywhere, and made again, ends as one that wasn't; and what clients did at our node meanwhile stays.
func TestImportAgain(t *testing.T) {
	folder, config := shortDir(t), importText(t, false)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	var lines strings.Builder
	for range 400 {
		n := 1 + rng.IntN(40)
		more := []string{}
		if rng.IntN(4) == 0 {
			more = append(more, "gone")
		}
		lines.WriteString(keaLine(fmt.Sprintf("2001:db8:1::%x/128", 0x1000+n), n, more...))
	}
	whole := filepath.Join(folder, "whole")
	r, _, err := importing(t, folder, "", config, lines.String(), func(o *Importing) { o.Data = whole })
	if err != nil || r.Taken == 0 || r.Taken+r.Repeated+r.Ended+r.Over != r.Entries {
		t.Fatalf("seed %d: %v, %+v", seed, err, r)
	}
	for range 5 {
		_, _, err := importing(t, folder, "", config, lines.String(), func(o *Importing) {
			o.Source = &brokenSource{o.Source, rng.IntN(400)}
		})
		if !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
	}
	if _, _, err := importing(t, folder, "", config, lines.String(), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(storedLeases(t, whole), storedLeases(t, filepath.Join(folder, "data"))); diff != "" {
		t.Errorf("seed %d: the store (-at once +broken off)\n%s", seed, diff)
	}
	again, _, err := importing(t, folder, "", config, keaLine(oldAddress.String(), 60), nil)
	if err != nil || again.Taken != 1 {
		t.Fatalf("%v, %+v", err, again)
	}
	node := startNode(t, folder, "", config)
	client := node.client(60, "2001:db8:1::9")
	client.server = oldServer
	client.send(wire.Renew, ia(nil, wire.IANA, oldAddress), true)
	wantKept(t, "Renew", client.receive(), oldAddress)
	if _, _, err := importing(t, folder, "", config, oldFile, nil); !errors.As(err, new(*store.InUseError)) {
		t.Errorf("while the node runs: %v", err)
	}
	node.end()
	before := storedLeases(t, filepath.Join(folder, "data"))
	late, skipped, err := importing(t, folder, "", config, keaLine(oldAddress.String(), 60)+keaLine(oldAddress.String(), 61)+keaLine(oldAddress.String(), 60, "gone"), nil)
	if err != nil || late.Same != 1 || late.Over != 1 || !slices.Equal(skipped, []string{"3 " + SkippedNewer}) {
		t.Errorf("%v, %+v, %q", err, late, skipped)
	}
	if diff := cmp.Diff(before, storedLeases(t, filepath.Join(folder, "data"))); diff != "" {
		t.Errorf("an old file changes what is newer (-before +after)\n%s", diff)
	}
}

// storedLeases are a stopped store's leases in force.
func storedLeases(t *testing.T, data string) (all []string) {
	t.Helper()
	r, err := store.OpenReadOnly(store.Options{Path: data})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = r.Scan(nil, nil, func(key, value []byte) error {
		s, err := binding.DecodeValue(key, value)
		if err == nil && s.State == binding.Bound {
			all = append(all, fmt.Sprintf("%x %x %d", s.Key.Address, s.DUID, s.Owner))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestImportDry: a dry run tells the same, and leaves no folder behind, or the folder as it was.
func TestImportDry(t *testing.T) {
	folder, config := shortDir(t), importText(t, false)
	dry := func(o *Importing) { o.DryRun = true }
	r, _, err := importing(t, folder, "", config, oldFile, dry)
	if err != nil || r.Taken != 3 {
		t.Fatalf("%v, %+v", err, r)
	}
	if found, _ := filepath.Glob(filepath.Join(folder, "*")); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
	mustImport(t, folder, "", config, keaLine(oldAddress.String(), 1))
	r, _, err = importing(t, folder, "", config, oldFile, dry)
	if err != nil || r.Taken != 2 || r.Same != 1 {
		t.Errorf("%v, %+v", err, r)
	}
	if n := len(storedLeases(t, filepath.Join(folder, "data"))); n != 1 {
		t.Errorf("%d leases after a dry run, want 1", n)
	}
}

// TestImportOnly: a block of dhcpd's ends what the same IA had before and doesn't have in it.
func TestImportOnly(t *testing.T) {
	folder, config := shortDir(t), importText(t, false)
	block := func(at int, address string) string {
		return fmt.Sprintf("ia-na \"\\007\\000\\000\\000\\000\\004\\001\" { cltt epoch %d; iaaddr %s { binding state active; max-life 4000; } }\n", time.Now().Unix()-int64(at), address)
	}
	text := block(90, "2001:db8:1::1") + block(60, "2001:db8:1::2")
	r, _, err := importing(t, folder, "", config, "", func(o *Importing) {
		o.Source = exchange.NewISC(strings.NewReader(text), "f", false)
	})
	if err != nil || r.Taken != 1 || r.Ended != 1 {
		t.Errorf("%v, %+v", err, r)
	}
	if got := storedLeases(t, filepath.Join(folder, "data")); len(got) != 1 || !strings.Contains(got[0], "20010db8000100000000000000000002") {
		t.Errorf("in force: %v", got)
	}
}

// TestImportNames: where the node names its clients they keep their names, a partial one gets the domain, and the store says what DNS has.
func TestImportNames(t *testing.T) {
	folder := shortDir(t)
	config := importText(t, false) + "dns: {domain: example.org, zones: [{zone: example.org, servers: [\"::1\"]}]}\n"
	r := mustImport(t, folder, "", config, keaLine("2001:db8:1::1/128", 1, "laptop.example.org.")+keaLine("2001:db8:1::2/128", 2, "printer")+keaLine("2001:db8:1::3/128", 3, "no..name"))
	if r.Named != 2 {
		t.Errorf("%d names, want 2", r.Named)
	}
	node := startNode(t, folder, "", config)
	got := map[string]string{}
	for lease, l := range listOf(node.Daemon) {
		got[lease] = l.Name + " " + l.NameFlags
	}
	want := map[string]string{"2001:db8:1::1": "laptop.example.org S", "2001:db8:1::2": "printer.example.org S", "2001:db8:1::3": " "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
}

// TestImportFull: a table that is too small ends the import with what to do.
func TestImportFull(t *testing.T) {
	folder := shortDir(t)
	config := importText(t, false) + "store: {capacity: 1024}\n"
	var lines strings.Builder
	for n := range 3000 {
		lines.WriteString(keaLine(fmt.Sprintf("2001:db8:1::%x/128", 0x1000+n), n%256))
	}
	if _, _, err := importing(t, folder, "", config, lines.String(), nil); err == nil || !strings.Contains(err.Error(), "store.capacity") {
		t.Errorf("%v", err)
	}
}
