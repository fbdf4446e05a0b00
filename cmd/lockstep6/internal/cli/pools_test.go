package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

func TestSlotsText(t *testing.T) {
	for decimal, want := range map[string]string{
		"1": "1", "999999999": "999999999", "18446744073709551616": "2^64", "18446744073709551615": "2^64", "4294967280": "2^32",
	} {
		if got := slotsText(decimal); got != want {
			t.Errorf("%s slots are %s, want %s", decimal, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{0: "0.0 %", 1e-9: "<0.1 %", 0.9996: "100.0 %", 0.125: "12.5 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v is %s, want %s", share, got, want)
		}
	}
}

// TestProviderPrefixesAsText: what is known of a prefix stands in one line, and what isn't is a dash.
func TestProviderPrefixesAsText(t *testing.T) {
	var out bytes.Buffer
	err := printProviderPrefixes(&out, "table", []admin.ProviderPrefix{
		{Name: "uplink", Source: "file wan", Prefix: "2001:db8:ab00::/56", Links: []string{"lan", "guests"}, Former: []admin.FormerPrefix{{Prefix: "2001:db8:cd00::/56", Until: time.Unix(1_800_000_000, 0).UTC()}}},
		{Name: "other", Source: "api"},
	})
	const want = "NAME    SOURCE    PREFIX              LINKS       FORMER\n" +
		"uplink  file wan  2001:db8:ab00::/56  lan guests  2001:db8:cd00::/56 until 2027-01-15T08:00:00Z\n" +
		"other   api       -                   -           -\n"
	if err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out.String(), want)
	}
	for _, bad := range []string{"uplink", "uplink=2001:db8::1/48", "uplink=x"} {
		if _, err := providedFlags([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
