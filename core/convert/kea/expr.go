package kea

import (
	"fmt"
	"strings"
)

// expr is a node of a `test`: a truth value or octets.
type expr struct {
	op     string // or, and, not, ==, exists, member, match; literal, number, ref, substring; or the name of another function
	args   []*expr
	data   []byte // of a literal; the name of member; the pattern of match
	number int64  // of a number
	start  int    // of substring
	length int    // of substring; allOctets: up to the end
	ref    *ref
	text   string
}

const allOctets = 1 << 30

// ref is a part of a message: its path, such as relay6 [-1] option [37] hex.
type ref struct {
	root  string   // option, relay6, vendor, vendor-class, pkt, pkt6
	index string   // what stands in the brackets behind the root
	path  []string // names and [indexes] behind, in order
}

// parseTest reads a `test`.
func parseTest(s string) (*expr, error) {
	p := &exprParser{}
	if err := p.lex(s); err != nil {
		return nil, err
	}
	e, err := p.or(0)
	if err == nil && p.pos < len(p.words) {
		err = fmt.Errorf("%q stands where an end must be", p.words[p.pos])
	}
	return e, err
}

type exprParser struct {
	words []string // strings begin with a quote
	pos   int
}

func (p *exprParser) lex(s string) error {
	for i := 0; i < len(s); {
		c := s[i]
		end := i + 1
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case c == '\'':
			n := strings.IndexByte(s[i+1:], '\'')
			if n < 0 {
				return fmt.Errorf("a quote isn't closed")
			}
			end = i + n + 2
		case strings.HasPrefix(s[i:], "=="):
			end = i + 2
		case strings.IndexByte("()[],.+*", c) >= 0:
		default:
			for end < len(s) && strings.IndexByte(" \t\r\n'()[],.+*=", s[end]) < 0 {
				end++
			}
			if c == '=' {
				return fmt.Errorf("= stands where == must be")
			}
		}
		p.words = append(p.words, s[i:end])
		i = end
	}
	return nil
}

func (p *exprParser) peek() string {
	if p.pos < len(p.words) {
		return p.words[p.pos]
	}
	return ""
}

func (p *exprParser) next() string {
	w := p.peek()
	p.pos++
	return w
}

func (p *exprParser) want(w string) error {
	if got := p.next(); got != w {
		if got == "" {
			got = "the end"
		}
		return fmt.Errorf("%s stands where %s must be", got, w)
	}
	return nil
}

func (p *exprParser) or(depth int) (*expr, error) {
	return p.chain("or", depth, p.and)
}

func (p *exprParser) and(depth int) (*expr, error) {
	return p.chain("and", depth, p.not)
}

func (p *exprParser) chain(op string, depth int, inner func(int) (*expr, error)) (*expr, error) {
	e, err := inner(depth)
	if err != nil || p.peek() != op {
		return e, err
	}
	all := &expr{op: op, args: []*expr{e}}
	for p.peek() == op {
		p.next()
		if e, err = inner(depth); err != nil {
			return nil, err
		}
		all.args = append(all.args, e)
	}
	return all, nil
}

func (p *exprParser) not(depth int) (*expr, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is more than %d deep", maxDepth)
	}
	switch p.peek() {
	case "not":
		p.next()
		e, err := p.not(depth + 1)
		return &expr{op: "not", args: []*expr{e}}, err
	case "(":
		p.next()
		e, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		return e, p.want(")")
	case "member":
		p.next()
		name, err := p.quoted()
		return &expr{op: "member", data: []byte(name)}, err
	case "known", "unknown":
		return &expr{op: "member", data: []byte(strings.ToUpper(p.next()))}, nil
	case "match":
		return p.match(depth)
	}
	return p.comparison(depth)
}

// quoted reads ('TEXT').
func (p *exprParser) quoted() (string, error) {
	if err := p.want("("); err != nil {
		return "", err
	}
	w := p.next()
	if !strings.HasPrefix(w, "'") {
		return "", fmt.Errorf("%s stands where a name in quotes must be", w)
	}
	return strings.Trim(w, "'"), p.want(")")
}

func (p *exprParser) match(depth int) (*expr, error) {
	p.next()
	if err := p.want("("); err != nil {
		return nil, err
	}
	pattern := p.next()
	if !strings.HasPrefix(pattern, "'") {
		return nil, fmt.Errorf("match wants a pattern in quotes")
	}
	if err := p.want(","); err != nil {
		return nil, err
	}
	e, err := p.octets(depth)
	if err != nil {
		return nil, err
	}
	return &expr{op: "match", data: []byte(strings.Trim(pattern, "'")), args: []*expr{e}}, p.want(")")
}

func (p *exprParser) comparison(depth int) (*expr, error) {
	left, err := p.octets(depth)
	if err != nil {
		return nil, err
	}
	if left.op == "ref" && left.ref.last() == "exists" {
		return &expr{op: "exists", ref: left.ref}, nil
	}
	if err := p.want("=="); err != nil {
		return nil, err
	}
	right, err := p.octets(depth)
	return &expr{op: "==", args: []*expr{left, right}}, err
}

func (r *ref) last() string {
	if len(r.path) == 0 {
		return ""
	}
	return r.path[len(r.path)-1]
}
