package admin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
)

// nameOf is what a binding keeps of its client's name: the whole name without its last dot, in lower case, and the flags of the Client
// FQDN option (RFC 4704, Section 4.1), as in SO. Both are empty where there is none.
func nameOf(e binding.Extension) (name, flags string) {
	v, ok := e.Find(binding.ExtFQDN)
	kept := naming.Kept(v)
	if !ok || kept.Name() == nil {
		return "", ""
	}
	for _, f := range []struct {
		flag   naming.Flags
		letter string
	}{{naming.FlagS, "S"}, {naming.FlagO, "O"}, {naming.FlagN, "N"}} {
		if kept.Flags()&f.flag != 0 {
			flags += f.letter
		}
	}
	return NameText(kept.Name()), flags
}

// NameText is a name as the interface has it: octets that hosts' names don't have are escaped (RFC 1035, Section 5.1), and there is no
// last dot.
func NameText(n naming.Name) string { return strings.TrimSuffix(n.String(), ".") }

// star stands in a pattern for the octet * of a name, which naming.Name.String leaves as it is.
const star = `\042`

// setNamePattern reads a name, or a part of one with a star before it, behind it, or both. It keeps the part as NameText writes it.
func setNamePattern(f *Filter, v string) error {
	rest, head := strings.CutPrefix(v, "*")
	tail := endsIn(rest, '*')
	if tail {
		rest = rest[:len(rest)-1]
	}
	if rest == "" && !head && !tail {
		return errors.New("a client's name is empty; name=* chooses all that have one")
	}
	if starWithin(rest) {
		return fmt.Errorf(`name=%q: a star stands first or last; the octet itself is written \*`, v)
	}
	part, err := namePart(rest, head, tail)
	if err != nil {
		return fmt.Errorf("name=%w", err)
	}
	f.Name = map[bool]string{true: "*"}[head] + part + map[bool]string{true: "*"}[tail]
	return nil
}

// namePart brings a part of a name into the form in which names are shown. Where a star stands beside it, a dot there is the one between
// two labels, else the last one of the name.
func namePart(text string, head, tail bool) (string, error) {
	front, back := "", ""
	if head && strings.HasPrefix(text, ".") {
		front, text = ".", text[1:]
	}
	if endsIn(text, '.') {
		text = text[:len(text)-1]
		if tail {
			back = "."
		}
	}
	if text == "" {
		if head || tail {
			return front + back, nil
		}
		return "", errors.New(`".": the root isn't a client's name`)
	}
	if endsIn(text, '.') {
		return "", fmt.Errorf("%q: a label is empty", text+".")
	}
	name, err := naming.ParseName(text)
	if err != nil {
		return "", err
	}
	return front + strings.ReplaceAll(NameText(name), "*", star) + back, nil
}

// endsIn tells whether a name's text ends in this octet, unless a backslash makes it one of a label.
func endsIn(text string, octet byte) bool {
	if text == "" || text[len(text)-1] != octet {
		return false
	}
	before := text[:len(text)-1]
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 0
}

// starWithin tells whether a name's text has a star without a backslash before it.
func starWithin(text string) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '*':
			return true
		}
	}
	return false
}

// matchName tells whether a binding's client has a name that the filter's pattern describes.
func (f *Filter) matchName(e binding.Extension) bool {
	if f.Name == "" {
		return true
	}
	v, _ := e.Find(binding.ExtFQDN)
	kept := naming.Kept(v).Name()
	if kept == nil {
		return false
	}
	var room [naming.MaxName]byte // so that a walk through all bindings makes no garbage beside the text
	text := string(kept.AppendTo(room[:0]))
	name := strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(text, ".")), "*", star)
	part, head := strings.CutPrefix(f.Name, "*")
	part, tail := strings.CutSuffix(part, "*")
	switch {
	case head && tail || part == "":
		return strings.Contains(name, part)
	case head:
		return strings.HasSuffix(name, part)
	case tail:
		return strings.HasPrefix(name, part)
	default:
		return name == part
	}
}
