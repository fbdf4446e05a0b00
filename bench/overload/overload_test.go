package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/measure"
	"github.com/lockstep6/lockstep6/bench/netlab"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/udp/udptest"
)

func TestMain(m *testing.M) {
	child.Main(parts())
	udptest.Main(m)
}

// TestSweep: a short one, with a lockstep6 in a namespace and a control group that is a folder of files only.
func TestSweep(t *testing.T) {
	var s sweep
	g := measured(t, loadPart, &s, func(k *task) {
		k.Mix, k.First, k.Step, k.Search, k.Multiples = "acquire=1,renew=1", 200, time.Second, 3*time.Second/2, []float64{0.5, 2}
	})
	if len(s.Ramp) == 0 || s.Peak <= 0 || len(s.Steps) != 2 || len(s.Shed) != 2 {
		t.Fatalf("%+v", s)
	}
	for _, step := range s.Steps {
		if step.Done == 0 || step.Server == nil || len(step.Tasks) != 2 || step.Meanwhile > step.Goodput {
			t.Errorf("%+v", step)
		}
	}
	holds(t, "after the leases", g, map[string]string{"cpu.cfs_quota_us": "5000"})
}

// TestFlood: the others' exchanges before one client's flood and during it, and that its rate is what drops it.
func TestFlood(t *testing.T) {
	var f fairness
	measured(t, fairPart, &f, func(k *task) {
		k.Mix, k.First, k.Sources = "acquire", 100, []string{sourceAt(0), sourceAt(1)}
		k.Flood = &flood{Source: sourceAt(0), Clients: 1, Rate: 2000}
	})
	if f.Quiet.Done == 0 || f.Flooded.Done == 0 || f.Sent <= 0 || f.Dropped["client-rate"] == 0 {
		t.Errorf("%+v", f)
	}
}

// measured has a child do a part with a lockstep6 in a namespace, and returns the group that both are in.
func measured(t *testing.T, part string, out any, change func(*task)) *group {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "lockstep6")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/lockstep6/lockstep6/cmd/lockstep6").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	root := files(t, map[string]string{"cpu/cpu.shares": "1024"})
	g, err := newGroup(root, "g")
	if err != nil {
		t.Fatal(err)
	}
	n := udptest.NewNamespace(t)
	for _, address := range []string{netlab.ServerAddress, sourceAt(0), sourceAt(1)} {
		n.AddAddress(t, "lo", address+"/128")
	}
	c := &contenders()[0]
	args, err := c.prepare(&options{lockstep6: program}, dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	server := exec.CommandContext(ctx, args[0], args[1:]...)
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	n.Do(t, func() error { // what is started on the namespace's thread belongs to it
		if err := server.Start(); err != nil {
			return err
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, adminSocket)); err == nil {
				break
			} else if time.Now().After(deadline) {
				return err
			}
		}
		k := task{
			PID: server.Process.Pid, Group: *g, Load: *g, Cap: 0.5, Admin: filepath.Join(dir, adminSocket), Clients: 2000, For: time.Second, Patience: 2 * time.Second,
		}
		change(&k)
		return child.Run(ctx, part, child.AnyCore, k, out)
	})
	cancel()
	_ = server.Wait() // it was told to end
	return g
}

func TestParse(t *testing.T) {
	o, limit, err := parse([]string{"-multiples", "1,10", "-mixes", "renew acquire=1,renew=2", "-cap", "0.05", "-limit", "1m"})
	if err != nil || limit != time.Minute || o.cap != 0.05 || !slices.Equal(o.multiples, []float64{1, 10}) || len(o.mixes) != 2 {
		t.Errorf("%+v, %v, %v", o, limit, err)
	}
	for _, args := range []string{"-multiples 1,x", "-multiples 0", "-cap 2", "-cap 0", "-cap NaN", "-duration 1ms", "-patience 2m", "-mixes=", "more", "-rounds -1", "-peak -1", "-peak NaN"} {
		if o, _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%s: %+v", args, o)
		}
	}
	if _, _, err := parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

// files writes a fake place where control groups are mounted.
func files(t *testing.T, all map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range all {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestGroup: what is written where, in both versions, and that nothing is left.
func TestGroup(t *testing.T) {
	v1, v2 := map[string]string{"cpu/cpu.shares": "1024"}, map[string]string{"cgroup.controllers": "io cpu pids"}
	hybrid := map[string]string{"unified/cgroup.controllers": "pids", "cpu,cpuacct/cpu.cfs_period_us": "100000"}
	for name, test := range map[string]struct {
		root   map[string]string
		folder string
		want   map[string]string
		open   map[string]string // without a limit
	}{
		"version 1": {v1, "cpu/g", map[string]string{"cpu.cfs_period_us": "10000", "cpu.cfs_quota_us": "2500", "cgroup.procs": "7", "cpu.shares": "262144"},
			map[string]string{"cpu.cfs_quota_us": "-1"}},
		"both": {hybrid, "cpu,cpuacct/g", map[string]string{"cpu.cfs_quota_us": "2500"}, map[string]string{"cpu.cfs_quota_us": "-1"}},
		"version 2": {v2, "g", map[string]string{"cpu.max": "2500 10000", "cgroup.procs": "7", "cpu.weight": "10000", "../cgroup.subtree_control": "+cpu"},
			map[string]string{"cpu.max": "max 10000"}},
	} {
		root := files(t, test.root)
		g, err := newGroup(root, "g")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := errors.Join(g.add(7), g.limit(0.25)); err != nil || g.Folder != filepath.Join(root, test.folder) {
			t.Errorf("%s: %s, %v", name, g.Folder, err)
		}
		holds(t, name, g, test.want)
		if err := g.limit(0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		holds(t, name, g, test.open)
		// The kernel's files don't keep a group from being removed.
		left, err := filepath.Glob(filepath.Join(g.Folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range left {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(g.close(), g.close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(g.Folder); err == nil {
			t.Errorf("%s: the group is still there", name)
		}
	}
}

func holds(t *testing.T, name string, g *group, want map[string]string) {
	t.Helper()
	for file, text := range want {
		if got, err := os.ReadFile(filepath.Join(g.Folder, file)); err != nil || string(got) != text {
			t.Errorf("%s: %s holds %q, want %q (%v)", name, file, got, text, err)
		}
	}
}

// TestNoGroup: where there is none the error says what to do.
func TestNoGroup(t *testing.T) {
	for name, root := range map[string]string{
		"nothing": t.TempDir(), "no cpu": files(t, map[string]string{"cgroup.controllers": "pids"}), "nowhere": "/nowhere",
	} {
		if g, err := newGroup(root, "g"); g != nil || !errors.Is(err, errNoGroup) {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
}

func TestPeriod(t *testing.T) {
	for share, want := range map[float64][2]time.Duration{
		0: {10 * time.Millisecond, 0}, 0.1: {10 * time.Millisecond, time.Millisecond}, 0.5: {10 * time.Millisecond, 5 * time.Millisecond},
		0.05: {20 * time.Millisecond, time.Millisecond}, 0.01: {100 * time.Millisecond, time.Millisecond}, 1: {10 * time.Millisecond, 10 * time.Millisecond},
	} {
		if period, quota := periodOf(share); period != want[0] || quota != want[1] {
			t.Errorf("%v: %v of %v, want %v", share, quota, period, want)
		}
	}
}

// TestContenders: what lockstep6 is given is a configuration, and Kea's names the folder that it is run in.
func TestContenders(t *testing.T) {
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
		if slices.Contains(args, "l6") {
			if _, faults := config.Parse("server.conf", data); len(faults) > 0 {
				t.Errorf("%s: %v", c.name, faults)
			}
		} else if !strings.Contains(string(data), dir) || strings.Contains(string(data), "@DIR@") {
			t.Errorf("%s: the folder isn't named in %s", c.name, data)
		}
	}
}

// TestTrials: what is switched off is a configuration, and what floods is a relay of its own or a client behind another one's.
func TestTrials(t *testing.T) {
	if sourceAt(0) != netlab.RelayAddress {
		t.Errorf("the first relay is %s", sourceAt(0))
	}
	for _, k := range trials() {
		if _, faults := config.Parse("server.conf", []byte(netlab.Lockstep6Config("always")+k.off)); len(faults) > 0 {
			t.Errorf("%+v: %v", k, faults)
		}
		if alone := k.source == relays; alone != (k.Flood == "one relay") || alone != (k.clients > 1) {
			t.Errorf("%+v", k)
		}
	}
}

// TestOffers: multiples of the most that was done while load was offered, by clients that send again.
func TestOffers(t *testing.T) {
	most := peak([]measure.Step{{Goodput: 900, Meanwhile: 100}, {Goodput: 300, Meanwhile: 200}, {}})
	task := task{Multiples: []float64{0.5, 10}, For: time.Second, Patience: 2 * time.Second}
	got := task.offers(load.Only(load.Acquire), most)
	if none := task.offers(load.Only(load.Acquire), 0); len(none) > 0 {
		t.Errorf("of no peak: %+v", none)
	}
	if most != 200 || len(got) != 2 || got[0].Rate != 100 || got[1].Rate != 2000 || !got[1].Resend || got[1].Check() != nil {
		t.Errorf("peak %v, offers %+v", most, got)
	}
}

// TestReport writes a page, figures that can be read again, and a plot.
func TestReport(t *testing.T) {
	o, _, err := parse([]string{"-commit", "abc"})
	if err != nil {
		t.Fatal(err)
	}
	r := newReport(o)
	for i, ratio := range []float64{1.02, 0.93, 0.2} {
		step := func(times float64) measure.Step {
			return measure.Step{Rate: times * 1000, Seconds: 8, Took: 10, Meanwhile: min(times, ratio) * 1000, Offered: 100, Slow: 1,
				Tasks:  map[string]measure.Task{"renew": {Begun: 10, Done: 10}, "acquire": {Begun: 10, Done: 1, Latency: measure.Latency{Curve: []measure.Point{{}}}}},
				Server: &measure.Server{CPU: 1, CPUPerExchange: 12.34, SocketDrops: 5000}}
		}
		s := sweep{Peak: 1000, Steps: []measure.Step{step(0.5), step(10)}, Shed: []uint64{0, 70}}
		r.Sweeps = append(r.Sweeps, named{[]string{lockstep6, lockstep6, "other"}[i], []string{"acquire=1", "renew=1", "acquire=1,renew=1"}[i], s})
	}
	r.judge()
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "overload.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"lockstep6 abc", "the peak: acquire=1 | ≥ 0.9 | ≥ 1 | 1.02 | stretch met |", "the peak: renew=1 | ≥ 0.9 | ≥ 1 | 0.93 | met |",
		"| 10 | 10000 | 200 | 0.20 | acquire 10.0 %, renew 100.0 % | 0.0 | 0.0 | 0.100 | 12.3 | 500 | 7 | 0 | 1.0 % |",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q isn't in\n%s", want, page)
		}
	}
	var again report
	data, err := os.ReadFile(filepath.Join(dir, "overload.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &again); err != nil || len(again.Sweeps) != 3 || len(again.Targets) != 2 || again.Sweeps[2].Steps[1].Meanwhile != 200 {
		t.Errorf("%v, %+v", err, again)
	}
	if drawn, err := os.ReadFile(filepath.Join(dir, "overload.svg")); err != nil || !strings.Contains(string(drawn), "<svg") {
		t.Errorf("%v, %.100s", err, drawn)
	}
}

// TestFloods writes a page and figures.
func TestFloods(t *testing.T) {
	r := newFloods(&options{commit: "abc", peak: 1000})
	r.Trials = []fairness{{trial: trials()[3], Round: 1, Quiet: measure.Step{Meanwhile: 400}, Sent: 9000, Dropped: map[string]uint64{"overload": 3},
		Flooded: measure.Step{Rate: 500, Seconds: 4, Took: 5, Meanwhile: 100, Server: &measure.Server{SocketDrops: 50}, Latency: measure.Latency{Curve: []measure.Point{{}}}}}}
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "overload-floods.md"))
	if want := "| one client | none | 1 | 500 | 9000 | 400 | 100 | **0.25** | 0.0 | 0.0 | 10 | 0 | 0 | 0 | 3 |"; err != nil || !strings.Contains(string(page), want) {
		t.Errorf("%v: %q isn't in\n%s", err, want, page)
	}
	var again floods
	data, err := os.ReadFile(filepath.Join(dir, "overload-floods.json"))
	if err == nil {
		err = json.Unmarshal(data, &again)
	}
	if err != nil || len(again.Trials) != 1 || again.markdown() != string(page) {
		t.Errorf("%v, %+v", err, again)
	}
}
