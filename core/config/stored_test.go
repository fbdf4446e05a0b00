package config_test

import (
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
)

const storedFile = `listen: {interfaces: [eth0]}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
    reservations:
      - {duid: "00:03:00:01:02:00:00:00:00:01", addresses: ["2001:db8:1::10"]}
`

// TestStored: stored reservations are as good as the file's, checked alike, and a fault names both.
func TestStored(t *testing.T) {
	entry := func(link, client, reservation string) string {
		return `{"link":"` + link + `","client":"` + client + `","reservation":{` + reservation + `}}`
	}
	tests := map[string]struct{ stored, want string }{
		"none": {"", ""},
		"right": {entry("lan", "duid 00:03:02", `"duid":"00:03:02","addresses":["2001:db8:1::11"]`) + ",\n" +
			entry("lan", "hardware 02:00", `"hardware":"02:00","prefixes":["2001:db8:8000:100::/56"]`), ""},
		"address of the file's": {entry("lan", "duid 00:03:02", `"duid":"00:03:02","addresses":["2001:db8:1::10"]`),
			"stored reservations:1:87: lan duid 00:03:02 addresses[0]: 2001:db8:1::10 stands in line 8 already; what is reserved belongs to one client, " +
				"or take it out of the node's store: `lockstep6 reservations remove`"},
		"client of the file's": {entry("lan", "c", `"duid":"00:03:00:01:02:00:00:00:00:01","addresses":["2001:db8:1::12"]`),
			"lan c duid: the client has a reservation on this link already, in line 8"},
		"address of another": {entry("lan", "c", `"duid":"00:03:02","addresses":["2001:db8:1::12"]`) + ",\n" +
			entry("lan", "d", `"duid":"00:03:03","addresses":["2001:db8:1::12"]`), "stored reservations:2:"},
		"and names it": {entry("lan", "c", `"duid":"00:03:02","addresses":["2001:db8:1::12"]`) + ",\n" +
			entry("lan", "d", `"duid":"00:03:03","addresses":["2001:db8:1::12"]`), "stands in stored reservation 1 already"},
		"no such link":     {entry("wan", "c", `"duid":"00:03:02","addresses":["2001:db8:1::12"]`), "stored reservations:1:10: wan c link: the file has no link wan; keep the link"},
		"no such field":    {entry("lan", "c", `"duid":"00:03:02","adresses":["2001:db8:1::12"]`), "lan c adresses: there is no such field here; did you mean addresses?"},
		"not on the link":  {entry("lan", "c", `"duid":"00:03:02","addresses":["2001:db8:2::12"]`), "2001:db8:2::12 isn't on the link"},
		"reserves nothing": {entry("lan", "c", `"duid":"00:03:02"`), "reserves nothing"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			stored := []byte("[" + test.stored + "]")
			c, faults := config.ParseWith("test.yaml", []byte(storedFile), config.Beside{Stored: stored})
			if test.want == "" {
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				want := 1 + strings.Count(test.stored, `"link"`)
				if got := c.Links[0].Reservations; len(got) != want || got[0].Stored || got[want-1].Stored != (want > 1) {
					t.Errorf("got %+v", got)
				}
				return
			}
			if !strings.Contains(faults.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", faults, test.want)
			}
		})
	}
}

// TestClient: whatever way a client is written, it is the same one.
func TestClient(t *testing.T) {
	for _, same := range [][][3]string{
		{{"duid", "00:03:00:01:aa", ""}, {"duid", "00030001AA", ""}, {"duid", "0x00030001aa", ""}, {"duid", "00-03-00-01-aa", ""}},
		{{"hardware", "02:00", ""}, {"hardware", "0200", ""}},
		{{"remote-id", "line-17", ""}, {"remote-id", "0x6c696e652d3137", ""}},
		{{"remote-id", "line-17", "4491"}},
		{{"subscriber-id", "0x0a0b", ""}, {"subscriber-id", "0a:0b", ""}},
		{{"subscriber-id", "0x30783061", ""}}, // the text 0x0a
	} {
		first, err := config.ParseClient(same[0][0], same[0][1], same[0][2])
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range same[1:] {
			if c, err := config.ParseClient(other[0], other[1], other[2]); err != nil || c != first {
				t.Errorf("%v is %+v, %v; want %+v", other, c, err, first)
			}
		}
		if again, err := config.ParseClient(first.Field, first.Text(), same[0][2]); err != nil || again != first {
			t.Errorf("%s reads back as %+v, %v", first.Text(), again, err)
		}
	}
	for _, bad := range [][3]string{
		{"name", "x", ""}, {"duid", "00", ""}, {"duid", "line", ""}, {"hardware", "", ""}, {"remote-id", "0xzz", ""},
		{"duid", "00:03:01", "4491"}, {"remote-id", "x", "4294967296"}, {"subscriber-id", strings.Repeat("x", 256), ""},
	} {
		if c, err := config.ParseClient(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v was read as %+v", bad, c)
		}
	}
}
