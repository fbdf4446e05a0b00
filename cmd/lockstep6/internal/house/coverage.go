package house

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// CoveragePath is the page that tells of each requirement where it is met and what proves that.
const CoveragePath = "docs/rfc-coverage.md"

// A Requirement is one line of what the standards ask of a server: its ID, how strongly it is asked (BCP 14's words, or
// one of those that the page explains), and the RFCs' sections.
type Requirement struct{ ID, Level, Source string }

// ReadRequirements reads lines of ID, level and source, with tabs between them; # starts a comment.
func ReadRequirements(text string) (all []Requirement, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 || !requirementID.MatchString(f[0]) {
			return nil, fmt.Errorf("requirements: %q: want an ID, a level and a source", line)
		}
		all = append(all, Requirement{f[0], f[1], f[2]})
	}
	return all, nil
}

var (
	requirementID = regexp.MustCompile(`^[A-Z][0-9]?-[0-9]{2}$`)
	reference     = regexp.MustCompile("^`([^`]+)`(?: \"([^\"]+)\")?(?:; |$)")
	exempt        = regexp.MustCompile(`^(not yet|not applicable|otherwise): (\S+ \S+ .*\S)$`)
)

// A coverageRow is a row of the page: a requirement, what it asks in a few words, where it is met, and what proves that.
type coverageRow struct {
	Requirement
	asks, met, proof string
	line             int
}

// kind says how a row stands: met, otherwise, not yet or not applicable.
func (r *coverageRow) kind() string {
	if m := exempt.FindStringSubmatch(r.met); m != nil {
		return m[1]
	}
	return "met"
}

// readCoverage finds the rows of the page's tables. A row of a table that isn't one of them has no ID in its first cell.
func readCoverage(markdown string) (rows []coverageRow, found []Violation) {
	number := 0
	for line := range strings.Lines(markdown) {
		number++
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 2 || !requirementID.MatchString(strings.TrimSpace(cells[1])) {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 8 || cells[4] == "" || cells[5] == "" {
			found = append(found, coverageFault(number, cells[1]+" doesn't have six cells with something in them"))
			continue
		}
		rows = append(rows, coverageRow{Requirement{cells[1], cells[2], cells[3]}, cells[4], cells[5], cells[6], number})
	}
	return rows, found
}

func coverageFault(line int, what string) Violation {
	return Violation{Rule: "coverage", Subject: CoveragePath, Line: line, What: what}
}

// Coverage holds the page against the list and against the source: each requirement has its row, in the list's order;
// what a row names exists; what is met has a proof, and what isn't has a reason.
func Coverage(fsys fs.FS, t *Tree, list []Requirement, markdown string) []Violation {
	rows, found := readCoverage(markdown)
	s := &prover{fsys: fsys, tree: t}
	for i := range max(len(rows), len(list)) {
		switch {
		case i >= len(rows):
			found = append(found, coverageFault(0, "no row for "+list[i].ID))
		case i >= len(list):
			found = append(found, coverageFault(rows[i].line, rows[i].ID+" isn't on the list, or stands twice"))
		case rows[i].Requirement != list[i]:
			// What follows is out of step, and would be told of in vain.
			return append(found, coverageFault(rows[i].line, fmt.Sprintf("%v stands here; the list has %v", rows[i].Requirement, list[i])))
		default:
			found = append(found, s.check(&rows[i])...)
		}
	}
	if want := tally(rows); len(found) == 0 && !strings.Contains(markdown, want) {
		found = append(found, coverageFault(0, "the page doesn't count right: "+coverageUpdate))
	}
	return found
}

// check holds one row against the source.
func (s *prover) check(r *coverageRow) (found []Violation) {
	report := func(what string) { found = append(found, coverageFault(r.line, r.ID+": "+what)) }
	kind := r.kind()
	if kind == "met" {
		names, ok := references(r.met)
		if !ok {
			report("where it is met isn't a list of names, nor one of the four words with a reason: " + r.met)
		}
		for _, n := range names {
			if what := s.exists(n); what != "" {
				report(what)
			}
		}
	}
	proofs, ok := references(r.proof)
	switch {
	case kind == "not yet" || kind == "not applicable":
		if r.proof != "" {
			report(kind + ", and has a proof")
		}
		return found
	case !ok || len(proofs) == 0:
		report("what proves it isn't a list of tests: " + r.proof)
	}
	for _, p := range proofs {
		if what := s.proves(p); what != "" {
			report(what)
		}
	}
	return found
}

// A named is a name in a cell, and the words that have to stand there.
type named struct{ name, words string }

// references reads `name` "words"; `name`; ...
func references(cell string) (all []named, ok bool) {
	for cell != "" {
		m := reference.FindStringSubmatch(cell)
		if m == nil {
			return nil, false
		}
		all = append(all, named{m[1], m[2]})
		cell = cell[len(m[0]):]
	}
	return all, true
}

const coverageUpdate = "go test ./cmd/lockstep6/internal/house -run TestCoverage -update"

var tallied = regexp.MustCompile(`(?m)^Of [0-9]+ lines.*$`)

// tally is the page's sentence that counts.
func tally(rows []coverageRow) string {
	n := map[string]int{}
	for i := range rows {
		n[rows[i].kind()]++
	}
	return fmt.Sprintf("Of %d lines %d are met, %d are met otherwise than the RFC says, %d not yet, and %d don't apply.",
		len(rows), n["met"], n["otherwise"], n["not yet"], n["not applicable"])
}

// Tallied is the page with its sentence that counts made right.
func Tallied(markdown string) string {
	rows, _ := readCoverage(markdown)
	return tallied.ReplaceAllLiteralString(markdown, tally(rows))
}
