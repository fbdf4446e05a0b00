// Package house holds the rules of the house: who may import whom, how long a file may be, what core must not call,
// how the standards are cited, and where each line that they ask is met. Its tests hold the source against them, and
// each rule against a small tree that breaks it. It also reads the documentation's blocks, which are parsed here and run by the tests of
// package e2e. Nothing but tests uses it.
//
// A rule is a function from the source to its Violations. What has a good reason to break one stands in
// exceptions.txt, each line with its reason; a line that excuses nothing is itself a violation, so the list shrinks.
package house

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Module is the path that all of our packages start with.
const Module = "github.com/lockstep6/lockstep6"

// A Violation is one place that breaks a rule.
type Violation struct {
	Rule    string // a word, such as "imports"
	Subject string // what exceptions.txt names: a package, a file, or file:function
	Line    int    // 0: all of it
	What    string
}

func (v Violation) String() string {
	if v.Line > 0 {
		return fmt.Sprintf("%s:%d: %s: %s", v.Subject, v.Line, v.Rule, v.What)
	}
	return fmt.Sprintf("%s: %s: %s", v.Subject, v.Rule, v.What)
}

// Exceptions maps "rule subject" to the reason.
type Exceptions map[string]string

// ReadExceptions reads lines of rule, subject and reason, separated by blanks; # starts a comment.
func ReadExceptions(r io.Reader) (Exceptions, error) {
	e := Exceptions{}
	for s := bufio.NewScanner(r); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 5 {
			return nil, fmt.Errorf("exceptions: %q: want a rule, a subject and a reason of some words", line)
		}
		e[fields[0]+" "+fields[1]] = strings.Join(fields[2:], " ")
	}
	return e, nil
}

// Apply takes the excused violations away and adds one for each exception that excused nothing.
func (e Exceptions) Apply(all []Violation) []Violation {
	used := map[string]bool{}
	var rest []Violation
	for _, v := range all {
		key := v.Rule + " " + v.Subject
		if _, excused := e[key]; excused {
			used[key] = true
			continue
		}
		rest = append(rest, v)
	}
	for key := range e {
		if !used[key] {
			rest = append(rest, Violation{Rule: "exceptions", Subject: "exceptions.txt", What: key + " excuses nothing; take the line out"})
		}
	}
	slices.SortFunc(rest, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
	return rest
}
