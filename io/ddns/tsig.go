package ddns

import (
	"crypto/hmac"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// fudge is by how many seconds the clocks may differ (RFC 8945, Section 10: 300).
const fudge = 300

// headerSize is how long a message's header is.
const headerSize = 12

// errUnsigned says that an answer carries no TSIG record.
var errUnsigned = errors.New("the answer isn't signed")

// A signer signs one request and verifies all messages of its answer, in their order. It isn't safe for concurrent use.
//
// The library's verification isn't used: it refuses every answer with RCODE NOTAUTH unseen, such as that for a zone that the
// server doesn't have and that of a clock that is wrong, and it knows no answers of which only some messages are signed.
type signer struct {
	key     *Key
	mac     []byte // the last: of the request, or of the last signed message of the answer
	pending []byte // messages since then that weren't signed (RFC 8945, Section 5.3.1)
	signed  bool   // a message of the answer was
}

// sign appends a TSIG record to a message (RFC 8945, Section 5.1).
func (s *signer) sign(message []byte, now time.Time) ([]byte, error) {
	t := &dns.TSIG{
		Hdr:       dns.RR_Header{Name: s.key.Name.String(), Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: s.key.Algorithm + ".", TimeSigned: uint64(now.Unix()), Fudge: fudge, OrigId: binary.BigEndian.Uint16(message),
	}
	mac, err := s.digest(message, t, false)
	if err != nil {
		return nil, err
	}
	t.MAC, t.MACSize = hex.EncodeToString(mac), uint16(len(mac))
	record := make([]byte, dns.Len(t)+1)
	n, err := dns.PackRR(t, record, 0, nil, false)
	if err != nil {
		return nil, err
	}
	s.mac, s.signed = mac, false
	out := append(append([]byte(nil), message...), record[:n]...)
	binary.BigEndian.PutUint16(out[10:], binary.BigEndian.Uint16(message[10:])+1)
	return out, nil
}

// digest is the MAC of a message without its TSIG record (RFC 8945, Section 4.3).
func (s *signer) digest(message []byte, t *dns.TSIG, timersOnly bool) ([]byte, error) {
	h := hmac.New(algorithms[s.key.Algorithm], s.key.Secret)
	if s.mac != nil {
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(s.mac))))
		h.Write(s.mac)
	}
	h.Write(s.pending)
	h.Write(message)
	timers := binary.BigEndian.AppendUint64(nil, t.TimeSigned)[2:] // 48 bits
	timers = binary.BigEndian.AppendUint16(timers, t.Fudge)
	if timersOnly {
		h.Write(timers)
		return h.Sum(nil), nil
	}
	other, err := hex.DecodeString(t.OtherData)
	if err != nil {
		return nil, err
	}
	variables := append([]byte(nil), s.key.Name...)
	variables = append(variables, 0, dns.ClassANY, 0, 0, 0, 0)
	variables = append(variables, byte(len(s.key.Algorithm)))
	variables = append(append(variables, s.key.Algorithm...), 0)
	variables = append(variables, timers...)
	variables = binary.BigEndian.AppendUint16(variables, t.Error)
	variables = binary.BigEndian.AppendUint16(variables, uint16(len(other)))
	h.Write(append(variables, other...))
	return h.Sum(nil), nil
}

// verify checks a message of the answer (RFC 8945, Section 5.4). A later message of several needn't be signed; the last must be,
// which is the caller's to ask.
func (s *signer) verify(message []byte, now time.Time) error {
	end, t, err := splitTSIG(message)
	switch {
	case err != nil:
		return err
	case t == nil && s.signed && len(s.pending)+len(message) <= maxUnsigned:
		s.pending = append(s.pending, message...)
		return nil
	case t == nil:
		return errUnsigned
	case !sameName(t.Hdr.Name, s.key.Name.String()) || !sameName(t.Algorithm, s.key.Algorithm+"."):
		return fmt.Errorf("the answer is signed with key %s and algorithm %s, and not with %s and %s", t.Hdr.Name, t.Algorithm, s.key.Name, s.key.Algorithm)
	case t.Error == dns.RcodeBadKey:
		return fmt.Errorf("BADKEY: the server doesn't know key %s with algorithm %s; give it the same", s.key.Name, s.key.Algorithm)
	case t.Error == dns.RcodeBadSig:
		return fmt.Errorf("BADSIG: the server has another secret for key %s; give both the same", s.key.Name)
	}
	stripped := append([]byte(nil), message[:end]...)
	binary.BigEndian.PutUint16(stripped, t.OrigId)
	binary.BigEndian.PutUint16(stripped[10:], binary.BigEndian.Uint16(stripped[10:])-1)
	want, err := s.digest(stripped, t, s.signed)
	if err != nil {
		return err
	}
	if got, err := hex.DecodeString(t.MAC); err != nil || !hmac.Equal(want, got) {
		return fmt.Errorf("the answer's signature isn't one of key %s: its secret differs, or the answer was forged", s.key.Name)
	}
	if err := checkTime(t, now); err != nil {
		return err // and nothing has changed: the same request may be sent again
	}
	s.mac, s.pending, s.signed = want, s.pending[:0], true
	return nil
}

// checkTime says whose clock is wrong by how much (RFC 8945, Section 5.2.3); after the signature was verified.
func checkTime(t *dns.TSIG, now time.Time) error {
	theirs := time.Unix(int64(t.TimeSigned), 0)
	word := ""
	if t.Error == dns.RcodeBadTime {
		word = "BADTIME: "
		if other, err := hex.DecodeString(t.OtherData); err == nil && len(other) == 6 {
			theirs = time.Unix(int64(binary.BigEndian.Uint64(append([]byte{0, 0}, other...))), 0)
		}
	}
	apart := theirs.Sub(now).Truncate(time.Second)
	if word == "" && apart.Abs() <= time.Duration(t.Fudge)*time.Second {
		if t.Error != 0 {
			return fmt.Errorf("the server answers the signature with error %s", dns.RcodeToString[int(t.Error)])
		}
		return nil
	}
	return fmt.Errorf("%sthe server's clock says %s and this host's %s, %v apart, and a signature allows %d s; set the clocks",
		word, theirs.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), apart.Abs(), fudge)
}

// maxUnsigned bounds what an answer may send between two signatures: 100 messages (RFC 8945, Section 5.3.1).
const maxUnsigned = 100 * dns.MaxMsgSize

// splitTSIG finds a message's TSIG record, which is the last of its last section; nil: there is none.
func splitTSIG(message []byte) (end int, t *dns.TSIG, err error) {
	if len(message) < headerSize {
		return 0, nil, errShort
	}
	at := headerSize
	count := func(i int) int { return int(binary.BigEndian.Uint16(message[i:])) }
	for range count(4) {
		if at = skipName(message, at); at < 0 || at+4 > len(message) {
			return 0, nil, errShort
		}
		at += 4
	}
	records := count(6) + count(8) + count(10)
	for i := range records {
		start := at
		if at = skipName(message, at); at < 0 || at+10 > len(message) {
			return 0, nil, errShort
		}
		kind := count(at)
		if at += 10 + count(at+8); at > len(message) {
			return 0, nil, errShort
		}
		if kind != int(dns.TypeTSIG) {
			continue
		}
		record, _, err := dns.UnpackRR(message, start)
		if t, ok := record.(*dns.TSIG); ok && err == nil && i == records-1 && count(10) > 0 && at == len(message) {
			return start, t, nil
		}
		return 0, nil, errors.New("the answer's TSIG record isn't its last, or is broken")
	}
	return at, nil, nil
}

// errShort says that a message ends early.
var errShort = errors.New("the message ends before its records do")

// skipName is where the name at a place ends; negative: beyond the message.
func skipName(message []byte, at int) int {
	for at < len(message) {
		size := int(message[at])
		switch {
		case size == 0:
			return at + 1
		case size >= 0xc0:
			return at + 2
		}
		at += 1 + size
	}
	return -1
}
