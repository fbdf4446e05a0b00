package target

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	least, most := Target{"a", 0.85, 0.95, false}, Target{"b", 200, 150, true}
	for _, test := range []struct {
		target Target
		figure float64
		want   string
	}{
		{least, 0.95, "stretch met"}, {least, 0.85, "met"}, {least, 0.84, missed},
		{most, 150, "stretch met"}, {most, 200, "met"}, {most, 201, missed},
	} {
		if got := test.target.Verdict(test.figure); got != test.want {
			t.Errorf("%s %v: %s, want %s", test.target.Name, test.figure, got, test.want)
		}
	}
	got := Table([]Found{least.Of(0.5, 0.9, 2), most.Of(120.4)})
	for _, row := range []string{"| a | ≥ 0.85 | ≥ 0.95 | 0.50 / **0.90** / 2.00 | met |", "| b | ≤ 200 | ≤ 150 | 120 | stretch met |"} {
		if !strings.Contains(got, row) {
			t.Errorf("no row %q in\n%s", row, got)
		}
	}
}

func TestPage(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("core.json", `{"targets": [{"name": "speed: fast", "must": 2, "stretch": 3, "min": 1, "median": 1.5, "max": 4}]}`)
	write("other.json", `{"targets": [{"name": "size", "must": 2, "stretch": 1, "at_most": true, "min": 1, "median": 1, "max": 1}]}`)
	write("none.json", `{"head": "no targets"}`)
	write("reasons.txt", "# why\nspeed: fast: the host: it is slow\nsize: too large once\n")
	page := "before\n" + begins + "\nold\n" + ends + "\nafter\n"
	got, err := Page(page, folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n" + begins, ends + "\nafter\n", "| speed: fast | ≥ 2 | ≥ 3 | 1.00 / **1.50** / 4.00 | **missed** | the host: it is slow | [core](bench/results/core.md) |",
		"| size | ≤ 2 | ≤ 1 | 1.00 | stretch met |   | [other]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if again, err := Page(got, folder); err != nil || again != got || strings.Contains(got, "old") {
		t.Errorf("made again it is another one (%v):\n%s", err, again)
	}
	write("core.json", `{"busy": true, "targets": [{"name": "speed", "must": 2, "stretch": 3, "min": 1, "median": 1.5, "max": 4}]}`)
	write("reasons.txt", "")
	if got, err := Page(page, folder); err != nil || !strings.Contains(got, "| ? | the machine was busy") {
		t.Errorf("of a busy machine: %v\n%s", err, got)
	}
	write("core.json", `{"targets": [{"name": "speed", "must": 2, "stretch": 3, "min": 1, "median": 1.5, "max": 4}]}`)
	write("reasons.txt", "seed: a name that nothing has\n")
	if _, err := Page(page, folder); err == nil || !strings.Contains(err.Error(), `"seed: a name that nothing has"`) || !strings.Contains(err.Error(), `"speed" is missed`) {
		t.Errorf("%v: want a reason without a target, and a target without one", err)
	}
	write("reasons.txt", "")
	if _, err := Page(page, folder); !errors.Is(err, ErrUnexplained) {
		t.Errorf("%v: want one that tells that only a reason is missing", err)
	}
	if _, err := Page("no marks", folder); err == nil {
		t.Error("a page without marks was written")
	}
}
