package draft

import (
	"slices"
	"strconv"
	"strings"
)

// Drop takes away the field or entry at a path such as links[0].addresses[1].pool, or where there is none the innermost table or entry around
// it, and says why. It tells what it took, and nothing where that would be the whole file.
func (d *Draft) Drop(path, why string) (what string) {
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	nodes, index := []*Node{d.root}, []int(nil)
	for _, step := range steps {
		i := nodes[len(nodes)-1].find(step)
		if i < 0 {
			break
		}
		index = append(index, i)
		nodes = append(nodes, nodes[len(nodes)-1].items[i])
	}
	last := len(index) - 1
	if last < 0 {
		return ""
	}
	parent, i, at := nodes[last], index[last], Place{}
	for _, n := range nodes {
		if n.at != (Place{}) {
			at = n.at
		}
	}
	what = strings.Join(steps[:last+1], ".")
	taken := parent.items[i]
	if parent.kind == kindMap {
		what = parent.keys[i]
	}
	remark := Remark{at, WeightLost, what + ": " + taken.String(), why}
	d.remarks = append(d.remarks, remark)
	d.took = max(0, d.took-1)
	comment := &Node{kind: kindComment, text: remark.String()}
	kept := &Node{}
	kept.kind = parent.kind
	kept.Comments(taken)
	parent.items = slices.Replace(parent.items, i, i+1, append(kept.items, comment)...)
	if parent.kind == kindMap {
		parent.keys = slices.Replace(parent.keys, i, i+1, make([]string, len(kept.items)+1)...)
	}
	return what
}

// find is the index of a field by its name, or of an entry by its number among those that aren't comments; -1 where there is none.
func (n *Node) find(step string) int {
	switch n.kind {
	case kindMap:
		return slices.Index(n.keys, step)
	case kindList:
		number, err := strconv.Atoi(step)
		for i, item := range n.items {
			if item.kind == kindComment {
				continue
			}
			if number--; err == nil && number < 0 {
				return i
			}
		}
	}
	return -1
}
