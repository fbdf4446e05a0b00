package measure

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/meter"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// sample is a result with something in every field.
func sample() *Result {
	h, acquired := newHistogram(), newHistogram()
	for i := range int64(1000) {
		_ = h.RecordValue(100 + i)
		if i%2 == 0 {
			_ = acquired.RecordValue(100 + i)
		}
	}
	out := &load.Outcome{Latency: h, Took: 3 * time.Second}
	out.Tasks[load.Acquire] = load.TaskTally{Begun: 505, Done: 500, Lost: 3, Refused: 2}
	out.Tasks[load.Renew] = load.TaskTally{Begun: 500, Done: 500}
	out.LateBusy, out.LateSlow, out.Skipped, out.FellBack = 4, 7, 5, 1
	out.Counts = load.Counts{Sent: 1510, Received: 1500, Stray: 1, Retransmitted: 6}
	for i := range out.Latencies {
		out.Latencies[i] = newHistogram()
	}
	out.Latencies[load.Acquire], out.Latencies[load.Renew] = acquired, acquired
	s := stepOf(&load.Offer{Rate: 505}, out, 2*time.Second)
	s.Generator = 0.5
	before := meter.Sample{CPU: time.Second}
	s.measured(meter.Sample{CPU: 1020 * time.Millisecond, RSS: 50 << 20, Threads: 9, SocketDrops: 3, BufferDrops: 4}.Since(before))
	slow := s
	slow.Rate, slow.Loss, slow.Held = 252.5, 0.0001, true
	return &Result{
		Format: Format, Version: "v1.2.3", Started: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), Cores: 2,
		Load: Load{
			Servers: []string{"[::1]:10547"}, LinkAddress: "2001:db8:1::1", Clients: 100, FirstClient: 5, Relays: 4, Workers: 2,
			Mix: "acquire=1,renew=1", Addresses: true, Prefixes: true, Patience: 1, Retransmit: true, GRO: true,
		},
		Steps: []Step{s, slow}, Ramp: &Ramp{MaxLoss: 0.01, Best: 1, Limit: ByServer},
	}
}

// TestGolden: what programs read, and what people do.
func TestGolden(t *testing.T) {
	single := sample()
	single.Ramp, single.Steps = nil, single.Steps[:1]
	none := sample()
	none.Ramp.Best, none.Ramp.Limit = -1, ByClients
	var json, ramp, one, nothing bytes.Buffer
	for _, err := range []error{sample().WriteJSON(&json), sample().WriteText(&ramp), single.WriteText(&one), none.WriteText(&nothing)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, got := range map[string]string{"ramp.json": json.String(), "ramp.txt": ramp.String(), "one.txt": one.String(), "none.txt": nothing.String()} {
		name = filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got; -rewrite takes it):\n%s", name, diff)
		}
	}
}

// TestPercentiles: the curve says nothing that less than one exchange would show.
func TestPercentiles(t *testing.T) {
	h := newHistogram()
	for i := range int64(1000) {
		_ = h.RecordValue(1 + i)
	}
	l := latencyOf(h)
	if l.P50 != 500 || l.P90 != 900 || l.P99 != 990 || l.P999 != 999 || l.Max != 1000 {
		t.Errorf("%+v", l)
	}
	last, before := l.Curve[len(l.Curve)-1], l.Curve[len(l.Curve)-2]
	if last != (Point{100, 1000}) || before != (Point{99.9, 999}) {
		t.Errorf("the curve ends with %v and %v", before, last)
	}
	if got := latencyOf(newHistogram()); got.Max != 0 || got.Curve != nil || got.text() != "none" {
		t.Errorf("no exchange at all is %+v", got)
	}
}

func TestLine(t *testing.T) {
	h := newHistogram()
	_ = h.RecordValue(1500)
	s := second{since: 7 * time.Second, took: 500 * time.Millisecond, rate: 20000, recent: h, cpu: 10 * time.Millisecond, metered: true}
	s.before.Tasks[load.Ask] = load.TaskTally{Begun: 100, Done: 90, Lost: 2}
	s.now.Tasks[load.Ask] = load.TaskTally{Begun: 1300, Done: 1090, Lost: 4, Refused: 1}
	s.now.LateSlow = 6
	want := "    7 s  offered 20,000/s  done 2,000/s  lost 3  p50 1.50 ms  p99 1.50 ms  CPU 10.0 µs  late 6"
	if got := s.line(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestScreen(t *testing.T) {
	for live, want := range map[bool]string{true: "\x1b[?7lone\x1b[?7h\r\x1b[K\x1b[?7ltwo\x1b[?7h\r\x1b[Kstays\n", false: "one\ntwo\nstays\n"} {
		var b strings.Builder
		s := &screen{out: &b, live: live}
		s.show("one")
		s.show("two")
		s.say("stays")
		s.end()
		if b.String() != want {
			t.Errorf("live %t: %q, want %q", live, b.String(), want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 1.5: "1.5", 99: "99", 1000: "1,000", 1234567.4: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%v is written %s, want %s", n, got, want)
		}
	}
	if got := percent(0.01234); got != "1.23 %" {
		t.Error(got)
	}
}

// TestDocumented: docs/bench.md names every field of the JSON.
func TestDocumented(t *testing.T) {
	docs, err := os.ReadFile("../../docs/bench.md")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := sample().WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	fields := regexp.MustCompile(`"([a-z_0-9]+)":`).FindAllStringSubmatch(text.String(), -1)
	for _, f := range fields {
		if name := f[1]; name != load.Acquire.String() && name != load.Renew.String() && !bytes.Contains(docs, []byte("`"+name+"`")) {
			t.Errorf("docs/bench.md doesn't tell of %s", name)
		}
	}
	if len(fields) < 50 {
		t.Errorf("only %d fields were looked at", len(fields))
	}
}
