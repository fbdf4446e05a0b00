package kea

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// octets reads an expression of octets.
func (p *exprParser) octets(depth int) (*expr, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is more than %d deep", maxDepth)
	}
	e, err := p.octet(depth + 1)
	for err == nil && p.peek() == "+" {
		p.next()
		var right *expr
		right, err = p.octet(depth + 1)
		e = &expr{op: "concat", args: []*expr{e, right}}
	}
	return e, err
}

func (p *exprParser) octet(depth int) (*expr, error) {
	w := p.next()
	switch {
	case strings.HasPrefix(w, "'"):
		return &expr{op: "literal", data: []byte(strings.Trim(w, "'"))}, nil
	case strings.HasPrefix(w, "0x"):
		digits := w[2:]
		if len(digits)%2 == 1 {
			digits = "0" + digits
		}
		data, err := hex.DecodeString(digits)
		return &expr{op: "literal", data: data}, err
	case w == "(":
		e, err := p.octets(depth)
		if err != nil {
			return nil, err
		}
		return e, p.want(")")
	case contains(exprRoots, w):
		return p.reference(w)
	case p.peek() == "(":
		return p.call(w, depth)
	}
	if n, err := strconv.ParseInt(w, 10, 64); err == nil {
		return &expr{op: "number", number: n}, nil
	}
	if a, err := netip.ParseAddr(w); err == nil {
		return &expr{op: "literal", data: a.AsSlice(), text: a.String()}, nil
	}
	if w == "" {
		w = "the end"
	}
	return nil, fmt.Errorf("%s has no place here", w)
}

var exprRoots = []string{"option", "relay6", "vendor", "vendor-class", "pkt", "pkt6"}

// exprFunctions are the functions of octets that Kea knows.
var exprFunctions = strings.Fields("substring concat ifelse hexstring addrtotext int8totext int16totext int32totext uint8totext uint16totext uint32totext lcase ucase split")

// reference reads what stands behind option, relay6 and the like.
func (p *exprParser) reference(root string) (*expr, error) {
	r := &ref{root: root}
	if p.peek() == "[" {
		index, err := p.index()
		if err != nil {
			return nil, err
		}
		r.index = index
	}
	for p.peek() == "." || p.peek() == "[" {
		if p.peek() == "[" {
			index, err := p.index()
			if err != nil {
				return nil, err
			}
			r.path = append(r.path, "["+index+"]")
			continue
		}
		p.next()
		r.path = append(r.path, p.next())
	}
	if len(r.path) == 0 || r.last() == "" {
		return nil, fmt.Errorf("%s lacks what is meant of it", root)
	}
	return &expr{op: "ref", ref: r}, nil
}

func (p *exprParser) index() (string, error) {
	p.next()
	w := p.next()
	return w, p.want("]")
}

func (p *exprParser) call(name string, depth int) (*expr, error) {
	if !contains(exprFunctions, name) {
		return nil, fmt.Errorf("there is no function %s", name)
	}
	p.next()
	e := &expr{op: name}
	if name == "ifelse" {
		condition, err := p.or(depth)
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, condition)
		if err := p.want(","); err != nil {
			return nil, err
		}
	}
	for {
		if w := p.peek(); w == "all" {
			p.next()
			e.args = append(e.args, &expr{op: "number", number: allOctets})
		} else {
			arg, err := p.octets(depth)
			if err != nil {
				return nil, err
			}
			e.args = append(e.args, arg)
		}
		if p.peek() != "," {
			break
		}
		p.next()
	}
	if name == "substring" {
		if len(e.args) != 3 || e.args[1].op != "number" || e.args[2].op != "number" {
			return nil, fmt.Errorf("substring wants octets, a start and a length")
		}
		e.start, e.length = int(e.args[1].number), int(e.args[2].number)
	}
	return e, p.want(")")
}
