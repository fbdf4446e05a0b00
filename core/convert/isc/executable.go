package isc

import "fmt"

// executable reads a statement that dhcpd executes for each message, or a parameter.
func (p *parser) executable(t *token, s *scope) {
	switch word := t.word(); word {
	case "if":
		p.next()
		if p.conditional() {
			s.odd(t.at, "if", "there are no statements that are executed for a message; what depends on the client's message can be a class")
		}
	case "supersede", "default", "append", "prepend", "send":
		p.next()
		if o, ok := p.optionName(false); ok {
			verb := word
			if verb == "supersede" || verb == "send" {
				verb = ""
			}
			p.assign(t, s, verb, o)
		}
	case "on", "switch", "set", "define", "unset", "eval", "execute", "return", "log", "add", "break":
		if p.action() {
			why := "there are no statements that are executed for a message"
			if word == "on" || word == "execute" {
				why = "hooks run a program when leases change"
			}
			s.odd(t.at, word, why)
		}
	default:
		p.parameter(t, s)
	}
}

// parameter reads a parameter of the server, or a call of a function.
func (p *parser) parameter(t *token, s *scope) {
	if o := p.spaces["server"].names[t.word()]; o != nil {
		p.next()
		p.assign(t, s, "", o)
		return
	}
	if w := t.word(); w == "" || keywords[w] {
		p.next()
		if t.kind != kindEnd && !t.is(";") && !t.is("}") {
			p.skip()
		}
		p.fail(t, fmt.Sprintf("%s isn't known here", t), "see dhcpd.conf(5) for what can stand in a "+s.kind.String())
		return
	}
	next := &token{}
	if p.at+1 < len(p.tokens) {
		next = &p.tokens[p.at+1]
	}
	if w := next.word(); next.kind != kindMark && w != "and" && w != "or" || next.is("{") {
		p.bad(t, t.text+" isn't known", "is it misspelt? See dhcpd.conf(5)")
		return
	}
	if p.expression(typeData) != nil && p.semi() {
		s.odd(t.at, t.text, "to dhcpd it is an expression that does nothing; is it misspelt?")
	}
}

// action reads a statement that does something, beginning with its word.
func (p *parser) action() bool {
	word := p.next().word()
	switch word {
	case "on":
		return p.onEvent()
	case "switch":
		return p.switched()
	case "set", "define":
		return p.set(word)
	case "unset":
		return p.variable1() && p.semi()
	case "eval", "return":
		return p.expression(typeData) != nil && p.semi()
	case "execute":
		return p.execute()
	case "log":
		return p.log()
	case "add":
		name := p.next()
		if name.kind != kindText || p.classes[name.text] == nil {
			return p.bad(name, fmt.Sprintf("there is no class %s", name), "declare it before this line")
		}
		return p.semi()
	default:
		return p.semi() // break
	}
}

// statements reads executable statements in braces, those of a switch with its cases.
func (p *parser) statements(cases bool) bool {
	open := p.peek()
	if !p.take("{") {
		return p.bad(open, fmt.Sprintf("%s stands where { is expected", open), "write { before it")
	}
	if !p.deeper(open) {
		return false
	}
	defer p.up()
	for {
		t := p.peek()
		switch word := t.word(); {
		case p.take("}"):
			return true
		case t.kind == kindEnd:
			return p.fail(t, fmt.Sprintf("the file ends inside of the braces that open in line %d", open.at.Line), "close them with }")
		case cases && word == "case":
			p.next()
			if p.expression(typeData) == nil {
				return false
			}
			if !p.take(":") {
				return p.bad(p.peek(), "case stands without :", "write case VALUE:")
			}
		case cases && word == "default" && p.at+1 < len(p.tokens) && p.tokens[p.at+1].is(":"):
			p.at += 2
		case word == "option":
			p.next()
			if o, ok := p.optionName(false); ok {
				p.assign(t, &scope{}, "", o)
			}
		case word == "zone" || word == "key" || word == "include" || word == "host" || word == "subnet6":
			return p.bad(t, t.text+" can't stand in executed statements", "move it out of the braces")
		case word == "allow" || word == "deny" || word == "ignore":
			p.allowDeny(t, &scope{})
		default:
			from := p.at
			p.executable(t, &scope{})
			if p.at == from {
				p.at++
			}
		}
	}
}

// conditional reads the rest of if: a condition, statements, and else or elsif.
func (p *parser) conditional() bool {
	paren := p.take("(")
	if p.booleanExpression() == nil {
		return false
	}
	if paren && !p.take(")") {
		return p.bad(p.peek(), fmt.Sprintf("%s stands where ) is expected", p.peek()), "close the parenthesis")
	}
	if !p.statements(false) {
		return false
	}
	switch t := p.peek(); {
	case p.takeWord("elsif"):
		return p.otherwise(t)
	case p.takeWord("else"):
		if p.takeWord("if") {
			return p.otherwise(t)
		}
		return p.statements(false)
	}
	return true
}

func (p *parser) otherwise(t *token) bool {
	if !p.deeper(t) {
		return false
	}
	defer p.up()
	return p.conditional()
}

func (p *parser) onEvent() bool {
	for {
		switch t := p.next(); t.word() {
		case "expiry", "commit", "release", "transmission":
		default:
			return p.bad(t, fmt.Sprintf("there is no event %s", t), "write on commit, on release or on expiry")
		}
		if !p.takeWord("or") {
			break
		}
	}
	return p.take(";") || p.statements(false)
}

func (p *parser) switched() bool {
	if !p.take("(") {
		return p.bad(p.peek(), "switch stands without (", "write switch (option ...) { case ...: }")
	}
	if p.expression(typeData) == nil {
		return false
	}
	if !p.take(")") {
		return p.bad(p.peek(), fmt.Sprintf("%s stands where ) is expected", p.peek()), "close the parenthesis")
	}
	return p.statements(true)
}

// variable1 takes a variable's name.
func (p *parser) variable1() bool {
	t := p.peek()
	return p.variableName() || p.bad(t, fmt.Sprintf("%s can't be a variable's name", t), "use another name")
}

func (p *parser) set(word string) bool {
	if !p.variable1() {
		return false
	}
	if !p.take("(") {
		if !p.take("=") {
			return p.bad(p.peek(), word+" stands without =", "write "+word+" NAME = EXPRESSION;")
		}
		return p.expression(typeAny) != nil && p.semi()
	}
	for !p.take(")") {
		if !p.variable1() {
			return false
		}
		if !p.take(",") && !p.peek().is(")") {
			return p.bad(p.peek(), fmt.Sprintf("%s stands between the arguments' names", p.peek()), "write , between them")
		}
	}
	return p.statements(false)
}

func (p *parser) execute() bool {
	if !p.take("(") {
		return p.bad(p.peek(), "execute stands without (", `write execute ("/path", ...);`)
	}
	if t := p.next(); t.kind != kindText {
		return p.bad(t, fmt.Sprintf("%s stands where a program's path is expected", t), "write it in quotes")
	}
	for p.take(",") {
		if p.dataExpression() == nil {
			return false
		}
	}
	if !p.take(")") {
		return p.bad(p.peek(), fmt.Sprintf("%s stands where ) is expected", p.peek()), "close the parenthesis")
	}
	return p.semi()
}

func (p *parser) log() bool {
	if !p.take("(") {
		return p.bad(p.peek(), "log stands without (", `write log (info, "text");`)
	}
	switch p.peek().word() {
	case "fatal", "error", "debug", "info":
		p.next()
		if !p.take(",") {
			return p.bad(p.peek(), fmt.Sprintf("%s stands where , is expected", p.peek()), `write log (info, "text");`)
		}
	}
	if p.peek().is(")") {
		p.skip() // dhcpd leaves out such a statement without a word
		return true
	}
	if p.dataExpression() == nil {
		return false
	}
	if !p.take(")") {
		return p.bad(p.peek(), fmt.Sprintf("%s stands where ) is expected", p.peek()), "close the parenthesis")
	}
	return p.semi()
}
