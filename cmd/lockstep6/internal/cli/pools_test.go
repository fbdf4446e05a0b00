package cli

import "testing"

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
