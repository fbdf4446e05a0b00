package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

// said is perfdhcp 2.2.0's report.
const said = `Running: perfdhcp -6 -l eth0 -r 5000 -R 1000000 -p 2 -W 1000000 -e address-only
Scenario: basic.
Multi-thread mode enabled.
***Rate statistics***
Rate: 3318.76 4-way exchanges/second, expected rate: 5000

***Malformed Packets***
Malformed packets: 0
***Statistics for: SOLICIT-ADVERTISE***
sent packets: 9999
received packets: 9967
drops: 32
drops ratio: 0.320032 %
orphans: 0
rejected leases: 0
non unique addresses: 0

min delay: 0.036 ms
avg delay: 0.710 ms
max delay: 37.040 ms
std deviation: 3.613 ms
collected packets: 16

***Statistics for: REQUEST-REPLY***
sent packets: 9967
received packets: 9960
drops: 7
drops ratio: 0.070 %
orphans: 0
rejected leases: 0
non unique addresses: 0

min delay: 0.059 ms
`

func TestParseTally(t *testing.T) {
	got, err := parseTally(said)
	want := tally{statistics{9999, 9967}, statistics{9967, 9960}}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if d := got.dropped(); math.Abs(d-39.0/9999) > 1e-9 {
		t.Errorf("%v were dropped, want 39 of 9999: those without an Advertise, and those without a Reply", d)
	}
	if d := (&tally{}).dropped(); d != 1 {
		t.Errorf("of nothing %v was dropped, want all", d)
	}
	half, _, _ := strings.Cut(said, "***Statistics for: REQUEST")
	for _, text := range []string{"", half, strings.Replace(said, "9960", "many", 1)} {
		if got, err := parseTally(text); err == nil {
			t.Errorf("no error, and %+v, of %q", got, text)
		}
	}
}

// TestSum: whose limit a rate is that wasn't held.
func TestSum(t *testing.T) {
	counts := func(sent, done float64) *tally { return &tally{statistics{sent, sent}, statistics{sent, done}} }
	for _, test := range []struct {
		name       string
		sent, done float64
		lost       uint64
		limit      string
	}{
		{"held", 2000, 1990, 0, ""},
		{"the server lost some", 2000, 1900, 10, "server"},
		{"perfdhcp's socket did", 2000, 1900, 60, "perfdhcp"},
		{"perfdhcp was too slow", 1800, 1800, 0, "perfdhcp"},
		{"no answer", 2000, 0, 0, "server"},
	} {
		d := sum(counts(test.sent, test.done), 1000, 199*time.Millisecond, time.Second, test.lost)
		if d.Limit != test.limit || d.Rate != test.done/directFor {
			t.Errorf("%s: %+v, want %q", test.name, d, test.limit)
		}
	}
	if d := sum(counts(2000, 1990), 1000, 199*time.Millisecond, 398*time.Millisecond, 0); math.Abs(d.CPU-100) > 1e-9 || math.Abs(d.Perfdhcp-200) > 1e-9 {
		t.Errorf("%+v, want 100 µs of the server's and 200 of perfdhcp's", d)
	}
}
