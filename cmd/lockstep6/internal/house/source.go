package house

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// forbiddenNames are package names that say nothing.
var forbiddenNames = []string{"util", "utils", "common", "helper", "helpers", "types", "base", "manager", "handler", "misc"}

// Names holds packages against names that say nothing, demands a package comment of each, and keeps Go files out of
// the folder io, whose name would shadow the standard library's.
func Names(t *Tree) []Violation {
	var found []Violation
	commented := map[string]bool{}
	first := map[string]string{}
	for i := range t.files {
		f := &t.files[i]
		folder, name := path.Dir(f.path), f.syntax.Name.Name
		if slices.Contains(forbiddenNames, name) || slices.Contains(forbiddenNames, path.Base(folder)) {
			found = append(found, Violation{Rule: "package-name", Subject: f.path, What: "package " + name + " says nothing; name what it is about"})
		}
		if folder == "io" {
			found = append(found, Violation{Rule: "io-folder", Subject: f.path, What: "no Go file directly in io/"})
		}
		if f.test {
			continue
		}
		if first[folder] == "" {
			first[folder] = f.path
		}
		commented[folder] = commented[folder] || f.syntax.Doc != nil
	}
	for folder, name := range first {
		if !commented[folder] {
			found = append(found, Violation{Rule: "package-comment", Subject: name, What: "package without package comment"})
		}
	}
	return found
}

// unfinished finds marks of unfinished work. The words are taken apart so that this file passes.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`)

// Words keeps marks of unfinished work out of comments.
func Words(t *Tree) []Violation {
	return comments(t, "unfinished", func(text string) string {
		if m := unfinished.FindString(text); m != "" {
			return m + " in a comment; do it, or write it down where plans are kept"
		}
		return ""
	})
}

var (
	citation = regexp.MustCompile(`(?i)\bRFC[ -]?(\d+)((?:,|'s)?\s*\(?(?:§|\bsec(?:tions?|s?\.)?\s)\s*\d)?`)
	fixed    = regexp.MustCompile(`^RFC \d+(, Sections? \d)?$`)
)

// replaced are the RFCs that RFC 9915 takes the place of; their sections are cited by its own.
var replaced = []string{"3315", "3633", "3736", "4242", "7083", "7283", "7550", "8415"}

// Citations demands the form "RFC 9915, Section 18.3.2" and keeps sections of replaced standards out.
func Citations(t *Tree) []Violation {
	return comments(t, "citation", func(text string) string {
		for _, m := range citation.FindAllStringSubmatch(strings.Join(strings.Fields(text), " "), -1) {
			if !fixed.MatchString(m[0]) {
				return strconv.Quote(m[0]) + "; write RFC " + m[1] + ", Section N"
			}
			if m[2] != "" && slices.Contains(replaced, m[1]) {
				return strconv.Quote(m[0]) + "; RFC 9915 replaces RFC " + m[1]
			}
		}
		return ""
	})
}

// comments asks judge about each group of comments.
func comments(t *Tree, rule string, judge func(text string) string) []Violation {
	var found []Violation
	for _, f := range t.files {
		for _, g := range f.syntax.Comments {
			if what := judge(g.Text()); what != "" {
				found = append(found, Violation{Rule: rule, Subject: f.path, Line: t.line(g.Pos()), What: what})
			}
		}
	}
	return found
}

// clock are the functions by which core would read a clock, wait or roll dice.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTicker", "NewTimer"}

// Calls keeps the clock, goroutines and channels' waiting out of core: time and seeds come in as arguments. The
// simulator runs its nodes one after the other, and so needs none of it either.
func Calls(t *Tree) []Violation {
	var found []Violation
	for i := range t.files {
		f := &t.files[i]
		if !f.inCore() {
			continue
		}
		report := func(n ast.Node, what string) {
			found = append(found, Violation{Rule: "calls", Subject: f.path, Line: t.line(n.Pos()), What: what})
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch v := n.(type) {
			case *ast.GoStmt:
				report(v, "core starts no goroutine")
			case *ast.SelectorExpr:
				if x, ok := v.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, v.Sel.Name) {
					report(v, "time."+v.Sel.Name+": core has no clock")
				}
			}
			return true
		})
	}
	return found
}
