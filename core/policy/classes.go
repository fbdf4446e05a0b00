package policy

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/class"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Classes are what a policy has for kinds of clients. Members counts them as Config.Classes does, and the lists are in that order,
// which is the order in which they count.
type Classes struct {
	Set      *class.Set
	Names    []string
	Denied   []int // those whose members get no answer
	Timed    []int // those with lifetimes
	Optioned []int // those with options or boot files
	terms    []Terms
	options  []Options
}

// Terms are the lifetimes of a client's leases, and what follows from them.
type Terms struct {
	config.Lifetimes
	RenewCache uint32 // seconds after its write in which a binding is reported without another one; 0: never
}

// Terms are the terms of a class's members.
func (c *Classes) Terms(class int) *Terms { return &c.terms[class] }

// Options are a class's own options.
func (c *Classes) Options(class int) *Options { return &c.options[class] }

// classes compiles what links share.
func (c *compiler) classes() {
	to := &c.p.Classes
	to.Set = class.Compile(c.cfg.Classes)
	to.terms, to.options = make([]Terms, len(c.cfg.Classes)), make([]Options, len(c.cfg.Classes))
	for i := range c.cfg.Classes {
		from := &c.cfg.Classes[i]
		to.Names = append(to.Names, from.Name)
		if from.Deny {
			to.Denied = append(to.Denied, i)
		}
		if from.Lifetimes != nil {
			to.Timed = append(to.Timed, i)
			to.terms[i] = c.termsOf(*from.Lifetimes)
		}
		if len(from.Options)+len(from.Boot) > 0 {
			to.Optioned = append(to.Optioned, i)
			to.options[i] = c.options(fmt.Sprintf("classes[%d].options", i), from.Options, Options{})
			to.options[i].boot = bootLists(from.Boot)
		}
	}
}

func (c *compiler) termsOf(l config.Lifetimes) Terms {
	t := Terms{Lifetimes: l}
	if t1 := l.Renew; t1 != wire.Infinity { // a client that never renews has no pace to take a share of
		t.RenewCache = uint32(c.cfg.Store.RenewCache * float64(t1))
	}
	return t
}

// longest notes the longest that any client of the link is told, of whatever class it is; poolOwn notes it of pools.
func (c *compiler) longest(l *Link) {
	l.lasts(&l.Terms)
	for _, i := range c.p.Classes.Timed {
		l.lasts(&c.p.Classes.terms[i])
	}
}

// lasts notes terms that clients of the link are told.
func (l *Link) lasts(t *Terms) {
	l.LongestValid, l.LongestRenew = max(l.LongestValid, t.Valid), max(l.LongestRenew, t.Renew)
	overdue := t.Valid
	if t1 := t.Renew; t1 > 0 && t1 < wire.Infinity/2 {
		overdue = t1 + t1/2
	}
	l.Overdue = max(l.Overdue, overdue)
}
