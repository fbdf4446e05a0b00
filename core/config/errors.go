package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Error is one fault of a configuration file.
type Error struct {
	File         string
	Line, Column int    // counted from 1
	Field        string // path such as links[0].addresses[1].pool; empty: the file as a whole
	Problem      string // what is wrong
	Remedy       string // what would be right
}

// Error is file:line:column: field: what is wrong; what would be right.
func (e Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Errors are all faults of a file in the order of their positions.
type Errors []Error

// Error has one line per fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// nearest finds the word that was probably meant: the one with the fewest changes, of at most one in three letters.
func nearest(word string, known []string) (best string, ok bool) {
	least := (len(word)+2)/3 + 1
	if len(word) < 3 {
		least = 1
	}
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least {
			best, least, ok = k, d, true
		}
	}
	return best, ok
}

// maxCompared bounds the work of comparing words that nobody wrote by mistake.
const maxCompared = 64

// distance is how many letters must be added, removed, changed or swapped with their neighbour.
func distance(a, b string) int {
	if len(a) > maxCompared || len(b) > maxCompared {
		return maxCompared
	}
	var rows [3][maxCompared + 1]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above, beforeThat := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], beforeThat[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

// suggest says which word was probably meant, or which there are.
func suggest(word string, known []string) string {
	if best, ok := nearest(word, known); ok {
		return "did you mean " + best + "?"
	}
	const most = 32
	if len(known) > most {
		return "docs/configuration.md lists what there is"
	}
	return "there is " + strings.Join(known, ", ")
}
