package ddns

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// typeAny asks for records of all types, and is how updates name a whole name (RFC 2136, Section 2.4.4).
const typeAny upkeep.RRType = upkeep.RRType(dns.TypeANY)

// updateMessage is an update as a message (RFC 2136, Sections 2.3 to 2.5).
func updateMessage(zone naming.Name, u *upkeep.Update) *dns.Msg {
	m := new(dns.Msg)
	m.Opcode = dns.OpcodeUpdate
	m.Question = []dns.Question{{Name: zone.String(), Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	for i := range u.Requires {
		p := &u.Requires[i]
		switch {
		case p.Kind == upkeep.NameUnused:
			m.Answer = append(m.Answer, record(p.Name, typeAny, dns.ClassNONE, 0, nil))
		case p.Kind == upkeep.NameUsed:
			m.Answer = append(m.Answer, record(p.Name, typeAny, dns.ClassANY, 0, nil))
		case p.Kind == upkeep.Absent:
			m.Answer = append(m.Answer, record(p.Name, p.Type, dns.ClassNONE, 0, nil))
		case p.Data == nil:
			m.Answer = append(m.Answer, record(p.Name, p.Type, dns.ClassANY, 0, nil))
		default:
			m.Answer = append(m.Answer, record(p.Name, p.Type, dns.ClassINET, 0, p.Data))
		}
	}
	for i := range u.Changes {
		c := &u.Changes[i]
		switch c.Kind {
		case upkeep.AddRecord:
			m.Ns = append(m.Ns, record(c.Name, c.Type, dns.ClassINET, c.TTL, c.Data))
		case upkeep.DeleteRRset:
			m.Ns = append(m.Ns, record(c.Name, c.Type, dns.ClassANY, 0, nil))
		case upkeep.DeleteName:
			m.Ns = append(m.Ns, record(c.Name, typeAny, dns.ClassANY, 0, nil))
		case upkeep.DeleteRecord:
			m.Ns = append(m.Ns, record(c.Name, c.Type, dns.ClassNONE, 0, c.Data))
		}
	}
	return m
}

func record(name naming.Name, kind upkeep.RRType, class uint16, ttl uint32, data []byte) dns.RR {
	header := dns.RR_Header{Name: name.String(), Rrtype: uint16(kind), Class: class, Ttl: ttl}
	return &dns.RFC3597{Hdr: header, Rdata: hex.EncodeToString(data)}
}

// queryMessage asks an authoritative server: nothing is to be looked up elsewhere.
func queryMessage(name naming.Name, kind upkeep.RRType) *dns.Msg {
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: name.String(), Qtype: uint16(kind), Qclass: dns.ClassINET}}
	return m
}

// A request is a message on its way, and what its answer is held against.
type request struct {
	wire     []byte
	id       uint16
	opcode   int
	question dns.Question
	signer   *signer // nil: it isn't signed
}

// newRequest packs and signs a message under an identifier that nobody can guess.
func newRequest(m *dns.Msg, key *Key, now time.Time) (*request, error) {
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails, by its documentation
	m.Id = binary.BigEndian.Uint16(id[:])
	wire, err := m.Pack()
	if err != nil {
		return nil, err
	}
	r := &request{wire: wire, id: m.Id, opcode: m.Opcode, question: m.Question[0]}
	if key != nil {
		r.signer = &signer{key: key}
		if r.wire, err = r.signer.sign(wire, now); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// errStranger says that a message isn't the answer to the request.
var errStranger = errors.New("what comes isn't an answer to what was asked")

// read takes a message as the answer, or one of several.
func (r *request) read(b []byte, now time.Time) (*dns.Msg, error) {
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		return nil, fmt.Errorf("the answer can't be read: %w", err)
	}
	// A server may leave out the sections of an update in its answer (RFC 2136, Section 3.8).
	asked := len(m.Question) == 0 && (r.opcode == dns.OpcodeUpdate || m.Rcode != dns.RcodeSuccess || r.question.Qtype == dns.TypeAXFR) ||
		len(m.Question) == 1 && sameQuestion(m.Question[0], r.question)
	if m.Id != r.id || !m.Response || m.Opcode != r.opcode || !asked {
		return nil, errStranger
	}
	if m.Truncated {
		return m, nil // it is asked for again by TCP, and counts for nothing
	}
	if r.signer != nil {
		if err := r.signer.verify(b, now); err != nil {
			if errors.Is(err, errUnsigned) && m.Rcode != dns.RcodeSuccess {
				err = fmt.Errorf("%w, and says %s: does the server know the key?", err, dns.RcodeToString[m.Rcode])
			}
			return nil, &trustError{err}
		}
	}
	return m, nil
}

// A trustError says why an answer's signature doesn't count.
type trustError struct{ error }

func (e *trustError) Unwrap() error { return e.error }

func sameQuestion(a, b dns.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && sameName(a.Name, b.Name)
}

// sameName compares names as text, whose octets may be escaped in several ways.
func sameName(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	one, err := naming.ParseName(a)
	if err != nil {
		return false
	}
	other, err := naming.ParseName(b)
	return err == nil && string(one) == string(other)
}

// A Record is one of a zone's. Its names are in lower case, also those in the data of a PTR, CNAME or DNAME record.
type Record struct {
	Name naming.Name
	Type upkeep.RRType
	TTL  uint32 // seconds
	Data []byte // in wire form; names in it aren't compressed
}

// readRecord takes a record out of a message.
func readRecord(rr dns.RR) (Record, error) {
	h := rr.Header()
	buffer := make([]byte, naming.MaxName+10+dns.Len(rr))
	n, err := dns.PackRR(rr, buffer, 0, nil, false)
	if err != nil {
		return Record{}, fmt.Errorf("a record of %s can't be read: %w", h.Name, err)
	}
	at := skipName(buffer[:n], 0)
	if at < 0 || at+10 > n {
		return Record{}, errShort
	}
	r := Record{Name: lower(buffer[:at:at]), Type: upkeep.RRType(h.Rrtype), TTL: h.Ttl, Data: buffer[at+10 : n : n]}
	switch h.Rrtype {
	case dns.TypePTR, dns.TypeCNAME, dns.TypeDNAME:
		r.Data = lower(r.Data)
	}
	return r, nil
}

// lower makes a name lower case, in place. The lengths of its labels are less than any letter.
func lower(name []byte) []byte {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c + 'a' - 'A'
		}
	}
	return name
}
