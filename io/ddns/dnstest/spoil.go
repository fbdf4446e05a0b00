package dnstest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/miekg/dns"
)

// spoil packs and signs an answer, with a fault.
func (s *Server) spoil(m, r *dns.Msg, fault Fault) [][]byte {
	key := s.Key
	signature := &dns.TSIG{TimeSigned: uint64(time.Now().Unix())}
	switch fault {
	case LoseReply:
		return nil
	case Garbage:
		return [][]byte{[]byte("no DNS at all")}
	case Refuse:
		m.Rcode = dns.RcodeRefused
	case Fail:
		m.Rcode = dns.RcodeServerFailure
	case WrongID:
		m.Id++
	case WrongZone:
		m.Question = []dns.Question{{Name: "elsewhere.example.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	case OtherOpcode:
		m.Opcode = dns.OpcodeNotify
	case Truncate:
		m.Truncated = true
	case Unsigned:
		key = Key{}
	case OtherSecret:
		key.Secret = base64.StdEncoding.EncodeToString([]byte("another secret of thirty-two oct"))
	case OtherKey:
		key.Name = "other." + key.Name
	case OldSignature:
		signature.TimeSigned -= 3600
	case BadTime:
		m.Rcode, signature.Error = dns.RcodeNotAuth, dns.RcodeBadTime
		signature.TimeSigned = r.IsTsig().TimeSigned
		theirs := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()+3600))[2:]
		signature.OtherLen, signature.OtherData = 6, hex.EncodeToString(theirs)
	case BadKey:
		m.Rcode, signature.Error = dns.RcodeNotAuth, dns.RcodeBadKey
	case BadSignature:
		m.Rcode, signature.Error = dns.RcodeNotAuth, dns.RcodeBadSig
	case ForgedFirst:
		forged := m.Copy()
		forged.Rcode = dns.RcodeRefused
		return append(s.spoil(forged, r, OtherSecret), s.spoil(m, r, None)...)
	}
	return [][]byte{signed(m, r, key, signature)}
}

// signed packs an answer, with a signature where there is a key and the request had one.
func signed(m, r *dns.Msg, key Key, signature *dns.TSIG) []byte {
	asked := r.IsTsig()
	if key.Name == "" || asked == nil {
		out, err := m.Pack()
		if err != nil {
			panic(err) // the test's own answer
		}
		return out
	}
	signature.Hdr = dns.RR_Header{Name: key.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY}
	signature.Algorithm, signature.Fudge, signature.OrigId = key.Algorithm, 300, m.Id
	m.Extra = append(m.Extra, signature)
	out, _, err := dns.TsigGenerate(m, key.Secret, asked.MAC, false)
	if err != nil {
		panic(err) // the test's own key
	}
	return out
}
