package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Place is where something stands in the old configuration. The zero value is nowhere.
type Place struct {
	File string
	Line int // counted from 1
}

// String is file:line, or nothing.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// From notes where a node comes from, for what is said of it later, and returns it.
func (n *Node) From(at Place) *Node {
	n.at = at
	return n
}

// A Weight says what a remark means for the new configuration.
type Weight uint8

// The weights.
const (
	WeightNote    Weight = iota // it is worth knowing, and nothing is to be done
	WeightChanged               // it is translated, and behaves otherwise in some respect
	WeightLost                  // it has no equal
)

// A Remark is said of one setting of the old configuration.
type Remark struct {
	At     Place
	Weight Weight
	What   string // the setting as the old configuration calls it
	Why    string // what isn't the same, and what to do where there is something
}

// String is file:line: what is the matter with which setting.
func (r Remark) String() string {
	var b strings.Builder
	if at := r.At.String(); at != "" {
		b.WriteString(at + ": ")
	}
	b.WriteString(r.What)
	switch r.Weight {
	case WeightLost:
		b.WriteString(" isn't translated")
	case WeightChanged:
		b.WriteString(" isn't the same")
	case WeightNote:
	}
	if r.Why != "" {
		b.WriteString(": " + r.Why)
	}
	return b.String()
}

// Lost says that a setting has no equal.
func (d *Draft) Lost(n *Node, at Place, what, why string) {
	d.remark(n, Remark{at, WeightLost, what, why})
}

// Changed says that a setting is translated, and where it behaves otherwise. Took counts it as well.
func (d *Draft) Changed(n *Node, at Place, what, why string) {
	d.remark(n, Remark{at, WeightChanged, what, why})
}

// Note says what is worth knowing of a setting that is translated, or needn't be.
func (d *Draft) Note(n *Node, at Place, what, why string) {
	d.remark(n, Remark{at, WeightNote, what, why})
}

func (d *Draft) remark(n *Node, r Remark) {
	n.comment(r.String(), r.Weight == WeightNote)
	d.remarks = append(d.remarks, r)
}

// Warnings are the remarks of what was lost or changed, by file and line.
func (d *Draft) Warnings() []Remark {
	var all []Remark
	for _, r := range d.remarks {
		if r.Weight != WeightNote {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Remark) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line))
	})
	return all
}

// Counts are how many settings of the old configuration are translated, how many of them with a difference, and how many have no equal.
func (d *Draft) Counts() (took, changed, lost int) {
	for _, r := range d.remarks {
		switch r.Weight {
		case WeightChanged:
			changed++
		case WeightLost:
			lost++
		case WeightNote:
		}
	}
	return d.took, changed, lost
}

// A Fault is what the old server itself would refuse of its configuration.
type Fault struct {
	At      Place
	Problem string // what is wrong, with the setting's name
	Remedy  string // what would be right, or nothing
}

// Error is file:line: what is wrong; what would be right.
func (f Fault) Error() string {
	s := f.Problem
	if at := f.At.String(); at != "" {
		s = at + ": " + s
	}
	if f.Remedy != "" {
		s += "; " + f.Remedy
	}
	return s
}

// Faults are all that the old server would refuse.
type Faults []Fault

// Error has one line per fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Sort puts faults in the order of their files and lines.
func (f Faults) Sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.Problem, b.Problem))
	})
}
