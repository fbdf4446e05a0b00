package isc

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// A scopeKind is what a pair of braces belongs to.
type scopeKind uint8

const (
	scopeRoot scopeKind = iota
	scopeGroup
	scopeShared
	scopeSubnet
	scopePool
	scopeClass // a class, or a subclass
	scopeHost
	scopeAside // statements that are executed for certain messages only
)

// A scope is what stands in one pair of braces, and in the file as a whole.
type scope struct {
	kind   scopeKind
	at     draft.Place
	name   string
	parent *scope

	settings []setting
	oddities []oddity
	inner    []*scope // in the order of the file

	onInterface string       // of a link; "": it isn't said
	prefix      netip.Prefix // of a subnet
	ipv4        bool         // of a subnet or pool: it is of DHCPv4
	ranges      []rangeOf    // of a subnet or pool
	allow       []permission // of a pool
	deny        []permission
	class       *classBody
	host        *hostBody
}

// A setting gives an option or a parameter its value.
type setting struct {
	at     draft.Place
	verb   string // "", default, append, prepend, send
	option *option
	data   []byte // as it is sent
	fixed  bool   // the value doesn't depend on the message
}

// An oddity is what has no equal here, or what is worth knowing.
type oddity struct {
	at        draft.Place
	what, why string
	note      bool
}

// A rangeOf is what range6 or prefix6 say.
type rangeOf struct {
	at          draft.Place
	first, last netip.Addr
	length      int // of a delegated prefix; 128: addresses
	temporary   bool
	pieces      []span // what of it is in its pool
}

// A permission is what allow or deny in a pool say.
type permission struct {
	at    draft.Place
	what  string // known, unknown, all, members, or other words of dhcpd
	class *scope // of members
}

// A classBody is whom a class takes.
type classBody struct {
	match    *expression // `match if`
	submatch *expression // `match`, or `spawn with`
	spawns   bool
	super    *scope // of a subclass
	value    []byte // of a subclass
	subs     []*scope
	branch   bool // it is a branch of an if
}

// A hostBody is for whom a host declaration is, and what it reserves.
type hostBody struct {
	hardware   []byte // nil: none
	ethernet   bool
	identifier *option
	relay      int // of the identifier: which relay's; -1: it is the client's
	value      []byte
	addresses  []netip.Addr // given by fixed-address6
	prefixes   []netip.Prefix
	ipv4       bool // it has an address of DHCPv4
}

func (s *scope) odd(at draft.Place, what, why string) {
	s.oddities = append(s.oddities, oddity{at: at, what: what, why: why})
}

func (s *scope) note(at draft.Place, what, why string) {
	s.oddities = append(s.oddities, oddity{at: at, what: what, why: why, note: true})
}

// network is the shared network or the subnet that the scope stands in, itself included; nil: none.
func (s *scope) network() *scope {
	for ; s != nil; s = s.parent {
		if s.kind == scopeShared || s.kind == scopeSubnet {
			return s
		}
	}
	return nil
}
