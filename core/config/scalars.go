package config

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A leaf is what all raw values that read themselves have in common.
type leaf struct {
	place
	given bool // there is something in the file
	ok    bool // and it could be read
}

// text is any scalar as it is written. The tag enum lists its words.
type text struct {
	leaf
	value string
}

func (t *text) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	t.place, t.given = at, true
	if n.Kind != yaml.ScalarNode {
		c.fail(at, "is "+describe(n)+", not text", "write it in one line")
		return
	}
	if words := tag.Get("enum"); words != "" {
		known := strings.Split(words, "|")
		for _, word := range known {
			if n.Value == word {
				t.value, t.ok = n.Value, true
				return
			}
		}
		c.fail(at, "is "+describe(n), suggest(n.Value, known))
		return
	}
	if n.Value == "" {
		c.fail(at, "is empty", "remove it or fill it in")
		return
	}
	t.value, t.ok = n.Value, true
}

// or is the text, or what holds without it.
func (t *text) or(def string) string {
	if t.ok {
		return t.value
	}
	return def
}

// number is a whole number. The tags min and max are its bounds.
type number struct {
	leaf
	value uint64
}

func (v *number) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	v.place, v.given = at, true
	low, high := bounds(tag)
	remedy := fmt.Sprintf("write a whole number from %d to %d", low, high)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
		c.fail(at, "is "+describe(n)+", not a number", remedy)
		return
	}
	value, err := strconv.ParseUint(n.Value, 0, 64)
	if err != nil || value < low || value > high {
		c.fail(at, "is "+printable(n.Value), remedy)
		return
	}
	v.value, v.ok = value, true
}

func (v *number) or(def uint64) uint64 {
	if v.ok {
		return v.value
	}
	return def
}

// bounds are the tags min and max; without them any number of 32 bits will do.
func bounds(tag reflect.StructTag) (low, high uint64) {
	low, _ = strconv.ParseUint(tag.Get("min"), 10, 64)
	high, err := strconv.ParseUint(tag.Get("max"), 10, 64)
	if err != nil {
		high = 1<<32 - 1
	}
	return low, high
}

// fraction is a number with a decimal point, or without. The tags min and max are its bounds.
type fraction struct {
	leaf
	value float64
}

func (v *fraction) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	v.place, v.given = at, true
	low, high := fractionBounds(tag)
	remedy := fmt.Sprintf("write a number from %g to %g such as %s", low, high, tag.Get("example"))
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!float" && n.ShortTag() != "!!int" {
		c.fail(at, "is "+describe(n)+", not a number", remedy)
		return
	}
	value, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || !(low <= value && value <= high) { // so written, not a number is refused too
		c.fail(at, "is "+printable(n.Value), remedy)
		return
	}
	v.value, v.ok = value, true
}

// fractionBounds are the tags min and max; without them 0 to 1.
func fractionBounds(tag reflect.StructTag) (low, high float64) {
	low, _ = strconv.ParseFloat(tag.Get("min"), 64)
	high, err := strconv.ParseFloat(tag.Get("max"), 64)
	if err != nil {
		high = 1
	}
	return low, high
}

// flag is true or false.
type flag struct {
	leaf
	value bool
}

func (f *flag) read(c *checker, n *yaml.Node, at place, _ reflect.StructTag) {
	f.place, f.given = at, true
	switch {
	case n.Kind == yaml.ScalarNode && (n.Value == "true" || n.Value == "false") && n.ShortTag() == "!!bool":
		f.value, f.ok = n.Value == "true", true
	default:
		c.fail(at, "is "+describe(n), "write true or false")
	}
}

func (f *flag) or(def bool) bool {
	if f.ok {
		return f.value
	}
	return def
}

// texts are one text or a list of them.
type texts struct {
	leaf
	list []text
}

func (t *texts) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	t.place, t.given = at, true
	if n.Kind == yaml.ScalarNode {
		t.list = []text{read[text](c, n, at.path, tag)}
		return
	}
	t.list = read[[]text](c, n, at.path, tag)
}

// hexadecimal is octets in pairs of hexadecimal digits: 00:03:00:01, 00-03, 0x0003 or 0003.
// The tags min and max bound how many.
type hexadecimal struct {
	leaf
	value []byte
}

func (h *hexadecimal) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	h.place, h.given = at, true
	low, high := bounds(tag)
	if n.Kind != yaml.ScalarNode {
		c.fail(at, "is "+describe(n)+", not octets", "write pairs of hexadecimal digits such as 00:03:00:01")
		return
	}
	value, ok := parseHex(n.Value)
	if !ok {
		c.fail(at, describe(n)+" isn't in hexadecimal", "write pairs of hexadecimal digits such as 00:03:00:01")
		return
	}
	h.value, h.ok = value, c.measure(at, len(value), low, high)
}

func (c *checker) measure(at place, n int, low, high uint64) bool {
	if uint64(n) < low || uint64(n) > high {
		c.fail(at, fmt.Sprintf("has %d octets", n), fmt.Sprintf("from %d to %d are possible", low, high))
		return false
	}
	return true
}

func parseHex(s string) ([]byte, bool) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		s = digits
	}
	for _, separator := range []string{":", "-"} {
		if pairs := strings.Split(s, separator); len(pairs) > 1 {
			for _, pair := range pairs {
				if len(pair) != 2 {
					return nil, false
				}
			}
			s = strings.Join(pairs, "")
			break
		}
	}
	value, err := hex.DecodeString(s)
	return value, err == nil
}

// octets are text, or hexadecimal where they begin with 0x or have the form aa:bb; with the tag form always hexadecimal.
// The tags min and max bound how many.
type octets struct {
	leaf
	value []byte
}

func (o *octets) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	o.place, o.given = at, true
	if tag.Get("form") == "hex" {
		var h hexadecimal
		h.read(c, n, at, tag)
		o.value, o.ok = h.value, h.ok
		return
	}
	if n.Kind != yaml.ScalarNode {
		c.fail(at, "is "+describe(n)+", not text", "write text, or hexadecimal such as 0x0a0b or 0a:0b")
		return
	}
	o.value = []byte(n.Value)
	switch value, ok := parseHex(n.Value); {
	case ok && (strings.HasPrefix(n.Value, "0x") || strings.Contains(n.Value, ":")):
		o.value = value
	case strings.HasPrefix(n.Value, "0x"):
		c.fail(at, printable(n.Value)+" isn't in hexadecimal", "write pairs of hexadecimal digits behind 0x")
		return
	}
	low, high := bounds(tag)
	o.ok = c.measure(at, len(o.value), low, high)
}
