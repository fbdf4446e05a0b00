package isc

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/convert"
)

var update = flag.Bool("update", false, "write what the corpus becomes")

// machine is where the corpus is converted.
var machine = []Interface{
	{"eth0", []netip.Addr{netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("3ffe:501:ffff:100::1")}},
	{"eth9", []netip.Addr{netip.MustParseAddr("2001:db8:9::1")}},
}

// corpus are whole configurations that dhcpd takes.
func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	return files
}

func TestCorpus(t *testing.T) {
	for _, file := range corpus(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src := source(string(data))
			src.File, src.Interfaces = filepath.Base(file), machine
			r, err := Convert(src)
			if err != nil {
				t.Fatal(err)
			}
			got, err := convert.Settle(r.Draft, "lockstep6 convert isc", src.File)
			if err != nil {
				t.Fatalf("%v\n%s", err, r.Draft.Write("x", "x"))
			}
			golden := strings.TrimSuffix(file, ".conf") + ".yaml"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNetworkNames: a network's name that can't be a link's is altered.
func TestNetworkNames(t *testing.T) {
	for name, want := range map[string]string{strings.Repeat("n", 300): strings.Repeat("n", 60), `"a\nb"`: "a-b"} {
		r, err := Convert(source("shared-network " + name + " { subnet6 2001:db8:1::/64 { range6 2001:db8:1::/80; } }\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := convert.Settle(r.Draft, "test", "x"); err != nil || !strings.Contains(string(got), "name: "+want+"\n") {
			t.Errorf("%v, and no name %s in\n%s", err, want, got)
		}
	}
}
