package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// A Key is what pseudonyms are made with. Who has it can tell which identifier of a list of guesses a pseudonym stands for, on any day.
type Key [sha256.Size]byte

// KeyOf derives the key of pseudonyms from a secret that serves another purpose too, such as a cluster's key. The secret doesn't
// follow from it.
func KeyOf(secret []byte) Key { return Key(digest(secret, []byte("lockstep6 pseudonyms 1"))) }

// A Day is a day in UTC with the key of its pseudonyms, which tells nothing of other days'.
type Day struct {
	text string
	key  [sha256.Size]byte
}

// On is the day of a time.
func (k *Key) On(t time.Time) *Day {
	text := t.UTC().Format(time.DateOnly)
	return &Day{text, digest(k[:], []byte("day "+text))}
}

// Holds tells whether a time is of the day.
func (d *Day) Holds(t time.Time) bool { return t.UTC().Format(time.DateOnly) == d.text }

// shown is how many octets of a digest a pseudonym has: among 10 million clients of one day two share one once in 300,000 days.
const shown = 8

// Pseudonym stands for an identifier on that day: its kind, ~, and 16 hexadecimal digits of HMAC-SHA-256 (RFC 2104).
func (d *Day) Pseudonym(i Identifier) string {
	sum := digest(d.key[:], append([]byte(i.kind+"\x00"), i.octets...))
	return i.kind + "~" + hex.EncodeToString(sum[:shown])
}

func digest(key, text []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text) // never fails, by its documentation
	return [sha256.Size]byte(h.Sum(nil))
}
