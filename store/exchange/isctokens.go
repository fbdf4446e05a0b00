package exchange

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// tokenKind tells what a token of dhcpd's files is.
type tokenKind uint8

const (
	tokenEnd   tokenKind = iota
	tokenWord            // anything that isn't one of the others: a keyword, a number, an address, a date
	tokenText            // in quotation marks; its escapes are octets now
	tokenPunct           // one of { } ; = ,
)

// A token is one of dhcpd's files. Its octets are good until the next one.
type token struct {
	kind   tokenKind
	octets []byte
}

func (t token) is(word string) bool { return t.kind == tokenWord && string(t.octets) == word }

func (t token) punct(c byte) bool { return t.kind == tokenPunct && t.octets[0] == c }

// errToken says that a token is longer than any that dhcpd writes, as where a crash left zeros. A word is passed over then, and a text,
// whose second quotation mark may be missing, up to where it is too long.
var errToken = errors.New("a word of more than 4096 octets")

const maxToken = 4096

// tokens reads those of dhcpd's lease files. Comments go to the end of their line.
type tokens struct {
	r    *bufio.Reader
	name string
	line int // of the token that next returned
	room []byte
}

func newTokens(r io.Reader, name string) *tokens {
	return &tokens{r: bufio.NewReaderSize(r, 64<<10), name: name, line: 1}
}

// next returns the next token; at the end of the file one of tokenEnd.
func (t *tokens) next() (token, error) {
	t.room = t.room[:0]
	c, err := t.skip()
	switch {
	case errors.Is(err, io.EOF):
		return token{}, nil
	case err != nil:
		return token{}, err
	case isPunct(c):
		t.room = append(t.room, c)
		return token{tokenPunct, t.room}, nil
	case c == '"':
		return t.text()
	}
	for {
		if len(t.room) <= maxToken {
			t.room = append(t.room, c)
		}
		if c, err = t.r.ReadByte(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return token{}, err
		}
		if isSpace(c) || isPunct(c) || c == '"' || c == '#' {
			_ = t.r.UnreadByte() // it was read a moment ago
			break
		}
	}
	if len(t.room) > maxToken {
		return token{}, errToken
	}
	return token{tokenWord, t.room}, nil
}

// skip passes over space and comments, and returns the first octet behind them.
func (t *tokens) skip() (byte, error) {
	for comment := false; ; {
		c, err := t.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch {
		case c == '\n':
			t.line++
			comment = false
		case comment, isSpace(c):
		case c == '#':
			comment = true
		default:
			return c, nil
		}
	}
}

// text reads what stands in quotation marks: \ooo is an octet in octal, and a backslash takes the meaning from what follows it.
func (t *tokens) text() (token, error) {
	for {
		c, err := t.octet()
		if err != nil {
			return token{}, err
		}
		switch c {
		case '"':
			return token{tokenText, t.room}, nil
		case '\n':
			t.line++
		case '\\':
			if c, err = t.escaped(); err != nil {
				return token{}, err
			}
		}
		if t.room = append(t.room, c); len(t.room) > maxToken {
			return token{}, errToken
		}
	}
}

// octet reads one within a text, where the file doesn't end.
func (t *tokens) octet() (byte, error) {
	c, err := t.r.ReadByte()
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("a quotation mark without a second one: %w", io.ErrUnexpectedEOF)
	}
	return c, err
}

// escaped reads what follows a backslash.
func (t *tokens) escaped() (byte, error) {
	c, err := t.octet()
	switch {
	case err != nil:
		return 0, err
	case c == 't':
		return '\t', nil
	case c == 'n':
		return '\n', nil
	case c == 'r':
		return '\r', nil
	case c == 'b':
		return '\b', nil
	case c == 'x':
		return t.digits(0, 16, 2)
	case c >= '0' && c <= '7':
		return t.digits(c-'0', 8, 2)
	}
	return c, nil
}

// digits goes on with a number of up to so many digits.
func (t *tokens) digits(value, base byte, most int) (byte, error) {
	for range most {
		c, err := t.octet()
		if err != nil {
			return 0, err
		}
		d, ok := hexDigit(c)
		if !ok || d >= base {
			return value, t.r.UnreadByte()
		}
		value = value*base + d
	}
	return value, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isPunct(c byte) bool { return c == '{' || c == '}' || c == ';' || c == '=' || c == ',' }
