package isc

import (
	"fmt"
	"strings"
)

// A valueType is what an expression gives.
type valueType uint8

const (
	typeAny valueType = iota // a variable, a call, or what dhcpd doesn't look at closely
	typeData
	typeNumber
	typeBoolean
)

// An expression is a tree of operations, as dhcp-eval has them.
type expression struct {
	op     string // const, number, option, substring, suffix, =, !=, and, or, not, exists, known, v6relay, or another word of dhcpd
	gives  valueType
	args   []*expression
	option *option
	data   []byte
	number int
	at     *token
}

// constant is the value of an expression of data that depends on no message.
func (e *expression) constant() ([]byte, bool) {
	switch e.op {
	case "const":
		return e.data, true
	case "concat":
		var out []byte
		for _, a := range e.args {
			part, ok := a.constant()
			if !ok {
				return nil, false
			}
			out = append(out, part...)
		}
		return out, true
	case "encode-int":
		if e.args[0].op != "number" {
			return nil, false
		}
		out := []byte{byte(e.args[0].number >> 24), byte(e.args[0].number >> 16), byte(e.args[0].number >> 8), byte(e.args[0].number)}
		return out[4-e.number/8:], true
	default:
		return nil, false
	}
}

// typed reads an expression that must give this.
func (p *parser) typed(want valueType, what string) *expression {
	t := p.peek()
	e := p.expression(want)
	if e != nil && e.gives != want && e.gives != typeAny {
		p.bad(t, "the expression doesn't give "+what, "see dhcp-eval(5)")
		return nil
	}
	return e
}

func (p *parser) booleanExpression() *expression { return p.typed(typeBoolean, "true or false") }
func (p *parser) dataExpression() *expression    { return p.typed(typeData, "data") }
func (p *parser) numberExpression() *expression  { return p.typed(typeNumber, "a number") }

// Operators bind as dhcpd has it: comparisons before and and or, which bind alike, and these before arithmetic.
var binding = map[string]int{"=": 4, "!=": 4, "~=": 4, "~~": 4, "and": 3, "or": 3, "+": 2, "-": 2, "*": 1, "/": 1, "%": 1, "&": 5, "|": 5, "^": 5}

func (p *parser) expression(want valueType) *expression {
	t := p.peek()
	if !p.deeper(t) {
		return nil
	}
	defer p.up()
	left := p.operand(want)
	if left == nil {
		return nil
	}
	return p.operators(left, 0)
}

// operators reads operators and what stands right of them, as long as they bind at least so strongly.
func (p *parser) operators(left *expression, least int) *expression {
	for {
		op, width := p.operator()
		if op == "" || binding[op] < least {
			return left
		}
		t := p.peek()
		p.at += width
		right := p.operand(left.gives)
		for right != nil {
			next, _ := p.operator()
			if next == "" || binding[next] <= binding[op] {
				break
			}
			right = p.operators(right, binding[op]+1)
		}
		if right == nil || !p.related(t, op, left, right) {
			return nil
		}
		gives := typeBoolean
		if strings.ContainsAny(op, "+-*/%&|^") {
			gives = typeNumber
		}
		left = &expression{op: op, gives: gives, args: []*expression{left, right}, at: t}
	}
}

// operator is the operator that stands next, and of how many tokens it is.
func (p *parser) operator() (string, int) {
	t := p.peek()
	switch {
	case t.is("!") || t.is("~"):
		if p.at+1 < len(p.tokens) {
			if n := p.tokens[p.at+1]; n.is("=") || n.is("~") && t.is("~") {
				return t.text + n.text, 2
			}
		}
		return "", 0
	case t.kind == kindMark && strings.Contains("=+*/%&|^-", t.text):
		return t.text, 1
	case t.word() == "and" || t.word() == "or":
		return t.word(), 1
	}
	return "", 0
}

// related checks that an operator's two sides go together.
func (p *parser) related(t *token, op string, left, right *expression) bool {
	if left.gives != typeAny && right.gives != typeAny && left.gives != right.gives {
		return p.bad(t, fmt.Sprintf("the two sides of %s are of different types", op), "compare data with data, numbers with numbers")
	}
	ok := true
	switch op {
	case "=", "!=":
		ok = right.gives != typeBoolean
	case "~=":
		ok = right.gives == typeData
	case "and", "or":
		ok = right.gives == typeBoolean || right.gives == typeAny
	case "~~":
	default:
		ok = right.gives == typeNumber || right.gives == typeAny
	}
	if !ok {
		return p.bad(t, fmt.Sprintf("what stands right of %s isn't of its type", op), "see dhcp-eval(5)")
	}
	return true
}

// An argument is what a function takes: d data, n a number, N a plain number, s text in quotes, - nothing.
// A last + says that the argument before repeats.
var functions = map[string]struct {
	args  string
	gives valueType
}{
	"substring": {"dnn", typeData}, "suffix": {"dn", typeData}, "lcase": {"d", typeData}, "ucase": {"d", typeData},
	"concat": {"dd+", typeData}, "binary-to-ascii": {"nndd", typeData}, "reverse": {"nd", typeData},
	"pick": {"d+", typeData}, "pick-first-value": {"d+", typeData}, "extract-int": {"dN", typeNumber}, "encode-int": {"nN", typeData},
	"packet": {"nn", typeData}, "gethostname": {"-", typeData}, "gethostbyname": {"s", typeData}, "v6relay": {"nd", typeData},
}

// plain are operands of one word.
var plain = map[string]valueType{
	"known": typeBoolean, "static": typeBoolean, "hardware": typeData, "leased-address": typeData, "client-state": typeNumber,
	"filename": typeData, "server-name": typeData, "lease-time": typeNumber, "null": typeData, "host-decl-name": typeData,
}

// operand reads what stands between operators.
func (p *parser) operand(want valueType) *expression {
	t := p.peek()
	word := t.word()
	_, isPlain := plain[word]
	_, isFunction := functions[word]
	switch {
	case t.is("("):
		return p.inParentheses(want)
	case word == "not":
		p.next()
		if !p.deeper(t) {
			return nil
		}
		defer p.up()
		e := p.operand(typeBoolean)
		if e == nil {
			return nil
		}
		if e.gives != typeBoolean {
			p.bad(t, "not stands before something that isn't true or false", "see dhcp-eval(5)")
			return nil
		}
		return &expression{op: "not", gives: typeBoolean, args: []*expression{e}, at: t}
	case word == "exists" || word == "option" || word == "config-option":
		p.next()
		o, ok := p.optionName(false)
		if !ok {
			return nil
		}
		gives := typeData
		if word == "exists" {
			gives = typeBoolean
		}
		return &expression{op: word, gives: gives, option: o, at: t}
	case isPlain:
		p.next()
		return &expression{op: word, gives: plain[word], at: t}
	case isFunction:
		return p.function(t, word)
	case t.kind == kindText:
		p.next()
		return &expression{op: "const", gives: typeData, data: []byte(t.text), at: t}
	case t.kind == kindNumber && want == typeNumber:
		p.next()
		n, _ := number(t.text, 10)
		return &expression{op: "number", gives: typeNumber, number: int(n), at: t}
	case t.digits():
		octets, ok := p.hexList()
		if !ok {
			return nil
		}
		return &expression{op: "const", gives: typeData, data: octets, at: t}
	case word == "defined":
		return p.isDefined(t)
	case word != "" && !keywords[word]:
		return p.variable(t)
	default:
		p.bad(t, fmt.Sprintf("%s stands where an expression is expected", t), "see dhcp-eval(5)")
		return nil
	}
}

func (p *parser) inParentheses(want valueType) *expression {
	p.next()
	e := p.expression(want)
	if e == nil {
		return nil
	}
	if !p.take(")") {
		p.bad(p.peek(), fmt.Sprintf("%s stands where ) is expected", p.peek()), "close the parenthesis")
		return nil
	}
	return e
}

func (p *parser) isDefined(t *token) *expression {
	p.next()
	name := p.peek()
	if !p.take("(") || !p.variableName() || !p.take(")") {
		p.bad(name, "defined is without a variable's name", "write defined (NAME)")
		return nil
	}
	return &expression{op: "defined", gives: typeBoolean, at: t}
}

// function reads a function's arguments.
func (p *parser) function(t *token, word string) *expression {
	p.next()
	f := functions[word]
	e := &expression{op: word, gives: f.gives, at: t}
	if !p.take("(") {
		p.bad(p.peek(), word+" stands without (", "see dhcp-eval(5)")
		return nil
	}
	for i := 0; ; i++ {
		kind := f.args[min(i, len(f.args)-1)]
		if kind == '+' {
			kind = 'd'
		}
		if !p.argument(e, kind) {
			return nil
		}
		more := i+1 < len(f.args) && f.args[i+1] != '+' // it must be there
		open := strings.HasSuffix(f.args, "+")
		switch {
		case (more || open) && p.take(","):
		case !more && p.take(")"):
			return e
		default:
			p.bad(p.peek(), fmt.Sprintf("%s stands in the arguments of %s", p.peek(), word), "see dhcp-eval(5)")
			return nil
		}
	}
}

func (p *parser) argument(e *expression, kind byte) bool {
	t := p.peek()
	var arg *expression
	switch kind {
	case '-':
		return true
	case 'd':
		arg = p.dataExpression()
	case 'n':
		arg = p.numberExpression()
	case 's':
		if t.kind != kindText {
			return p.bad(t, fmt.Sprintf("%s stands where a name in quotes is expected", t), `write "host.example.com"`)
		}
		p.next()
		return true
	default:
		if t.kind != kindNumber || t.text != "8" && t.text != "16" && t.text != "32" {
			return p.bad(t, fmt.Sprintf("an integer of %s bits isn't known", t), "write 8, 16 or 32")
		}
		p.next()
		n, _ := number(t.text, 10)
		e.number = int(n)
		return true
	}
	if arg == nil {
		return false
	}
	e.args = append(e.args, arg)
	return true
}

// variable reads a variable, or a call of a function that the file defines.
func (p *parser) variable(t *token) *expression {
	p.next()
	if !p.take("(") {
		return &expression{op: "variable", at: t}
	}
	for {
		if p.expression(typeAny) == nil {
			return nil
		}
		if p.take(")") {
			return &expression{op: "call", at: t}
		}
		if !p.take(",") {
			p.bad(p.peek(), fmt.Sprintf("%s stands in the arguments of %s", p.peek(), t), "write , between them and ) behind the last one")
			return nil
		}
	}
}

// variableName takes a word that may be a variable's name.
func (p *parser) variableName() bool {
	if t := p.peek(); !t.name() || keywords[t.word()] {
		return false
	}
	p.next()
	return true
}

// keywords are dhcpd's words that can't be names of variables.
var keywords = func() map[string]bool {
	out := make(map[string]bool)
	for word := range strings.FieldsSeq(`abandoned active add address algorithm all allow and append array at authenticated authenticated authoritative
		backup balance binary-to-ascii binding boolean booting bootp break case check class client-hostname client-identifier client-state
		client-updates clients cltt code commit compressed concat config-option ddns-update-style declines default default-lease-time define
		defined deleted deny domain domain-list domain-name duplicates dynamic dynamic-bootp else elsif encapsulate encode-int error ethernet
		eval execute exists expiry extract-int failover fatal fddi filename fixed-address fixed-address6 fixed-prefix6 free function
		gethostbyname gethostname group hardware hash hba host host-decl-name host-identifier hostname if ignore include infiniband infinite
		info integer interface ip-address ip6-address is key known lcase lease lease-time leased-address leasequery length let limit load local
		log match max max-lease-time max-life mclt members min-lease-time min-secs my name-servers never next-server no not null of on option
		or owner packet peer pick pick-first-value pool pool6 port preferred-life prefix6 prepend primary primary6 range range6 release
		released request reserved return reverse script search secondary secondary6 secret send server-duid server-identifier server-name set
		shared-network signed size space spawn static string subclass subnet subnet6 substring suffix supersede switch temporary text token-ring
		transmission ucase unknown unknown-clients unset unsigned update user-class v6relay v6relopt vendor-class width with zerolen zone debug`) {
		out[word] = true
	}
	return out
}()
