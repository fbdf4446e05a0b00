package house

import (
	"io/fs"
	"regexp"
	"strings"
)

// ThreatsPath is the page that tells of each threat what stands against it, what proves that, and what is left open.
const ThreatsPath = "docs/security.md"

var threatID = regexp.MustCompile(`^[A-Z][0-9]{1,2}$`)

// Threats holds the page's rows against the source: ID, threat, what stands against it, what proves that, what it costs an attacker, and what is
// left open. Each ID stands once, no cell is empty, and the proofs are tests that exist and say what is quoted. least is how many rows the page
// has at least, so that one whose rows can't be read is noticed.
func Threats(fsys fs.FS, t *Tree, markdown string, least int) (found []Violation) {
	s := &prover{fsys: fsys, tree: t}
	seen, number := make(map[string]bool), 0
	for line := range strings.Lines(markdown) {
		number++
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 2 || !threatID.MatchString(strings.TrimSpace(cells[1])) {
			continue
		}
		id := strings.TrimSpace(cells[1])
		report := func(what string) {
			found = append(found, Violation{Rule: "threats", Subject: ThreatsPath, Line: number, What: id + ": " + what})
		}
		if seen[id] {
			report("stands twice")
		}
		seen[id] = true
		if len(cells) != 8 {
			report("doesn't have six cells")
			continue
		}
		for _, cell := range cells[2:7] {
			if strings.TrimSpace(cell) == "" {
				report("has an empty cell")
			}
		}
		proofs, ok := references(strings.TrimSpace(cells[4]))
		if !ok || len(proofs) == 0 {
			report("what proves it isn't a list of tests: " + cells[4])
		}
		for _, p := range proofs {
			if what := s.proves(p); what != "" {
				report(what)
			}
		}
	}
	if len(seen) < least {
		found = append(found, Violation{Rule: "threats", Subject: ThreatsPath, What: "the page has too few rows"})
	}
	return found
}
