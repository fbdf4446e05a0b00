package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// StoredName is the file's name in faults of stored reservations; the line is the reservation's number, from 1.
const StoredName = "stored reservations"

// Stored reservations are such as a node keeps beside its file: a list in YAML, JSON will do, with one entry in a line. Each
// entry has the names of its link and of its client (see Client.String) and a reservation as the file has it:
//
//	[{"link": "lan", "client": "duid 00:03:...", "reservation": {"duid": "00:03:...", "addresses": ["2001:db8:1::10"]}},
//	{...}]
type rawStored struct {
	At          place          `json:"-"`
	Link        text           `json:"link"`
	Client      text           `json:"client"`
	Reservation rawReservation `json:"reservation"`
}

// storedRemedy is added to the remedies of their faults.
const storedRemedy = "take it out of the node's store: `lockstep6 reservations remove`"

// storedLine is added to the lines of stored reservations, which so come behind those of any file.
const storedLine = 1 << 30

// stored joins stored reservations to those of the file.
func (c *checker) stored(data []byte, raw *rawConfig) (entries []rawStored) {
	if len(data) == 0 {
		return nil
	}
	root := c.tree(data)
	if root == nil {
		return nil
	}
	shift(root)
	c.into(root, "stored", reflect.ValueOf(&entries).Elem(), "")
	links := make(map[string]*rawLink)
	for i := range raw.Links {
		links[raw.Links[i].Name.value] = &raw.Links[i]
	}
	for i := range entries {
		e := &entries[i]
		if !e.Link.ok {
			continue
		}
		if l := links[e.Link.value]; l != nil {
			e.Reservation.stored = true
			l.Reservations = append(l.Reservations, e.Reservation)
			continue
		}
		c.fail(e.Link.place, "the file has no link "+printable(e.Link.value), "keep the link")
	}
	return entries
}

// shift moves the lines of a tree behind those of any file.
func shift(n *yaml.Node) {
	n.Line += storedLine
	for _, child := range n.Content {
		shift(child)
	}
}

// namesStored gives faults of stored reservations their places, and names their clients.
func (c *checker) namesStored(entries []rawStored) {
	for i := range c.errors {
		e := &c.errors[i]
		if e.Line < storedLine {
			continue
		}
		e.File, e.Line = StoredName, e.Line-storedLine
		index, rest, _ := strings.Cut(strings.TrimPrefix(e.Field, "stored["), "]")
		var n int
		if _, err := fmt.Sscanf(index, "%d", &n); err == nil && n < len(entries) {
			e.Field = strings.TrimSuffix(entries[n].Link.value+" "+entries[n].Client.value+" "+strings.TrimPrefix(strings.TrimPrefix(rest, ".reservation"), "."), " ")
		}
		e.Remedy = strings.TrimPrefix(e.Remedy+", or "+storedRemedy, ", or ")
	}
}

// Adding are the faults, a line each, for whoever adds the stored reservation with that number, from 1. It isn't stored yet, and has no
// line that anybody could see.
func (e Errors) Adding(number int) []string {
	const added = "the reservation that you add"
	position := regexp.MustCompile(fmt.Sprintf(`^%s:%d:\d+: `, StoredName, number))
	mention := regexp.MustCompile(fmt.Sprintf(`in stored reservation %d\b`, number))
	lines := make([]string, len(e))
	for i, fault := range e {
		if fault.File == StoredName && fault.Line == number {
			fault.Remedy = strings.TrimSuffix(strings.TrimSuffix(fault.Remedy, storedRemedy), ", or ")
		}
		lines[i] = position.ReplaceAllString(mention.ReplaceAllString(fault.Error(), "in "+added), added+": ")
	}
	return lines
}

// lineText says where something stands.
func lineText(line int) string {
	if line >= storedLine {
		return fmt.Sprintf("in stored reservation %d", line-storedLine)
	}
	return fmt.Sprintf("in line %d", line)
}
