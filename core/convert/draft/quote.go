package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// bare are the texts that YAML takes as they stand, in a flow and outside: a letter, then what means nothing to it.
var bare = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./+-]*$`)

// words are the texts that YAML's versions read as something else than text.
var words = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// fieldWords are words of our own configuration that YAML 1.2 reads as text, and the examples have without quotes.
var fieldWords = []string{"off"}

// quoted is a text as a YAML scalar: as it stands, or in double quotes. Octets that aren't UTF-8 can't be in a YAML file, so
// they become the replacement character.
func quoted(s string) string {
	if bare.MatchString(s) && (slices.Contains(fieldWords, s) || !slices.Contains(words, strings.ToLower(s))) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		case !unicode.IsPrint(r) && r != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
