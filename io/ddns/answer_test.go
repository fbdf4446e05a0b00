package ddns

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// Whatever comes from the network: no panic, and what isn't signed isn't believed.
func FuzzAnswer(f *testing.F) {
	key := &Key{Name: naming.Name("\x01k\x00"), Algorithm: "hmac-sha256", Secret: testSecret}
	now := time.Unix(1<<30, 0)
	query := queryMessage(naming.Name("\x07example\x00"), upkeep.TypeAAAA)
	r, err := newRequest(query, nil, now)
	if err != nil {
		f.Fatal(err)
	}
	r.id = 0x1234
	answer := new(dns.Msg)
	answer.SetReply(query)
	answer.Id = r.id
	answer.Answer = []dns.RR{record(naming.Name("\x07example\x00"), upkeep.TypeAAAA, dns.ClassINET, 60, make([]byte, 16))}
	plain, err := answer.Pack()
	if err != nil {
		f.Fatal(err)
	}
	signed, err := (&signer{key: key}).sign(plain, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(signed)
	f.Add(signed[:len(signed)-1])
	f.Add(append(append([]byte(nil), signed...), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := r.read(b, now); err == nil {
			for _, rr := range m.Answer {
				if one, err := readRecord(rr); err == nil && naming.Longest([]naming.Name{{0}}, one.Name) != 0 {
					t.Fatalf("a record of %x", []byte(one.Name))
				}
			}
		}
		trusting := *r
		trusting.signer = &signer{key: key, mac: make([]byte, 32)} // of a request that nobody has sent
		if m, err := trusting.read(b, now); err == nil && !m.Truncated {
			t.Fatalf("an answer to another request is believed: %v", m)
		}
	})
}

func TestQuery(t *testing.T) {
	host := name(t, "host.example.com")
	key, theirs := testKey(t, "hmac-sha256")
	var rcode int
	authoritative := true
	server := &dnstest.Server{Key: theirs, Handle: func(r *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetRcode(r, rcode)
		m.Authoritative = authoritative
		if r.Question[0].Name == host.String() {
			m.Answer = []dns.RR{
				&dns.CNAME{Hdr: dns.RR_Header{Name: "Host.example.com.", Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: "Other.Example.com."},
				record(name(t, "other.example.com"), upkeep.TypeAAAA, dns.ClassINET, 60, address(t, "2001:db8::1")),
			}
		}
		return m
	}}
	c := clientOf(t, key, long, server.Start(t))
	got, err := c.Query(t.Context(), 0, host, upkeep.TypeAAAA)
	if err != nil || len(got) != 1 || got[0].Type != upkeep.TypeCNAME || string(got[0].Data) != string(name(t, "other.example.com")) || string(got[0].Name) != string(host) {
		t.Errorf("got %v, %v", got, err)
	}
	server.Set(func() { rcode = dns.RcodeNameError })
	if got, err := c.Query(t.Context(), 0, name(t, "nobody.example.com"), upkeep.TypeAAAA); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	server.Set(func() { rcode = dns.RcodeRefused })
	var refused *RefusedError
	if _, err := c.Query(t.Context(), 0, host, upkeep.TypeAAAA); !errors.As(err, &refused) || refused.Answer != upkeep.Refused {
		t.Errorf("got %v", err)
	}
	server.Set(func() { rcode, authoritative = dns.RcodeSuccess, false })
	if _, err := c.Query(t.Context(), 0, host, upkeep.TypeAAAA); err == nil || !strings.Contains(err.Error(), "isn't one of the zone's own") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Query(t.Context(), 7, host, upkeep.TypeAAAA); err == nil {
		t.Error("a zone that isn't there answers")
	}
}

// A streamSigner makes signatures of several messages (RFC 8945, Section 5.3.1), by the library's way and not by what is tested.
type streamSigner struct {
	key     *Key
	mac     int // octets of the one before
	pending []byte
}

// Generate implements dns.TsigProvider.
func (s *streamSigner) Generate(b []byte, _ *dns.TSIG) ([]byte, error) {
	h := hmac.New(sha256.New, s.key.Secret)
	h.Write(b[:2+s.mac])
	h.Write(s.pending)
	h.Write(b[2+s.mac:])
	return h.Sum(nil), nil
}

// Verify implements dns.TsigProvider.
func (s *streamSigner) Verify([]byte, *dns.TSIG) error { return errors.New("this only signs") }

// transferServer sends messages as the answer to a transfer, each signed where sign says so, and closes the connection.
func transferServer(t *testing.T, key *Key, messages [][]dns.RR, sign func(i int) bool) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		request, err := readFrame(conn, nil)
		if err != nil {
			return
		}
		mac := request[len(request)-6-32:][:32] // before the original ID, the error and the other data's length
		var pending []byte
		for i, records := range messages {
			m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: binary.BigEndian.Uint16(request), Response: true, Authoritative: true}, Answer: records}
			out, err := m.Pack()
			if err != nil {
				return
			}
			if !sign(i) {
				pending = append(pending, out...)
			} else {
				m.SetTsig(key.Name.String(), key.Algorithm+".", 300, time.Now().Unix())
				var text string
				if out, text, err = dns.TsigGenerateWithProvider(m, &streamSigner{key, len(mac), pending}, hex.EncodeToString(mac), i > 0); err != nil {
					return
				}
				mac, _ = hex.DecodeString(text)
				pending = nil
			}
			if writeFrame(conn, out) != nil {
				return
			}
		}
	}()
	return netip.MustParseAddrPort(listener.Addr().String())
}

func TestTransferOfSeveralMessages(t *testing.T) {
	key, _ := testKey(t, "hmac-sha256")
	zone := name(t, "example.com")
	soa := &dns.SOA{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "ns.", Mbox: "m."}
	messages := [][]dns.RR{{soa}}
	for i := range 20 {
		messages = append(messages, []dns.RR{record(name(t, fmt.Sprintf("host-%d.example.com", i)), upkeep.TypeAAAA, dns.ClassINET, 60, make([]byte, 16))})
	}
	messages = append(messages, []dns.RR{soa})
	last := len(messages) - 1
	for what, c := range map[string]struct {
		sign     func(i int) bool
		messages [][]dns.RR
		want     string // of the error
	}{
		"all signed":       {func(int) bool { return true }, messages, ""},
		"each fifth":       {func(i int) bool { return i%5 == 0 || i == last }, messages, ""},
		"first and last":   {func(i int) bool { return i == 0 || i == last }, messages, ""},
		"first isn't":      {func(i int) bool { return i > 0 }, messages, "isn't signed"},
		"last isn't":       {func(i int) bool { return i < last }, messages, "the transfer's last message: the answer isn't signed"},
		"cut off":          {func(int) bool { return true }, messages[:10], "closes the connection"},
		"no beginning":     {func(int) bool { return true }, messages[1:], "doesn't begin with the zone's SOA record"},
		"goes on":          {func(int) bool { return true }, [][]dns.RR{{soa, soa, messages[1][0]}}, "goes on behind its end"},
		"an empty message": {func(int) bool { return true }, [][]dns.RR{{soa}, {}}, "has no records"},
		"one message":      {func(int) bool { return true }, [][]dns.RR{{soa, messages[1][0], soa}}, ""},
	} {
		addr := transferServer(t, key, c.messages, c.sign)
		client := NewClient([]Zone{{Name: zone, Servers: []netip.AddrPort{addr}, Key: key}}, long)
		records := 0
		err := client.Transfer(t.Context(), 0, func(*Record) error {
			records++
			return nil
		})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: want %q, got %v", what, c.want, err)
		case c.want == "" && len(c.messages) > 1 && records != 21:
			t.Errorf("%s: %d records", what, records)
		}
	}
}
