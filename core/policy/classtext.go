package policy

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
)

// A gateText writes conditions and gates without the classes' names, which decide nothing: a class is called by the digest of
// its condition.
type gateText struct {
	cfg     *config.Config
	texts   []string // by class
	digests []string
}

func newGateText(cfg *config.Config) *gateText {
	g := &gateText{cfg: cfg}
	for i := range cfg.Classes { // a class builds on earlier ones only
		text := g.condition(&cfg.Classes[i].Match)
		digest := sha256.Sum256([]byte(text))
		g.texts = append(g.texts, text)
		g.digests = append(g.digests, fmt.Sprintf("%x", digest[:8]))
	}
	return g
}

// condition is a condition as a file could have it, with values in hex and sorted.
func (g *gateText) condition(c *config.Condition) string {
	if c.Junction == config.JunctionTest {
		return g.test(c.Test)
	}
	parts := make([]string, len(c.Parts))
	for i := range c.Parts {
		parts[i] = g.condition(&c.Parts[i])
	}
	return [...]string{config.JunctionAll: "all", config.JunctionAny: "any", config.JunctionNot: "not"}[c.Junction] + "(" + strings.Join(parts, ", ") + ")"
}

func (g *gateText) test(t *config.Test) string {
	words := []string{t.Field.String()}
	if t.Enterprise != nil {
		words = append(words, fmt.Sprintf("enterprise %d", *t.Enterprise))
	}
	switch t.Field {
	case config.FieldOption, config.FieldVendorOption:
		words = append(words, fmt.Sprintf("code %d", t.Code))
	case config.FieldRelayOption:
		words = append(words, fmt.Sprintf("code %d relay %d", t.Code, t.Relay))
	case config.FieldReserved:
		words = append(words, fmt.Sprint(t.Holds))
	}
	numbers := make([]string, len(t.Numbers))
	for i, n := range t.Numbers {
		switch t.Field {
		case config.FieldLink:
			numbers[i] = fmt.Sprintf("%q", g.cfg.Links[n].Name)
		case config.FieldClass:
			numbers[i] = g.digests[n]
		default:
			numbers[i] = fmt.Sprint(n)
		}
	}
	for _, prefix := range t.Prefixes {
		numbers = append(numbers, prefix.String())
	}
	slices.Sort(numbers)
	words = append(words, numbers...)
	if t.Octets.Absent {
		words = append(words, "absent")
	}
	for _, list := range []struct {
		name   string
		values [][]byte
	}{{"equals", t.Octets.Equals}, {"starts", t.Octets.Starts}, {"ends", t.Octets.Ends}, {"contains", t.Octets.Contains}} {
		if len(list.values) > 0 {
			words = append(words, list.name)
			words = append(words, hexes(list.values)...)
		}
	}
	return strings.Join(words, " ")
}

// hexes are values in hex, sorted; an empty one is a dash.
func hexes(values [][]byte) (out []string) {
	for _, v := range values {
		if len(v) == 0 {
			out = append(out, "-")
			continue
		}
		out = append(out, fmt.Sprintf("%x", v))
	}
	slices.Sort(out)
	return out
}

// gate writes a gate behind what it belongs to; nothing where it is open.
func (g *gateText) gate(gate *config.Gate) (text string) {
	for _, side := range []struct {
		word    string
		classes []int
	}{{" only", gate.Only}, {" except", gate.Except}} {
		if len(side.classes) > 0 {
			digests := make([]string, len(side.classes))
			for i, class := range side.classes {
				digests[i] = g.digests[class]
			}
			slices.Sort(digests)
			text += side.word + " " + strings.Join(slices.Compact(digests), " ")
		}
	}
	return text
}

// deciding are the conditions that gates depend on, in lines with the digests that they go by.
func (g *gateText) deciding() []string {
	needed := make([]bool, len(g.texts))
	need := func(gate *config.Gate) {
		for _, class := range slices.Concat(gate.Only, gate.Except) {
			needed[class] = true
		}
	}
	for i := range g.cfg.Links {
		l := &g.cfg.Links[i]
		need(&l.Gate)
		for _, pools := range [][]config.Pool{l.Addresses, l.Prefixes} {
			for k := range pools {
				need(&pools[k].Gate)
			}
		}
	}
	var lines []string
	for i := len(needed) - 1; i >= 0; i-- {
		if needed[i] {
			referred(&g.cfg.Classes[i].Match, needed)
			lines = append(lines, fmt.Sprintf("class %s %s\n", g.digests[i], g.texts[i]))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// referred notes the classes that a condition builds on.
func referred(c *config.Condition, needed []bool) {
	for i := range c.Parts {
		referred(&c.Parts[i], needed)
	}
	if c.Test != nil && c.Test.Field == config.FieldClass {
		for _, class := range c.Test.Numbers {
			needed[class] = true
		}
	}
}

// gateNames says who passes a gate, for people.
func gateNames(cfg *config.Config, gate *config.Gate) string {
	names := func(classes []int) string {
		list := make([]string, len(classes))
		for i, class := range classes {
			list[i] = cfg.Classes[class].Name
		}
		return strings.Join(list, ", ")
	}
	switch {
	case gate.Open():
		return "everybody"
	case len(gate.Except) == 0:
		return names(gate.Only)
	case len(gate.Only) == 0:
		return "everybody but " + names(gate.Except)
	default:
		return names(gate.Only) + ", but not " + names(gate.Except)
	}
}
