package privacy

import (
	"strings"
	"sync/atomic"
	"time"
)

// A Mode says how identifiers are shown.
type Mode uint8

// The modes, in the order of Words.
const (
	Clear Mode = iota
	Pseudonyms
	Hidden
)

// Words are the modes' names in the configuration.
const Words = "clear|pseudonyms|hidden"

// ModeOf is the mode of a word; one that isn't known hides.
func ModeOf(word string) Mode {
	for i, w := range strings.Split(Words, "|") {
		if w == word {
			return Mode(i)
		}
	}
	return Hidden
}

// Settings say what is shown.
type Settings struct {
	Mode    Mode
	Key     Key
	Domains []string // ends of names that are clients', in texts: the zones in which they are kept
}

// inForce are settings with the day of which pseudonyms were made last.
type inForce struct {
	Settings
	day atomic.Pointer[Day]
}

// A Keeper shows identifiers as it is set, for one way out of the program. The zero one shows them in clear. It may be used, and set,
// by any goroutine.
type Keeper struct {
	settings atomic.Pointer[inForce]
}

// Set takes effect for what is shown from then on.
func (k *Keeper) Set(s Settings) {
	k.settings.Store(&inForce{Settings: s})
}

// Show is how an identifier is written at a time; false: it isn't to be written.
func (k *Keeper) Show(i Identifier, at time.Time) (text string, ok bool) {
	s := k.settings.Load()
	switch {
	case s == nil || s.Mode == Clear || i.kind == "":
		return i.String(), true
	case s.Mode == Pseudonyms:
		return s.today(at).Pseudonym(i), true
	default:
		return "", false
	}
}

// replace is Show, with a word in the place of what isn't written.
func (s *inForce) replace(i Identifier, at time.Time) string {
	if s.Mode == Pseudonyms {
		return s.today(at).Pseudonym(i)
	}
	return i.kind + "~"
}

// today is the day of a time. Lines come in the order of time, nearly, so the last one is kept.
func (s *inForce) today(at time.Time) *Day {
	d := s.day.Load()
	if d == nil || !d.Holds(at) {
		d = s.Key.On(at)
		s.day.Store(d)
	}
	return d
}
