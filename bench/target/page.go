package target

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The lines of a page between which the table stands.
const (
	begins = "<!-- targets: written by `make targets` from bench/results/*.json and reasons.txt -->"
	ends   = "<!-- end of targets -->"
)

// ErrUnexplained says of a target that it is missed and that no reason is given. Of results that have just been measured that
// is nothing wrong.
var ErrUnexplained = errors.New("is missed: say why in reasons.txt")

// Page returns a page with the table between its marks made anew, from a folder of results. Reasons are what that folder's
// reasons.txt says: lines of a target's name, ": ", and why it is missed. Each target that is missed needs one: else the errors that
// come with the page are, or join others that are, ErrUnexplained.
func Page(page, folder string) (string, error) {
	head, rest, found := strings.Cut(page, begins+"\n")
	_, tail, closed := strings.Cut(rest, ends)
	if !found || !closed {
		return "", fmt.Errorf("the page has no lines %q and %q", begins, ends)
	}
	given, err := readReasons(filepath.Join(folder, "reasons.txt"))
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	var b strings.Builder
	b.WriteString("\n| target | must | stretch | here | | why | from |\n|---|---|---|---|---|---|---|\n")
	var errs []error
	for _, file := range files {
		errs = append(errs, writeRows(&b, file, given)...)
	}
	for line := range given {
		errs = append(errs, fmt.Errorf("reasons.txt has a line for no target of the results: mend the name, or take it out: %q", line))
	}
	return head + begins + "\n" + b.String() + "\n" + ends + tail, errors.Join(errs...)
}

// A reasons is the lines of reasons.txt that haven't been taken yet.
type reasons map[string]bool

func readReasons(file string) (reasons, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := reasons{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if !strings.Contains(line, ": ") {
			return nil, fmt.Errorf("%s: %q isn't a target's name, a colon, and a reason", file, line)
		}
		lines[line] = true
	}
	return lines, nil
}

// take returns the reason that a target is missed, or "". The name may have a colon itself.
func (r reasons) take(name string) string {
	for line := range r {
		if why, ok := strings.CutPrefix(line, name+": "); ok {
			delete(r, line)
			return why
		}
	}
	return ""
}

// writeRows writes a file's targets, and takes their reasons. A file without targets has none.
func writeRows(b *strings.Builder, file string, given reasons) (errs []error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return []error{err}
	}
	var results struct {
		Targets []Found `json:"targets"`
		Busy    bool    `json:"busy"` // with other work: nothing is to be judged
	}
	if err := json.Unmarshal(data, &results); err != nil {
		return []error{fmt.Errorf("%s: %w", file, err)}
	}
	name := strings.TrimSuffix(filepath.Base(file), ".json")
	for _, f := range results.Targets {
		if f.Median == 0 {
			return []error{fmt.Errorf("%s: target %q has no median: the file is of another version of the program; measure again", file, f.Name)}
		}
		why, verdict := given.take(f.Name), f.Verdict(f.Median)
		if verdict == missed && why == "" && !results.Busy {
			errs = append(errs, fmt.Errorf("%q %w", f.Name, ErrUnexplained))
		}
		if verdict != missed {
			why = ""
		}
		if results.Busy {
			verdict = "?"
			why = "the machine was busy with other work: not to be judged"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | [%s](bench/results/%s.md) |\n", f.Name, f.figures(), verdict, cmp.Or(why, " "), name, name)
	}
	return errs
}
