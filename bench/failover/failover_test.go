package failover

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/bench/marked"
)

// What the documentation shows is what the file of figures says, and that has each cell.
func TestPublished(t *testing.T) {
	file, err := os.Open("../results/failover.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := ReadCSV(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(Scenarios)*len(Systems) {
		t.Fatalf("%d rows for %d scenarios and %d systems; make failover writes them anew", len(rows), len(Scenarios), len(Systems))
	}
	for i, r := range rows {
		if want := Scenarios[i/len(Systems)].Name; r.Scenario != want || r.System != Systems[i%len(Systems)].Name {
			t.Errorf("row %d is of %q, %q, and should be of %q", i, r.Scenario, r.System, want)
		}
	}
	page, err := os.ReadFile("../../docs/failover-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Page(string(page), rows)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/failover-protocol.md; make failover writes it anew (-want +got):\n%s", diff)
	}
}

// A small study has what the page's words rest on, and survives the file.
func TestStudy(t *testing.T) {
	scenarios := []Scenario{Scenarios[2], Scenarios[12]}
	for i := range scenarios {
		scenarios[i].Clients = 40
	}
	rows, err := Study(scenarios, 1)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs, automatic := &rows[0], &rows[2], &rows[3]
	for _, r := range []*Row{ours, theirs, automatic} {
		if r.Had == 0 || r.Kept != r.Had || r.Doubles != 0 {
			t.Errorf("%s, %s: %d of %d kept, %d shared", r.Scenario, r.System, r.Kept, r.Had, r.Doubles)
		}
	}
	if ours.Messages != 0 || theirs.Messages == 0 || theirs.Asked < 2*automatic.Asked {
		t.Errorf("messages %d and %d, Renews %d, %d and automatic %d", ours.Messages, theirs.Messages, ours.Asked, theirs.Asked, automatic.Asked)
	}
	if ours, theirs := &rows[4], &rows[6]; ours.Within[3] < ours.Had-2 || theirs.Within[2] > theirs.Had/10 || theirs.Longest < hour {
		t.Errorf("first server cut off: %+v and %+v", ours, theirs)
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
}

func TestPageWithoutMarks(t *testing.T) {
	for _, page := range []string{"", "text\n" + beginMark, "text\n" + endMark} {
		if _, err := Page(page, nil); !errors.Is(err, marked.ErrMarks) {
			t.Errorf("%q: got %v", page, err)
		}
	}
}

func TestReadCSVRefuses(t *testing.T) {
	for _, file := range []string{"", "scenario,system\n", strings.Join(header, ",") + "\na,b,x" + strings.Repeat(",0", len(header)-3) + "\n"} {
		if rows, err := ReadCSV(strings.NewReader(file)); err == nil {
			t.Errorf("%q: got %+v", file, rows)
		}
	}
}
