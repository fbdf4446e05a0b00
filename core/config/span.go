package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lockstep6/lockstep6/core/wire"
)

// span is a time in seconds: 3600, 5s, 50m, 1h30m, 7d, 2w or infinite. The tags min and max are its bounds.
type span struct {
	leaf
	value uint32
}

var spanUnits = []struct {
	letter  byte
	seconds uint64
}{{'w', 7 * 86400}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}

const spanRemedy = "write seconds, or a time such as 5s, 50m, 1h30m, 7d or infinite"

func (s *span) read(c *checker, n *yaml.Node, at place, tag reflect.StructTag) {
	s.place, s.given = at, true
	if n.Kind != yaml.ScalarNode {
		c.fail(at, "is "+describe(n)+", not a time", spanRemedy)
		return
	}
	value, problem := parseSpan(n.Value)
	if problem != "" {
		c.fail(at, describe(n)+" "+problem, spanRemedy)
		return
	}
	low, high := bounds(tag)
	if uint64(value) < low || uint64(value) > high {
		c.fail(at, "is "+printable(n.Value), "it must be from "+FormatSpan(uint32(low))+" to "+FormatSpan(uint32(high)))
		return
	}
	s.value, s.ok = value, true
}

func (s *span) or(def uint32) uint32 {
	if s.ok {
		return s.value
	}
	return def
}

// parseSpan reads a time in seconds. Units go from the largest to the smallest.
func parseSpan(s string) (seconds uint32, problem string) {
	if s == "infinite" {
		return wire.Infinity, ""
	}
	var total uint64
	unit := 0
	for rest := s; rest != ""; {
		digits := 0
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}
		count, err := strconv.ParseUint(rest[:digits], 10, 32)
		if err != nil && digits > 0 {
			return 0, "is too long; infinite has no end"
		}
		each := uint64(1)
		switch {
		case digits == 0:
			return 0, "isn't a time"
		case digits == len(s):
			rest = ""
		default:
			for unit < len(spanUnits) && (digits == len(rest) || spanUnits[unit].letter != rest[digits]) {
				unit++
			}
			if unit == len(spanUnits) {
				return 0, "isn't a time"
			}
			each, rest = spanUnits[unit].seconds, rest[digits+1:]
			unit++
		}
		if total += count * each; total >= uint64(wire.Infinity) {
			return 0, "is too long; infinite has no end"
		}
	}
	if s == "" {
		return 0, "is empty"
	}
	return uint32(total), ""
}

// FormatSpan writes a time in seconds as a configuration has it: 1h20m, or infinite.
func FormatSpan(seconds uint32) string {
	if seconds == wire.Infinity {
		return "infinite"
	}
	var b strings.Builder
	rest := uint64(seconds)
	for _, unit := range spanUnits[1:] {
		if n := rest / unit.seconds; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, unit.letter)
			rest %= unit.seconds
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
