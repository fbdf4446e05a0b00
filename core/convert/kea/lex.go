package kea

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// Bounds of what is read.
const (
	maxOctets   = 64 << 20 // of a file and all that it includes
	maxIncludes = 10       // files within files, as in Kea
	maxDepth    = 64       // values within values
)

// A Source reads the files that a configuration names in <?include "NAME"?>.
type Source func(name string) ([]byte, error)

type tokenKind uint8

const (
	tokenMark    tokenKind = iota // one of {}[],: in text
	tokenString                   // text holds its octets
	tokenInteger                  // text as written
	tokenReal
	tokenWord // true, false or null
	tokenEnd
)

type token struct {
	kind tokenKind
	text string
	at   draft.Place
}

// lexer reads Kea's JSON: RFC 8259 with comments of three kinds, files included, and numbers such as .5.
type lexer struct {
	source Source
	octets int // read so far, of all files
	out    []token
}

// fault ends the reading: Kea too stops at the first fault of syntax.
func fault(at draft.Place, problem, remedy string) error {
	return draft.Fault{At: at, Problem: problem, Remedy: remedy}
}

// file reads the tokens of one file.
func (l *lexer) file(name string, data []byte, depth int) error {
	if l.octets += len(data); l.octets > maxOctets {
		return fault(draft.Place{File: name}, fmt.Sprintf("the configuration has more than %d octets", maxOctets), "")
	}
	s := &scanner{name: name, data: string(data), line: 1}
	for {
		if err := s.space(); err != nil {
			return err
		}
		if s.pos == len(s.data) {
			return nil
		}
		at := s.place()
		if included, ok, err := s.include(); err != nil {
			return err
		} else if ok {
			if err := l.include(included, at, depth); err != nil {
				return err
			}
			continue
		}
		t, err := s.token()
		if err != nil {
			return err
		}
		t.at = at
		l.out = append(l.out, t)
	}
}

func (l *lexer) include(name string, at draft.Place, depth int) error {
	if depth == maxIncludes {
		return fault(at, fmt.Sprintf("more than %d files include one another", maxIncludes), "")
	}
	data, err := l.source(name)
	if err != nil {
		return fault(at, fmt.Sprintf("%q can't be included: %v", name, err), "Kea looks for it from the folder that it is started in")
	}
	return l.file(name, data, depth+1)
}

// scanner goes through the text of one file.
type scanner struct {
	name string
	data string
	pos  int
	line int
}

func (s *scanner) place() draft.Place { return draft.Place{File: s.name, Line: s.line} }

func (s *scanner) rest() string { return s.data[s.pos:] }

// skip goes past so many octets, and counts lines.
func (s *scanner) skip(n int) {
	s.line += strings.Count(s.data[s.pos:s.pos+n], "\n")
	s.pos += n
}

// space goes past blanks and comments.
func (s *scanner) space() error {
	for s.pos < len(s.data) {
		rest := s.rest()
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			s.skip(1)
		case rest[0] == '#', strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			s.skip(end)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return fault(s.place(), "a comment isn't closed", "write */ at its end")
			}
			s.skip(end + 4)
		default:
			return nil
		}
	}
	return nil
}

// include reads <?include "NAME"?>.
func (s *scanner) include() (name string, ok bool, err error) {
	rest, is := strings.CutPrefix(s.rest(), "<?include")
	if !is {
		return "", false, nil
	}
	inner, _, closed := strings.Cut(rest, "?>")
	name = strings.TrimSpace(inner)
	if !closed || len(name) < 3 || name[0] != '"' || name[len(name)-1] != '"' || strings.ContainsAny(name[1:len(name)-1], "\"\n") {
		return "", false, fault(s.place(), "<?include names no file", `write <?include "FILE"?>`)
	}
	s.skip(len("<?include") + len(inner) + len("?>"))
	return name[1 : len(name)-1], true, nil
}

func (s *scanner) token() (token, error) {
	rest := s.rest()
	switch c := rest[0]; {
	case strings.IndexByte("{}[],:", c) >= 0:
		s.skip(1)
		return token{kind: tokenMark, text: rest[:1]}, nil
	case c == '"':
		return s.text()
	case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(rest, word) {
			s.skip(len(word))
			return token{kind: tokenWord, text: word}, nil
		}
	}
	return token{}, fault(s.place(), fmt.Sprintf("%q has no place here", firstRune(rest)), "")
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return s
}

func (s *scanner) number() (token, error) {
	rest := s.rest()
	end := 0
	for end < len(rest) && strings.IndexByte("+-.eE0123456789", rest[end]) >= 0 {
		end++
	}
	word := rest[:end]
	if _, err := strconv.ParseInt(word, 10, 64); err == nil && word[0] != '+' {
		s.skip(end)
		return token{kind: tokenInteger, text: word}, nil
	}
	if _, err := strconv.ParseFloat(word, 64); err != nil {
		return token{}, fault(s.place(), fmt.Sprintf("%q is no number", word), "")
	}
	s.skip(end)
	return token{kind: tokenReal, text: word}, nil
}

// text reads a string. Kea knows \u only for characters up to U+00FF, which it takes for octets.
func (s *scanner) text() (token, error) {
	var b strings.Builder
	rest := s.rest()
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			s.skip(i + 1)
			return token{kind: tokenString, text: b.String()}, nil
		case c < ' ':
			return token{}, fault(s.place(), "a string has a control character in it, or isn't closed in its line", `write it as \u0000 with its code, and " at the end`)
		case c != '\\':
			b.WriteByte(c)
		default:
			octet, size, ok := escape(rest[i+1:])
			if !ok {
				return token{}, fault(s.place(), "a string has a \\ with nothing behind it that Kea knows", `write \\ for the character itself`)
			}
			b.WriteByte(octet)
			i += size
		}
	}
	return token{}, fault(s.place(), "a string isn't closed", `write " at its end`)
}

// escape reads what stands behind a backslash, and tells how long it is.
func escape(s string) (octet byte, size int, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[0]); i >= 0 {
		return "\"\\/\b\f\n\r\t"[i], 1, true
	}
	if s[0] != 'u' || len(s) < 5 {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(s[1:5], 16, 8)
	return byte(n), 5, err == nil
}
