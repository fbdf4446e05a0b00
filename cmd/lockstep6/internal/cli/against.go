package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/lockstep6/lockstep6/core/policy"
)

// pageWidth is where sentences are broken.
const pageWidth = 110

// printComparison prints what differs from an earlier configuration, and how to get from there to here.
func printComparison(w io.Writer, against string, c *policy.Comparison) {
	unsafe := printChanges(w, c)
	switch {
	case len(c.Changes) == 0:
		fmt.Fprintf(w, "against %s: nothing else differs; every node can take it at any time\n", against)
	case unsafe == 0:
		fmt.Fprintf(w, "against %s: safe, node by node in any order\n", against)
	case unsafe == 1:
		fmt.Fprintf(w, "against %s: not safe in one step; take the steps above, and check each file against the one before\n", against)
	default:
		fmt.Fprintf(w, "against %s: %d changes aren't safe in one step; make one after the other, and check each file against the one before\n",
			against, unsafe)
	}
}

// printChanges prints all that differs, and returns how many of the changes aren't safe in one step.
func printChanges(w io.Writer, c *policy.Comparison) int {
	unsafe := 0
	for i := range c.Changes {
		change := &c.Changes[i]
		fmt.Fprintln(w)
		wrapped(w, "", change.What)
		wrapped(w, "  ", change.Effect)
		if change.Before != "" {
			wrapped(w, "  ", "first: "+change.Before)
		}
		if change.Safe() {
			continue
		}
		unsafe++
		wrapped(w, "  ", "NOT SAFE in one step: "+change.Hazard)
		if change.Instead != "" {
			wrapped(w, "  ", "safe instead: "+change.Instead)
		}
		for n, step := range change.Steps {
			wrapped(w, fmt.Sprintf("  %d. ", n+1), step)
		}
	}
	fmt.Fprintln(w)
	if len(c.Rest) > 0 {
		wrapped(w, "", "differs as well, decides no address and needs no order: "+strings.Join(c.Rest, ", "))
	}
	return unsafe
}

// wrapped prints a sentence in lines, the first one behind the indent, the others as far in. Code in backquotes stays
// in one piece.
func wrapped(w io.Writer, indent, text string) {
	if text == "" {
		return
	}
	line, quoted := indent, false
	rest := strings.Repeat(" ", len(indent))
	for _, word := range strings.Fields(text) {
		switch {
		case strings.TrimSpace(line) == "" || line == indent:
			line += word
		case !quoted && len(line)+1+len(word) > pageWidth:
			fmt.Fprintln(w, line)
			line = rest + word
		default:
			line += " " + word
		}
		quoted = quoted != (strings.Count(word, "`")%2 == 1)
	}
	fmt.Fprintln(w, line)
}
