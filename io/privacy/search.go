package privacy

import (
	"encoding/hex"
	"net/netip"
	"regexp"
	"strings"
)

var (
	// A word may be an address, a prefix, octets in hexadecimal or a name. A pseudonym is one too, so that it isn't replaced again.
	word = regexp.MustCompile(`[0-9A-Za-z_][0-9A-Za-z_.:/%~\-]*|::[0-9A-Fa-f:./]*`)
	// Six octets or more, with something between them or without. Fewer may be a time.
	hexOctets = regexp.MustCompile(`^(?:[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5,}|(?:0x)?(?:[0-9A-Fa-f]{2}){6,})$`)
	// A message about a configuration begins with a place in the file.
	place = regexp.MustCompile(`^\S+:\d+:\d+: `)
)

// search replaces identifiers in a text: those that the line's attributes name, and whatever looks like one.
func (l *line) search(text string) string {
	for _, id := range l.named {
		if clear := id.String(); len(clear) > 3 { // less is a number, which has other meanings
			text = strings.ReplaceAll(text, clear, l.replace(id, l.at))
		}
	}
	return word.ReplaceAllStringFunc(text, l.word)
}

// word replaces one word where it names somebody, with or without the marks at its end.
func (l *line) word(w string) string {
	for rest := w; rest != ""; rest = rest[:len(rest)-1] {
		if id, is := l.meant(rest); is {
			return l.replace(id, l.at) + w[len(rest):]
		}
		if !strings.ContainsAny(rest[len(rest)-1:], ".:/%-") {
			break
		}
	}
	return w
}

// meant is what a word stands for.
func (l *line) meant(w string) (Identifier, bool) {
	if hexOctets.MatchString(w) {
		b, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(strings.TrimPrefix(w, "0x")))
		if err == nil && len(b) > maxHardware {
			return DUID(b), true
		}
		return Hardware(b), err == nil
	}
	if a, err := netip.ParseAddr(w); err == nil && a.Is6() {
		return Address(a), !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast()
	}
	if p, err := netip.ParsePrefix(w); err == nil && p.Addr().Is6() {
		return Prefix(p), true
	}
	name := strings.ToLower(strings.TrimSuffix(w, "."))
	for _, domain := range l.Domains {
		if strings.HasSuffix(name, "."+strings.ToLower(strings.TrimSuffix(domain, "."))) {
			return Name(w), true
		}
	}
	return Identifier{}, false
}

// maxHardware is how many octets a link-layer address has at most: an EUI-64. A DUID that has one is longer.
const maxHardware = 8

// ofFile is what is said of a configuration, without the words about reservations: names and Remote-IDs look like any other word.
func ofFile(text string) string {
	if !strings.Contains(text, "reserv") {
		return text
	}
	return place.FindString(text) + "about a reservation; lockstep6 check tells what"
}
