package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/bench/netlab"
	"github.com/lockstep6/lockstep6/core/config"
)

// TestConfigurations: what lockstep6 is given is a configuration; others keep what they write in the turn's folder; and the
// contenders that others are held against stand where they are looked for.
func TestConfigurations(t *testing.T) {
	all := contenders()
	for _, c := range all {
		dir := t.TempDir()
		args, err := c.prepare(&options{lockstep6: "l6", kea: "kea"}, dir)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "server.conf"))
		if err != nil {
			t.Fatal(err)
		}
		if args[0] == "l6" {
			if _, faults := config.Parse("server.conf", data); len(faults) > 0 {
				t.Errorf("%s: %v", c.name, faults)
			}
		} else if !strings.Contains(string(data)+strings.Join(args, " "), dir) || strings.Contains(string(data), "@DIR@") {
			t.Errorf("%s: the folder isn't named in %q or %s", c.name, args, data)
		}
	}
	for i, want := range map[int]string{always: "lockstep6, every", never: "lockstep6, `sync: never`", keaThreads: "Kea, multi", keaSingle: "Kea, one"} {
		if !strings.HasPrefix(all[i].name, want) {
			t.Errorf("contender %d is %s, want %s", i, all[i].name, want)
		}
	}
}

// TestGenerator: each relay has an address of its own, and one load's flags don't get into another's.
func TestGenerator(t *testing.T) {
	load := (&lab{new(netlab.Lab)}).generator(&options{clients: 5000}, &contender{clients: 1000}, 1, "file")
	if i := slices.Index(load, "--clients"); load[i+1] != "1000" {
		t.Errorf("clients %s, want the contender's bound", load[i+1])
	}
	sources := map[string]bool{}
	for i, arg := range load {
		if arg == "--source" {
			sources[load[i+1]] = true
		}
	}
	if len(sources) != relays || sources[netlab.ServerAddress] {
		t.Errorf("the relays' addresses are %v", sources)
	}
	if a, b := append(load, "a"), append(load, "b"); a[len(load)] != "a" || b[len(load)] != "b" {
		t.Error("two loads share their flags")
	}
}

// TestRead takes results apart as `lockstep6 bench --json` writes them.
func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const steps = `"steps":[{"goodput":10,"latency":{"p50":500,"p99":700},"server":{"cpu_us_per_exchange":20,"rss_bytes":2097152}},
		{"goodput":2000,"latency":{"p50":1500,"p99":9000},"server":{"cpu_us_per_exchange":12.5,"rss_bytes":1048576}}]`
	for _, test := range []struct {
		text, limit string
		want        offer
	}{
		{`{"format":1,"ramp":{"best":1,"limit":"server"},` + steps + `}`, "server", offer{2000, 12.5, 1.5, 9, 1}},
		{`{"format":1,` + steps + `}`, "", offer{10, 20, 0.5, 0.7, 2}},
	} {
		write(test.text)
		if got, limit, err := read(file); err != nil || got != test.want || limit != test.limit {
			t.Errorf("got %+v, %q, %v; want %+v, %q", got, limit, err, test.want, test.limit)
		}
	}
	for _, text := range []string{`{"ramp":{"best":-1},"steps":[]}`, `{"ramp":{"best":0},"steps":[{"goodput":1}]}`, `{`, `{}`} {
		write(text)
		if got, _, err := read(file); err == nil {
			t.Errorf("%s: no error, and %+v", text, got)
		}
	}
}
