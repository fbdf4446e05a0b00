// Package draft holds a configuration of ours while another server's is translated into it: an ordered tree of YAML with comments,
// a tally of what was and wasn't taken over, and the faults for which the old configuration is refused.
//
// A translator reads the old file, keeps a Place for each value, and builds:
//
//	d := draft.New()
//	link := d.Root().List("links").Append(draft.Map())   // Map and List make the field where it isn't there
//	link.Set("name", draft.Text("lan"))                  // scalars are quoted where YAML needs it
//	link.Map("lifetimes").Set("valid", draft.Seconds(7200))
//	pools := link.List("addresses")
//	pools.Append(draft.Map()).Set("pool", draft.Text("2001:db8:1::/64"))
//	d.Took(2)                                            // so many of the old settings are translated
//	d.Lost(pools, at, "evaluate-additional-classes", "classes of a pool are never optional here")
//	d.Changed(link, at, "allocator flq", "prefixes are taken in sequence")
//	d.Note(link, at, "Kea's default", "T1 and T2 aren't sent")
//	out := d.Write("lockstep6 convert kea", "kea-dhcp6.conf")
//
// Lost, Changed and Note write a comment with the place. In a table or a list it stands where the next entry will come, at a scalar
// above it, and at the root below the file's header. The first two are warnings too. A table or list in which nothing but comments was put is left
// out, its comments stay. The root's fields are written in the order of docs/configuration.md, those of all other tables as they were set.
//
// What the old server itself would refuse is a Fault; a translator collects Faults and returns no draft then.
package draft

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Draft is one configuration file in the making.
type Draft struct {
	root    *Node
	took    int
	remarks []Remark
}

// A Secret is a file that is to stand beside the new configuration, which names it as file:NAME, and that only the server may read.
type Secret struct {
	Name string // without a folder
	Data []byte
}

// New is an empty configuration.
func New() *Draft { return &Draft{root: Map()} }

// Root is the file's outermost table.
func (d *Draft) Root() *Node { return d.root }

// Took counts settings of the old configuration that are translated, those with a difference included.
func (d *Draft) Took(settings int) { d.took += settings }

// A kind is what a node is.
type kind uint8

const (
	kindScalar kind = iota
	kindMap
	kindList
	kindComment // an entry of a table or list that is a comment only
)

// A Node is a value of the tree: a scalar, a table or a list. Its methods for tables and lists panic on other kinds, as they show a
// mistake in a translator and not in what it reads.
type Node struct {
	kind  kind
	plain string // a scalar as YAML has it
	text  string // of a comment
	minor bool   // of a comment: it is a note, or no remark
	above []string
	keys  []string // of a table, "" for a comment
	items []*Node
	open  bool // one entry per line, even where all fit on one
	keep  bool // written though it is empty
	at    Place
}

// Map is an empty table.
func Map() *Node { return &Node{kind: kindMap} }

// List is a list of these.
func List(items ...*Node) *Node { return &Node{kind: kindList, items: items} }

// Texts is a list of texts.
func Texts(items ...string) *Node {
	n := List()
	for _, s := range items {
		n.items = append(n.items, Text(s))
	}
	return n
}

// Empty is a list that is written as [].
func Empty() *Node { return &Node{kind: kindList, keep: true} }

// Text is a scalar, in quotes where YAML would read something else without them.
func Text(s string) *Node { return &Node{plain: quoted(s)} }

// Number is a whole number.
func Number[T ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64](n T) *Node {
	return &Node{plain: fmt.Sprintf("%d", n)}
}

// Bool is true or false.
func Bool(b bool) *Node { return &Node{plain: strconv.FormatBool(b)} }

// Seconds is a time as our configuration has it: 0xffffffff is infinite, others are in weeks down to seconds.
func Seconds(s uint32) *Node {
	switch s {
	case math.MaxUint32:
		return &Node{plain: "infinite"}
	case 0:
		return &Node{plain: "0"}
	}
	var b strings.Builder
	for _, unit := range []struct {
		letter  string
		seconds uint32
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := s / unit.seconds; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.letter)
			s %= unit.seconds
		}
	}
	return &Node{plain: b.String()}
}

// Hex is octets as text that any field of octets understands: pairs of digits with colons between them, or 0x and the digits of one.
func Hex(octets []byte) *Node {
	if len(octets) < 2 {
		return Text(fmt.Sprintf("0x%x", octets))
	}
	return Text(strings.ReplaceAll(fmt.Sprintf("% x", octets), " ", ":"))
}

// Map is the table in a field, which is made where it isn't there.
func (n *Node) Map(key string) *Node { return n.field(key, kindMap) }

// List is the list in a field, which is made where it isn't there.
func (n *Node) List(key string) *Node { return n.field(key, kindList) }

func (n *Node) field(key string, k kind) *Node {
	if v := n.Get(key); v != nil {
		v.must(k)
		return v
	}
	return n.Set(key, &Node{kind: k})
}

// Set puts a value into a field of a table, in its old place where it was there, and returns it.
func (n *Node) Set(key string, v *Node) *Node {
	n.must(kindMap)
	if i := slices.Index(n.keys, key); i >= 0 {
		n.items[i] = v
		return v
	}
	n.keys, n.items = append(n.keys, key), append(n.items, v)
	return v
}

// Get is the value of a table's field, or nil.
func (n *Node) Get(key string) *Node {
	n.must(kindMap)
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.items[i]
	}
	return nil
}

// Remove takes a field away, and tells whether it was there.
func (n *Node) Remove(key string) bool {
	n.must(kindMap)
	i := slices.Index(n.keys, key)
	if i < 0 {
		return false
	}
	n.keys, n.items = slices.Delete(n.keys, i, i+1), slices.Delete(n.items, i, i+1)
	return true
}

// Append puts a value at the end of a list, and returns it.
func (n *Node) Append(v *Node) *Node {
	n.must(kindList)
	n.items = append(n.items, v)
	return v
}

// Len is how many entries a table or list has, comments aside.
func (n *Node) Len() int {
	count := 0
	for _, item := range n.items {
		if item.kind != kindComment {
			count++
		}
	}
	return count
}

// Open has a table or list written with one entry per line, even where all would fit on one.
func (n *Node) Open() *Node {
	n.open = true
	return n
}

// Comment writes a comment that is no remark: where a table's or a list's next entry will come, or above a scalar.
func (n *Node) Comment(text string) { n.comment(text, true) }

func (n *Node) comment(text string, minor bool) {
	switch n.kind {
	case kindMap:
		n.keys, n.items = append(n.keys, ""), append(n.items, &Node{kind: kindComment, text: text, minor: minor})
	case kindList:
		n.items = append(n.items, &Node{kind: kindComment, text: text, minor: minor})
	default:
		n.above = append(n.above, text)
	}
}

func (n *Node) must(k kind) {
	if n.kind != k {
		panic(fmt.Sprintf("draft: a node of kind %d is used as one of kind %d", n.kind, k))
	}
}

// String is a node on one line, without its comments.
func (n *Node) String() string { return n.flow() }

// Bare tells whether a table or list has nothing in it but comments, at any depth.
func (n *Node) Bare() bool { return n.empty() }

// Comments puts the comments in another node, at any depth, at the end of this one: for what is left out, but shall be told.
func (n *Node) Comments(of *Node) {
	for _, text := range of.above {
		n.Comment(text)
	}
	for _, item := range of.items {
		if item.kind == kindComment {
			n.comment(item.text, item.minor)
			continue
		}
		n.Comments(item)
	}
}

// Plain is a scalar without quotes, for numbers with a point.
func (n *Node) Plain() *Node {
	n.plain = strings.Trim(n.plain, `"`)
	return n
}
