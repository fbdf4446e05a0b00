package agreement

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/bench/marked"
)

// slots and nodes are those of the small experiments here.
const (
	slots = 1 << 10
	nodes = 3
)

// each runs every strategy and spread that fits, with some seeds.
func each(t *testing.T, loss float64, fills []float64, check func(t *testing.T, s Setup, counts []Counts)) {
	t.Helper()
	for _, strategy := range Strategies {
		for _, spread := range Spreads {
			t.Run(string(strategy)+" "+string(spread), func(t *testing.T) {
				for seed := range uint64(5) {
					s := Setup{Slots: slots, Nodes: nodes, Strategy: strategy, Spread: spread, Loss: loss, Fills: fills, Seed: seed}
					check(t, s, Run(s))
				}
			})
		}
	}
}

// Where every node sees everything there is no duplicate, and only a full stripe refuses anybody: all slots of the
// pool are given away, one by one.
func TestNothingMissed(t *testing.T) {
	each(t, 0, []float64{0.5, 1}, func(t *testing.T, s Setup, counts []Counts) {
		if len(counts) != 2 || counts[0].Clients != slots/2 || counts[1].Clients != slots {
			t.Fatalf("seed %d: want counts at %d and %d clients, got %+v", s.Seed, slots/2, slots, counts)
		}
		for _, c := range counts {
			if c.Duplicates != 0 || c.Refused != 0 && s.Strategy != Exclusive {
				t.Errorf("seed %d: want neither duplicates nor refusals, got %+v", s.Seed, c)
			}
		}
	})
}

// A node knows its own grants, so one node alone gives nothing twice, whatever is lost on the way to the others;
// nor do nodes that draw from stripes of their own.
func TestNoDuplicate(t *testing.T) {
	each(t, 1, []float64{0.5, 0.95}, func(t *testing.T, s Setup, counts []Counts) {
		alone := s.Spread == One || s.Strategy == Exclusive
		for i, c := range counts {
			if (c.Duplicates == 0) != (alone || i == 0 && s.Spread == Failover) {
				t.Errorf("seed %d: got %+v, want duplicates: %v", s.Seed, c, !alone)
			}
		}
	})
}

// With exclusive a node gives its whole stripe and refuses the clients that come after that.
func TestExclusiveRefuses(t *testing.T) {
	stripe := (slots + nodes - 1) / nodes // the first one of 1024 slots has one more than the others
	full := float64(stripe) / slots
	s := Setup{Slots: slots, Nodes: nodes, Strategy: Exclusive, Spread: One, Loss: 1, Fills: []float64{full, 0.95}}
	counts := Run(s)
	if counts[0].Clients != stripe || counts[0].Refused != 0 {
		t.Errorf("a stripe of %d slots: got %+v", stripe, counts[0])
	}
	if late := counts[1]; late.Clients-late.Refused != stripe || late.RefusedShare() < 0.6 {
		t.Errorf("after its stripe of %d slots is full: got %+v", stripe, late)
	}
}

// Where nothing is seen, chance can be calculated. Of nodes that count upwards all but the busiest give only
// duplicates. Nodes that draw k of n slots each leave a slot free with the probability (1-k/n)^nodes. Agreeing can't
// be far from drawing, for its primaries are as good as drawn.
func TestAllMissed(t *testing.T) {
	const fill, seeds = 0.95, 40
	mean := map[Strategy]float64{}
	for _, strategy := range Strategies {
		for seed := range uint64(seeds) {
			s := Setup{Slots: slots, Nodes: nodes, Strategy: strategy, Spread: Even, Loss: 1, Fills: []float64{fill}, Seed: seed}
			mean[strategy] += Run(s)[0].DuplicateShare() / seeds
		}
	}
	drawn := 1 - (1-math.Pow(1-fill/nodes, nodes))/fill
	if got := mean[Random]; math.Abs(got-drawn) > 0.005 {
		t.Errorf("random: want %.4f, got %.4f", drawn, got)
	}
	if got := mean[Agree]; math.Abs(got-drawn) > 0.02 {
		t.Errorf("agree: want about %.4f, got %.4f", drawn, got)
	}
	if got, want := mean[FirstFree], 1-1.0/nodes; got > want || got < want-0.05 {
		t.Errorf("first-free: want a little less than %.4f, got %.4f", want, got)
	}
}

// Stripes are worth something: where some grants are missed, agreeing beats all that have none.
func TestStripesHelp(t *testing.T) {
	total := map[Strategy]int{}
	for _, strategy := range Strategies {
		for seed := range uint64(40) {
			s := Setup{Slots: slots, Nodes: nodes, Strategy: strategy, Spread: Even, Loss: 0.1, Fills: []float64{0.95}, Seed: seed}
			total[strategy] += Run(s)[0].Duplicates
		}
	}
	for _, strategy := range []Strategy{Probing, Random, Linear, FirstFree} {
		if total[Agree]*5 > total[strategy]*4 {
			t.Errorf("agree has %d duplicates, %s %d", total[Agree], strategy, total[strategy])
		}
	}
}

func TestSeed(t *testing.T) {
	s := Setup{Slots: slots, Nodes: nodes, Strategy: Agree, Spread: Mostly, Loss: 0.1, Fills: Fills, Seed: 7}
	first := Run(s)
	if diff := cmp.Diff(first, Run(s)); diff != "" {
		t.Errorf("the same seed (-want +got):\n%s", diff)
	}
	s.Seed++
	if slices.Equal(first, Run(s)) {
		t.Errorf("another seed gave the same: %+v", first)
	}
}

// The study gives the same rows whichever processor takes what, and they survive the file.
func TestStudy(t *testing.T) {
	rows := Study(1<<7, nodes, 2)
	if want := len(Spreads) * len(Losses) * len(Strategies) * len(Fills); len(rows) != want {
		t.Fatalf("want %d rows, got %d", want, len(rows))
	}
	if diff := cmp.Diff(rows, Study(1<<7, nodes, 2)); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	var file bytes.Buffer
	if err := WriteCSV(&file, rows); err != nil {
		t.Fatal(err)
	}
	read, err := ReadCSV(&file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, read); diff != "" {
		t.Errorf("from the file (-want +got):\n%s", diff)
	}
	if rows[0].Spread != Even || find(rows, Failover, FirstFree, 1, 0.99) != rows[len(rows)-1] {
		t.Errorf("first row %+v, last row %+v", rows[0], rows[len(rows)-1])
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{[]float64{0, 0, 0}, "0"},
		{[]float64{0.3, 0.1, 0.2}, "20.0 (10.0–30.0)"},
		{[]float64{0.0012, 0.0004, 0.0102, 0.0103}, "0.12 (0.040–1.03)"},
	} {
		if got := rangeOf(c.values).String(); got != c.want {
			t.Errorf("%v: want %s, got %s", c.values, c.want, got)
		}
	}
}

// What the documentation shows is what the file of figures says.
func TestPublished(t *testing.T) {
	file, err := os.Open("../results/agreement.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := ReadCSV(file)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/agreement.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Page(string(page), rows)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/agreement.md; make agreement writes it anew (-want +got):\n%s", diff)
	}
	plot, err := os.ReadFile("../../docs/agreement-duplicates.svg")
	if err != nil {
		t.Fatal(err)
	}
	if string(plot) != Plot(rows) {
		t.Error("docs/agreement-duplicates.svg isn't the plot of the figures; make agreement draws it anew")
	}
}

func TestPlotIsXML(t *testing.T) {
	plot := Plot(Study(1<<7, nodes, 2))
	d := xml.NewDecoder(strings.NewReader(plot))
	curves := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			curves++
		}
	}
	if want := len(Strategies) * (len(Losses) - 1 + 2*len(Fills) + 1); curves != want || strings.Contains(plot, "NaN") {
		t.Errorf("want %d points, got %d, and no NaN", want, curves)
	}
}

func TestPageWithoutMarks(t *testing.T) {
	for _, page := range []string{"", "text\n" + beginMark, "text\n" + endMark} {
		if _, err := Page(page, nil); !errors.Is(err, marked.ErrMarks) {
			t.Errorf("%q: got %v", page, err)
		}
	}
}

func TestReadCSVRefuses(t *testing.T) {
	for _, file := range []string{"", "spread,loss\n", strings.Join(header, ",") + "\neven,x,agree,0.5,0,0,0,0,0,0\n"} {
		if rows, err := ReadCSV(strings.NewReader(file)); err == nil {
			t.Errorf("%q: got %+v", file, rows)
		}
	}
}
