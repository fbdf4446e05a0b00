package isc

import (
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// Bounds of what is read, so that no file can exhaust the stack or the reader's patience.
const (
	maxDepth    = 100 // braces and parentheses inside of each other
	maxIncludes = 1000
	maxFaults   = 50
)

// A known is all that statements refer to by name, and what belongs to the whole server.
type known struct {
	open     func(name string) ([]byte, error)
	spaces   map[string]*space
	classes  map[string]*scope
	hosts    map[string]bool
	groups   map[string]bool
	keys     map[string]*key
	zones    []*zone
	duid     *serverDUID
	faults   draft.Faults
	depth    int
	includes int
	family   string // subnet or subnet6, as the first one is
	defined  []definedOption
}

// A parser reads one file's tokens.
type parser struct {
	*known
	tokens []token
	at     int
	end    token
}

func newParser(k *known, file string, data []byte) *parser {
	tokens, fault := lex(file, data)
	if fault != nil {
		k.report(*fault)
	}
	line := 1 + strings.Count(string(data), "\n")
	return &parser{known: k, tokens: tokens, end: token{at: draft.Place{File: file, Line: line}}}
}

func (k *known) report(f draft.Fault) {
	if len(k.faults) < maxFaults {
		k.faults = append(k.faults, f)
	}
}

func (p *parser) peek() *token {
	if p.at < len(p.tokens) {
		return &p.tokens[p.at]
	}
	return &p.end
}

func (p *parser) next() *token {
	t := p.peek()
	if p.at < len(p.tokens) {
		p.at++
	}
	return t
}

// take takes the next token if it is this mark.
func (p *parser) take(mark string) bool {
	if p.peek().is(mark) {
		p.at++
		return true
	}
	return false
}

// takeWord takes the next token if it is this word.
func (p *parser) takeWord(word string) bool {
	if p.peek().word() == word {
		p.at++
		return true
	}
	return false
}

// fail reports what is wrong at a token. It returns false, for the caller to pass on.
func (p *parser) fail(t *token, problem, remedy string) bool {
	p.report(draft.Fault{At: t.at, Problem: problem, Remedy: remedy})
	return false
}

// expect takes a mark, or reports that it isn't there.
func (p *parser) expect(mark string) bool {
	if p.take(mark) {
		return true
	}
	t := p.peek()
	at := *t
	if mark == ";" && p.at > 0 {
		at.at = p.tokens[p.at-1].at // it belongs behind the token before
	}
	return p.fail(&at, fmt.Sprintf("%s stands where %s is expected", t, mark), "write "+mark+" before it")
}

// semi takes the semicolon that ends a statement. Without one the rest of the statement is skipped.
func (p *parser) semi() bool {
	if p.expect(";") {
		return true
	}
	p.skip()
	return false
}

// skip goes on behind the statement: behind its semicolon or its closing brace, or to the brace that closes what it stands in.
func (p *parser) skip() {
	for depth := 0; p.at < len(p.tokens); p.at++ {
		switch t := p.peek(); {
		case t.is("{"):
			depth++
		case t.is("}"):
			if depth == 0 {
				return
			}
			if depth--; depth == 0 {
				p.at++
				return
			}
		case t.is(";") && depth == 0:
			p.at++
			return
		}
	}
}

// bad is fail, and skips the rest of the statement.
func (p *parser) bad(t *token, problem, remedy string) bool {
	p.fail(t, problem, remedy)
	p.skip()
	return false
}

// deeper tells whether one more pair of braces or parentheses may stand inside of those that are open. Its caller calls up in the end.
func (p *parser) deeper(t *token) bool {
	if p.depth++; p.depth > maxDepth {
		p.depth--
		return p.bad(t, fmt.Sprintf("stands inside of more than %d braces or parentheses", maxDepth), "write it flatter")
	}
	return true
}

func (p *parser) up() { p.depth-- }

// body reads statements up to the closing brace.
func (p *parser) body(s *scope) bool {
	open := p.peek()
	if !p.expect("{") {
		p.skip()
		return false
	}
	if !p.deeper(open) {
		return false
	}
	defer p.up()
	for !p.take("}") {
		if t := p.peek(); t.kind == kindEnd {
			return p.fail(t, "the file ends inside of the braces that open in line "+fmt.Sprint(open.at.Line), "close them with }")
		}
		p.statement(s)
	}
	return true
}

// file reads statements up to the end of a file.
func (p *parser) file(s *scope) {
	for p.peek().kind != kindEnd {
		if t := p.peek(); t.is("}") {
			p.fail(t, "} closes nothing", "remove it, or find the { that is missing")
			p.at++
			continue
		}
		p.statement(s)
	}
}

// include reads another file's statements into the scope.
func (p *parser) include(s *scope) {
	p.next()
	t := p.next()
	if t.kind != kindText {
		p.bad(t, "include without a file's name in quotes", `write include "/etc/dhcp/file";`)
		return
	}
	p.semi()
	if p.includes++; p.includes > maxIncludes {
		p.fail(t, fmt.Sprintf("more than %d files are included", maxIncludes), "does a file include itself?")
		return
	}
	data, err := p.open(t.text)
	if err != nil {
		p.fail(t, fmt.Sprintf("the file %q that is included can't be read: %v", t.text, err), "put it there, or remove the include")
		return
	}
	if !p.deeper(t) {
		return
	}
	defer p.up()
	newParser(p.known, t.text, data).file(s)
}
