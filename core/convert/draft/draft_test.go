package draft

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

func TestWrite(t *testing.T) {
	d := New()
	d.Root().Set("allocation", Text("sequential"))
	d.Root().Map("lifetimes").Set("valid", Seconds(7200))
	link := d.Root().List("links").Append(Map()).Open()
	link.Set("name", Text("lan"))
	link.Set("rapid-commit", Text("off"))
	pools := link.List("addresses")
	pools.Append(Map()).Set("pool", Text("2001:db8:1::/64"))
	d.Took(4)
	d.Lost(pools, Place{"kea.conf", 12}, "pool-id", "pools have no numbers here, "+strings.Repeat("and that is so ", 8))
	d.Changed(link, Place{"kea.conf", 9}, "allocator", "it is another one")
	link.Map("dns").Comment("nothing but this")
	link.List("reservations").Append(Map())
	d.Note(d.Root(), Place{File: "kea.conf"}, "reservation-mode", "all is the default")
	const want = "# Converted from kea.conf by `lockstep6 convert kea`: 4 settings are taken over, 1 of them with a difference,\n" +
		"#  1 without an equal.\n" +
		"# Comments that begin with a file and a line say what isn't the same. `lockstep6 check --config FILE` checks\n" +
		"#  this file.\n#\n" +
		"# kea.conf: reservation-mode: all is the default\n" + `
lifetimes: {valid: 2h}

allocation: sequential

links:
  - name: lan
    rapid-commit: off
    addresses:
      - {pool: "2001:db8:1::/64"}
      # kea.conf:12: pool-id isn't translated: pools have no numbers here, and that is so and that is so and
      #  that is so and that is so and that is so and that is so and that is so and that is so
    # kea.conf:9: allocator isn't the same: it is another one
    # nothing but this
    reservations: [{}]
`
	if diff := cmp.Diff(want, string(d.Write("lockstep6 convert kea", "kea.conf"))); diff != "" {
		t.Error(diff)
	}
	if got := d.Warnings(); len(got) != 2 || got[0].At.Line != 9 || got[1].Weight != WeightLost {
		t.Errorf("warnings %v", got)
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[uint32]string{0: "0", 1: "1s", 90: "1m30s", 3600: "1h", 90000: "1d1h", 604800: "7d", math.MaxUint32: "infinite"} {
		if got := Seconds(s).plain; got != want {
			t.Errorf("%d seconds are %s, want %s", s, got, want)
		}
	}
}

// FuzzText has YAML read back what was written, in a table, a list and a flow, with a comment beside it.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "lan", "off", "null", "2001:db8::", "a: b", "- x", "\x00\"\\\n\u2028", "#", "1e3", "0x17", "\ufeff", "😀", "~", "a\r\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := New()
		d.Root().Set("key", Text(s))
		d.Root().List("list").Open().Append(Text(s))
		d.Root().List("list").Comment(s)
		d.Root().Map("table").Set("inner", Texts(s, s))
		var got struct {
			Key   string
			List  []string
			Table struct{ Inner []string }
		}
		if err := yaml.Unmarshal(d.Write("test", "file"), &got); err != nil {
			t.Fatalf("%v\n%s", err, d.Write("test", "file"))
		}
		want := strings.ToValidUTF8(s, "\ufffd")
		if got.Key != want || len(got.List) != 1 || got.List[0] != want || got.Table.Inner[1] != want {
			t.Errorf("%q is read back as %+v", want, got)
		}
	})
}

func TestFaults(t *testing.T) {
	faults := Faults{{Place{"b", 1}, "x is wrong", ""}, {Place{"a", 7}, "pool isn't in the subnet", "mend it"}}
	faults.Sort()
	if got, want := faults.Error(), "a:7: pool isn't in the subnet; mend it\nb:1: x is wrong"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
