package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
)

// TestConfigurations: what lockstep6 is given is a configuration, and Kea's names the folder that it is run in.
func TestConfigurations(t *testing.T) {
	for _, c := range contenders() {
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
		} else if !strings.Contains(string(data), dir) || strings.Contains(string(data), "@DIR@") {
			t.Errorf("%s: the folder isn't named in %s", c.name, data)
		}
	}
}

// TestRead takes a result apart as `lockstep6 bench --json` writes it.
func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"format":1,"ramp":{"best":1},"steps":[{"goodput":10},
		{"goodput":2000,"latency":{"p50":1500,"p99":9000},"server":{"cpu_us_per_exchange":12.5,"rss_bytes":1048576}}]}`)
	want := result{2000, 12.5, 1.5, 9, 1}
	if got, err := read(file); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, text := range []string{`{"ramp":{"best":-1},"steps":[]}`, `{"ramp":{"best":0},"steps":[{"goodput":1}]}`, `{`, `{}`} {
		write(text)
		if got, err := read(file); err == nil {
			t.Errorf("%s: no error, and %+v", text, got)
		}
	}
}

// TestMarkdown: the ratios are of medians.
func TestMarkdown(t *testing.T) {
	all := contenders()
	results := make([][]result, len(all))
	for i := range all {
		for _, f := range []float64{3, 1, 2} {
			results[i] = append(results[i], result{rate: 100 * f * float64(8-2*i), cpu: f * float64(1+i)})
		}
	}
	got := markdown(&options{rounds: 3, clients: 5, commit: "abc"}, all, results)
	for _, want := range []string{
		"| lockstep6, every Reply after its sync | 800 / 1600 / 2400 | 1.0 / 2.0 / 3.0 |", "| 2.0 | 3.0 |\n| lockstep6, `sync", "lockstep6 abc",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q isn't in\n%s", want, got)
		}
	}
}
