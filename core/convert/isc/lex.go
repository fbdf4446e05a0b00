package isc

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// maxToken is the room that dhcpd has for one token.
const maxToken = 1500

// A kind is what a token is, as dhcpd's own lexer tells them apart.
type kind uint8

const (
	kindEnd kind = iota
	kindMark
	kindText   // in quotes
	kindNumber // decimal digits
	kindHex    // a word or a number of hexadecimal digits, the first letter aside
	kindWord
)

// A token is one word of the file. The zero value is the end of the file.
type token struct {
	kind kind
	text string // without quotes, escapes resolved
	at   draft.Place
	glue bool // nothing stands between it and the token before
}

// is tells whether the token is a mark such as ; or {.
func (t *token) is(mark string) bool { return t.kind == kindMark && t.text == mark }

// word is the token in lower case where it can be a keyword, else "".
func (t *token) word() string {
	if t.kind == kindWord || t.kind == kindHex {
		return strings.ToLower(t.text)
	}
	return ""
}

// name tells whether the token can be a name: any word or keyword.
func (t *token) name() bool { return t.kind == kindWord || t.kind == kindHex }

// digits tells whether it can be a number of hexadecimal digits.
func (t *token) digits() bool { return t.kind == kindNumber || t.kind == kindHex }

// String is the token as a message has it.
func (t *token) String() string {
	switch t.kind {
	case kindEnd:
		return "the end of the file"
	case kindText:
		return fmt.Sprintf("%q", t.text)
	default:
		return t.text
	}
}

// A lexer cuts a file into tokens.
type lexer struct {
	file  string
	data  []byte
	at    int
	line  int
	fault *draft.Fault // the first one
}

// lex cuts a whole file. The fault is of a token that dhcpd doesn't take.
func lex(file string, data []byte) ([]token, *draft.Fault) {
	l := lexer{file: file, data: data, line: 1}
	var out []token
	for l.fault == nil {
		glue := !l.space()
		if l.at == len(l.data) {
			break
		}
		t := token{at: draft.Place{File: file, Line: l.line}, glue: glue && len(out) > 0}
		l.token(&t)
		out = append(out, t)
	}
	return out, l.fault
}

// space skips white space and comments, and tells whether there was any.
func (l *lexer) space() bool {
	from := l.at
	for l.at < len(l.data) {
		switch c := l.data[l.at]; {
		case c == '#':
			for l.at < len(l.data) && l.data[l.at] != '\n' {
				l.at++
			}
		case c == ' ' || '\t' <= c && c <= '\r':
			if c == '\n' {
				l.line++
			}
			l.at++
		default:
			return l.at > from
		}
	}
	return l.at > from
}

func (l *lexer) token(t *token) {
	switch c := l.data[l.at]; {
	case c == '"':
		l.at++
		t.kind, t.text = kindText, l.quoted()
	case isDigit(c) || c == '-' && l.at+1 < len(l.data) && isDigit(l.data[l.at+1]):
		t.kind, t.text = l.number()
	case isLetter(c):
		from := l.at
		t.kind = kindHex
		for ; l.at < len(l.data) && isNamePart(l.data[l.at]); l.at++ {
			if l.at > from && !isHexDigit(l.data[l.at]) {
				t.kind = kindWord // dhcpd doesn't look at the first one
			}
		}
		t.text = string(l.data[from:l.at])
	default:
		l.at++
		t.kind, t.text = kindMark, string(rune(c))
	}
	if len(t.text) >= maxToken {
		l.fail("has 1500 octets or more", "shorten it")
	}
}

// number reads what begins with a digit: a number, hexadecimal digits, or a name.
func (l *lexer) number() (kind, string) {
	from, kind, seenX := l.at, kindNumber, false
	for l.at++; l.at < len(l.data); l.at++ {
		switch c := l.data[l.at]; {
		case !seenX && c == 'x':
			seenX = true
		case !isNamePart(c):
			return kind, string(l.data[from:l.at])
		case !isHexDigit(c):
			kind = kindWord
		case !isDigit(c) && kind == kindNumber:
			kind = kindHex
		}
	}
	return kind, string(l.data[from:l.at])
}

// quoted reads text up to its closing quote.
func (l *lexer) quoted() string {
	var b strings.Builder
	for l.at < len(l.data) {
		c := l.data[l.at]
		l.at++
		switch c {
		case '"':
			return b.String()
		case '\\':
			l.escape(&b)
		case '\n':
			l.line++
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	l.fail("text has no closing quote", `end it with "`)
	return b.String()
}

// escape reads what stands behind a backslash: \t \r \n \b, \x and two hexadecimal digits, or three octal digits up to \377.
func (l *lexer) escape(b *strings.Builder) {
	if l.at == len(l.data) {
		return
	}
	c := l.data[l.at]
	l.at++
	switch c {
	case 't', 'r', 'n', 'b':
		b.WriteByte(map[byte]byte{'t': '\t', 'r': '\r', 'n': '\n', 'b': '\b'}[c])
	case 'x':
		if l.at+2 > len(l.data) || !isHexDigit(l.data[l.at]) || !isHexDigit(l.data[l.at+1]) {
			l.fail(`text has \x without two hexadecimal digits`, `write \x0a, or \\ for a backslash`)
			return
		}
		b.WriteByte(nibble(l.data[l.at])<<4 | nibble(l.data[l.at+1]))
		l.at += 2
	case '0', '1', '2', '3':
		value := c - '0'
		digits := 0
		for ; digits < 2 && l.at < len(l.data) && isDigit(l.data[l.at]); l.at++ {
			value = value<<3 + l.data[l.at] - '0'
			digits++
		}
		if digits < 2 && value != 0 {
			l.fail(`text has a backslash with fewer than three octal digits`, `write \012, or \\ for a backslash`)
			return
		}
		b.WriteByte(value)
	case '\n':
		l.line++
		b.WriteByte(c)
	default:
		b.WriteByte(c)
	}
}

func (l *lexer) fail(problem, remedy string) {
	if l.fault == nil {
		l.fault = &draft.Fault{At: draft.Place{File: l.file, Line: l.line}, Problem: problem, Remedy: remedy}
	}
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isLetter(c byte) bool   { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isNamePart(c byte) bool { return isDigit(c) || isLetter(c) || c == '-' || c == '_' }

func nibble(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
