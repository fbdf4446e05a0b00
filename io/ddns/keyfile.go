package ddns

import (
	"fmt"
	"strings"
)

// A fileKey is a key as it stands in a file of BIND's.
type fileKey struct{ name, algorithm, secret string }

// parseKeyFile reads: key "name" { algorithm hmac-sha256; secret "base64"; }; as often as it stands there, with the comments that
// BIND's files have. Errors name the line.
func parseKeyFile(text string) (keys []fileKey, err error) {
	p := &keyParser{rest: text, line: 1}
	for {
		switch word := p.next(); word {
		case "":
			return keys, p.err
		case ";":
		case "key":
			keys = append(keys, p.key())
			if p.err != nil {
				return nil, p.err
			}
		default:
			return nil, fmt.Errorf(`line %d: there stands %q; a file of keys has: key "name" { algorithm hmac-sha256; secret "..."; };`, p.line, shorten(word))
		}
	}
}

// shorten keeps what may be a secret from being told whole.
func shorten(word string) string {
	if len(word) > 8 {
		return word[:4] + "..."
	}
	return word
}

// A keyParser walks over the words of a file. After an error its words are empty.
type keyParser struct {
	rest string
	line int
	err  error
}

func (p *keyParser) key() (k fileKey) {
	k.name = p.value("the key's name")
	p.expect("{")
	for p.err == nil {
		switch word := p.next(); word {
		case "}":
			p.expect(";")
			return k
		case "algorithm":
			k.algorithm = p.value("the algorithm")
			p.expect(";")
		case "secret":
			k.secret = p.value("the secret")
			p.expect(";")
		default:
			p.fail("%q isn't algorithm, secret or the end of the key, }", shorten(word))
		}
	}
	return k
}

func (p *keyParser) value(what string) string {
	word := p.next()
	if p.err == nil && (word == "" || strings.Contains("{};", word)) {
		p.fail("%s is missing", what)
	}
	return word
}

func (p *keyParser) expect(want string) {
	if word := p.next(); p.err == nil && word != want {
		p.fail("there stands %q in place of %q", shorten(word), want)
	}
}

func (p *keyParser) fail(format string, arguments ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: "+format, append([]any{p.line}, arguments...)...)
	}
}

// next is the next word, without its quotes; empty: the end.
func (p *keyParser) next() string {
	p.skip()
	switch {
	case p.err != nil || p.rest == "":
		return ""
	case strings.IndexByte("{};", p.rest[0]) >= 0:
		return p.take(1)
	case p.rest[0] == '"':
		end := strings.IndexAny(p.rest[1:], "\"\n")
		if end < 0 || p.rest[1+end] == '\n' {
			p.fail("a quote isn't closed")
			return ""
		}
		word := p.take(end + 2)
		return word[1 : 1+end]
	}
	end := strings.IndexAny(p.rest, "{};\" \t\r\n")
	if end < 0 {
		end = len(p.rest)
	}
	return p.take(end)
}

func (p *keyParser) take(n int) string {
	word := p.rest[:n]
	p.line += strings.Count(word, "\n")
	p.rest = p.rest[n:]
	return word
}

// skip goes over blanks and comments.
func (p *keyParser) skip() {
	for p.rest != "" {
		switch {
		case strings.IndexByte(" \t\r\n", p.rest[0]) >= 0:
			p.take(1)
		case p.rest[0] == '#' || strings.HasPrefix(p.rest, "//"):
			p.skipTo("\n")
		case strings.HasPrefix(p.rest, "/*"):
			p.skipTo("*/")
		default:
			return
		}
	}
}

func (p *keyParser) skipTo(end string) {
	if i := strings.Index(p.rest, end); i >= 0 {
		p.take(i + len(end))
		return
	}
	p.take(len(p.rest))
}
