package dnstest

import (
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// Zones are zones in memory, as their primary server keeps them: Handle, for a Server's, answers updates (RFC 2136, Section 3), queries and
// transfers (RFC 5936). They hold SOA records, and what updates add.
type Zones struct {
	mu      sync.Mutex
	names   []string
	records []dns.RR
	closed  bool
}

// NewZones makes zones of these names, with last dots and in lower case.
func NewZones(names ...string) *Zones { return &Zones{names: names} }

// Close has transfers refused from now on.
func (z *Zones) Close() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.closed = true
}

// Put adds a record, as somebody does by hand.
func (z *Zones) Put(record string) error {
	rr, err := dns.NewRR(record)
	if err != nil {
		return err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.add(rr)
	return nil
}

// Texts are all records, sorted: the owner's name, the type and the data.
func (z *Zones) Texts() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	texts := []string{}
	for _, rr := range z.records {
		h := rr.Header()
		texts = append(texts, h.Name+" "+dns.TypeToString[h.Rrtype]+" "+strings.TrimPrefix(rr.String(), h.String()))
	}
	slices.Sort(texts)
	return texts
}

// Handle answers a request.
func (z *Zones) Handle(r *dns.Msg) *dns.Msg {
	z.mu.Lock()
	defer z.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(r)
	asked := r.Question[0]
	name := strings.ToLower(asked.Name)
	switch {
	case r.Opcode == dns.OpcodeUpdate && !slices.Contains(z.names, name):
		m.Rcode = dns.RcodeNotAuth
	case r.Opcode == dns.OpcodeUpdate:
		if m.Rcode = z.unmet(r.Answer); m.Rcode == dns.RcodeSuccess {
			z.update(r.Ns)
		}
	case asked.Qtype == dns.TypeAXFR:
		z.transfer(m, name)
	default:
		m.Authoritative = true
		m.Answer = z.of(func(rr dns.RR) bool {
			return isOf(rr, name, asked.Qtype) || isOf(rr, name, dns.TypeCNAME)
		})
		if len(m.Answer) == 0 && len(z.of(func(rr dns.RR) bool { return isOf(rr, name, dns.TypeANY) })) == 0 {
			m.Rcode = dns.RcodeNameError
		}
	}
	return m
}

func isOf(rr dns.RR, name string, kind uint16) bool {
	h := rr.Header()
	return strings.EqualFold(h.Name, name) && (kind == dns.TypeANY || h.Rrtype == kind)
}

// of are the records that fit.
func (z *Zones) of(fits func(dns.RR) bool) (found []dns.RR) {
	for _, rr := range z.records {
		if fits(rr) {
			found = append(found, rr)
		}
	}
	return found
}

// transfer answers with a whole zone in one message.
func (z *Zones) transfer(m *dns.Msg, zone string) {
	if z.closed || !slices.Contains(z.names, zone) {
		m.Rcode = dns.RcodeRefused
		return
	}
	soa := &dns.SOA{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60}, Ns: "ns.invalid.", Mbox: "hostmaster.invalid.", Serial: 1}
	m.Authoritative = true
	m.Answer = append([]dns.RR{soa}, z.of(func(rr dns.RR) bool { return dns.IsSubDomain(zone, rr.Header().Name) })...)
	m.Answer = append(m.Answer, soa)
}

// unmet is the answer where a prerequisite isn't met (RFC 2136, Section 3.2). An RRset that is required has one record, as is
// all that is required here.
func (z *Zones) unmet(requires []dns.RR) int {
	for _, want := range requires {
		h := want.Header()
		there := z.of(func(rr dns.RR) bool { return isOf(rr, h.Name, h.Rrtype) })
		name := h.Rrtype == dns.TypeANY
		switch {
		case h.Class == dns.ClassANY && len(there) == 0 && name:
			return dns.RcodeNameError
		case h.Class == dns.ClassANY && len(there) == 0:
			return dns.RcodeNXRrset
		case h.Class == dns.ClassNONE && len(there) > 0 && name:
			return dns.RcodeYXDomain
		case h.Class == dns.ClassNONE && len(there) > 0:
			return dns.RcodeYXRrset
		case h.Class == dns.ClassINET && (len(there) != 1 || !dns.IsDuplicate(there[0], want)):
			return dns.RcodeNXRrset
		}
	}
	return dns.RcodeSuccess
}

// update makes changes (RFC 2136, Section 3.4.2).
func (z *Zones) update(changes []dns.RR) {
	for _, change := range changes {
		h := change.Header()
		if h.Class == dns.ClassINET {
			z.add(change)
			continue
		}
		only := h.Class == dns.ClassNONE // this one record
		change := dns.Copy(change)
		change.Header().Class = dns.ClassINET
		z.records = slices.DeleteFunc(z.records, func(rr dns.RR) bool {
			return isOf(rr, h.Name, h.Rrtype) && (!only || dns.IsDuplicate(rr, change))
		})
	}
}

// add adds a record, or gives it another TTL. Beside a CNAME record there is no other one.
func (z *Zones) add(record dns.RR) {
	h := record.Header()
	if len(z.of(func(rr dns.RR) bool { return isOf(rr, h.Name, dns.TypeCNAME) })) > 0 {
		return
	}
	z.records = slices.DeleteFunc(z.records, func(rr dns.RR) bool { return dns.IsDuplicate(rr, record) })
	z.records = append(z.records, record)
}

// Drop takes all records of a name away, as somebody does by hand.
func (z *Zones) Drop(name string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = slices.DeleteFunc(z.records, func(rr dns.RR) bool { return isOf(rr, name, dns.TypeANY) })
}
