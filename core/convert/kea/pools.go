package kea

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// pool is a range of addresses or of prefixes.
type pool struct {
	*value
	first, last netip.Addr
	shown       string // as our configuration has it
	delegated   int    // length of the delegated prefixes; 0: addresses
	excluded    netip.Prefix
}

// readPools reads the pools of a subnet, and finds what Kea refuses of them.
func (t *translator) readPools(s *subnet) {
	for _, v := range s.list("pools") {
		if p := t.readPool(v, s); p != nil {
			t.addPool(s, p)
		}
	}
	for _, v := range s.list("pd-pools") {
		if p := t.readPrefixPool(v); p != nil {
			t.addPool(s, p)
		}
	}
}

func (t *translator) addPool(s *subnet, p *pool) {
	t.readOptions(p.value)
	for _, o := range s.pools {
		if (o.delegated > 0) == (p.delegated > 0) && !p.last.Less(o.first) && !o.last.Less(p.first) {
			t.refuse(p.at, fmt.Sprintf("pool %s overlaps with pool %s of the same subnet", p.shown, o.shown), "")
			return
		}
	}
	s.pools = append(s.pools, p)
}

func (t *translator) readPool(v *value, s *subnet) *pool {
	f := v.get("pool")
	if f == nil {
		t.refuse(v.at, "a pool has no range", `give it "pool": "FIRST - LAST"`)
		return nil
	}
	p := &pool{value: v}
	if from, to, ok := strings.Cut(f.text, "-"); ok {
		var err, err2 error
		p.first, err = parseAddr(from)
		p.last, err2 = parseAddr(to)
		if err != nil || err2 != nil || p.last.Less(p.first) {
			t.refuse(f.at, fmt.Sprintf("pool %q isn't a range of IPv6 addresses", f.text), "write FIRST - LAST, or a prefix")
			return nil
		}
		p.shown = p.first.String() + "-" + p.last.String()
	} else {
		prefix, err := parsePrefix(f.text)
		if err != nil {
			t.refuse(f.at, fmt.Sprintf("pool %q isn't a range of IPv6 addresses", f.text), "write FIRST - LAST, or a prefix")
			return nil
		}
		p.first, p.last, p.shown = prefix.Addr(), lastOf(prefix), prefix.String()
	}
	if !s.prefix.Contains(p.first) || !s.prefix.Contains(p.last) {
		t.refuse(f.at, fmt.Sprintf("pool %s isn't in its subnet %v", p.shown, s.prefix), "")
		return nil
	}
	return p
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Addr().As16()
	for bit := p.Bits(); bit < 128; bit++ {
		octets[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom16(octets)
}

func (t *translator) readPrefixPool(v *value) *pool {
	prefix, length, delegated := v.get("prefix"), v.get("prefix-len"), v.get("delegated-len")
	if prefix == nil || length == nil || delegated == nil {
		t.refuse(v.at, "a pd-pool lacks its prefix, prefix-len or delegated-len", "give all three")
		return nil
	}
	whole, err := parsePrefix(fmt.Sprintf("%s/%d", prefix.text, length.number))
	switch {
	case err != nil:
		t.refuse(prefix.at, "pd-pool: "+err.Error(), "")
		return nil
	case delegated.number < length.number || delegated.number > 128:
		t.refuse(delegated.at, fmt.Sprintf("delegated-len %d must be between prefix-len %d and 128", delegated.number, length.number), "")
		return nil
	}
	p := &pool{value: v, first: whole.Addr(), last: lastOf(whole), shown: whole.String(), delegated: int(delegated.number)}
	return p.readExcluded(t, whole)
}

// readExcluded reads the prefix that is kept out of each delegated one. Its bits behind the delegated length are what counts.
func (p *pool) readExcluded(t *translator, whole netip.Prefix) *pool {
	f, length := p.get("excluded-prefix"), p.get("excluded-prefix-len")
	if f == nil || f.text == "" || length == nil || length.number == 0 {
		skip(p.value, "excluded-prefix", "excluded-prefix-len")
		return p
	}
	excluded, err := parsePrefix(fmt.Sprintf("%s/%d", f.text, length.number))
	switch {
	case err != nil:
		t.refuse(f.at, "excluded-prefix: "+err.Error(), "")
		return nil
	case excluded.Bits() <= p.delegated:
		t.refuse(length.at, fmt.Sprintf("excluded-prefix-len %d must be greater than delegated-len %d", excluded.Bits(), p.delegated), "")
		return nil
	case !netip.PrefixFrom(whole.Addr(), p.delegated).Contains(excluded.Addr()):
		t.refuse(f.at, fmt.Sprintf("excluded-prefix %v isn't in the first delegated prefix %v/%d", excluded, whole.Addr(), p.delegated), "")
		return nil
	}
	p.excluded = excluded
	return p
}

// put writes the pool into the lists of a link.
func (t *translator) putPool(l *link, s *subnet, p *pool) {
	kind, setting := "addresses", "allocator"
	if p.delegated > 0 {
		kind, setting = "prefixes", "pd-allocator"
	}
	list := l.out.List(kind)
	t.remarks(list, p.value)
	n := draft.Map().From(p.at)
	n.Set("pool", draft.Text(p.shown))
	if p.delegated > 0 {
		n.Set("length", draft.Number(p.delegated))
	}
	if p.excluded.IsValid() {
		t.putExcluded(n, list, p)
	}
	t.gatePool(n, list, l, s, p)
	if f := inherited(setting, s.value, s.net, t.kea); f != nil && f.text != "iterative" {
		n.Set("allocation", draft.Text("hash"))
		if f.text == "flq" {
			t.d.Changed(list, f.at, setting+" flq", "the free lease is computed from the client's identity, and not taken from a queue")
		}
	}
	skip(p.value, "pool-id")
	t.poolTerms(n, list, s, p)
	list.Append(n)
}

// putExcluded writes the excluded prefix by its number among the subprefixes.
func (t *translator) putExcluded(n, list *draft.Node, p *pool) {
	octets := p.excluded.Addr().As16()
	id := new(big.Int).SetBytes(octets[:])
	id.Rsh(id, uint(128-p.excluded.Bits()))
	mask := new(big.Int).Lsh(big.NewInt(1), uint(p.excluded.Bits()-p.delegated))
	id.And(id, mask.Sub(mask, big.NewInt(1)))
	if !id.IsUint64() {
		t.lost(list, p.value, "excluded-prefix", "its number has more than 64 bits")
		return
	}
	e := n.Map("excluded-prefix")
	e.Set("length", draft.Number(p.excluded.Bits()))
	e.Set("id", draft.Number(id.Uint64()))
}
