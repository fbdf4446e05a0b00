// Package dnstest has DNS servers for tests: one in the test's own process that fails as it is told to, and real ones, each in a
// folder of its own. All listen on the loopback interface only, and end with their test.
package dnstest

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// A Fault is what a server does in place of answering.
type Fault uint8

// The faults.
const (
	None         Fault = iota
	Ignore             // as if the request had been lost
	LoseReply          // the request is taken in, and its answer lost
	Refuse             // REFUSED
	Fail               // SERVFAIL
	WrongID            // an answer to something else
	WrongZone          // an answer that is about another zone
	OtherOpcode        // an answer to a query
	Truncate           // an answer that is cut off
	Garbage            // no DNS at all
	Unsigned           // no TSIG record
	OtherSecret        // signed with another secret
	OtherKey           // signed with a key of another name
	ForgedFirst        // a forged answer, and then the right one
	OldSignature       // signed an hour ago
	BadTime            // NOTAUTH, BADTIME: the server's clock is an hour ahead
	BadKey             // NOTAUTH, BADKEY: the server doesn't know the key
	BadSignature       // NOTAUTH, BADSIG: the server's secret is another one
)

// A Key is a TSIG key as the library has it.
type Key struct {
	Name, Algorithm, Secret string // with last dots; the secret in base64
}

// A Server is a DNS server in the test's process. Its fields are set before it is started, or under Set; Handle and Fault are called by one
// at a time.
type Server struct {
	Key    Key                                    // no name: requests and answers aren't signed
	Handle func(r *dns.Msg) *dns.Msg              // the answer; nil: NOERROR to all
	Fault  func(r *dns.Msg, network string) Fault // nil: none

	mu       sync.Mutex
	addr     netip.AddrPort
	running  []*dns.Server
	requests map[string]int
}

// Start starts the server. It ends with the test.
func (s *Server) Start(t testing.TB) netip.AddrPort {
	t.Helper()
	s.requests = map[string]int{}
	s.listen(t)
	t.Cleanup(s.Stop)
	return s.addr
}

// Restart starts a server that was stopped again, on the same port.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.listen(t)
}

// Set changes the server's fields while it runs.
func (s *Server) Set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Requests is how many requests came by "udp" or "tcp".
func (s *Server) Requests(network string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[network]
}

// Stop ends the server; its port is closed then.
func (s *Server) Stop() {
	s.mu.Lock()
	running := s.running
	s.running = nil
	s.mu.Unlock()
	for _, r := range running {
		_ = r.Shutdown()
	}
}

func (s *Server) listen(t testing.TB) {
	t.Helper()
	udp, tcp, err := listenBoth(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = tcp.Addr().(*net.TCPAddr).AddrPort()
	secrets := map[string]string{}
	if s.Key.Name != "" {
		secrets[s.Key.Name] = s.Key.Secret
	}
	accept := func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
	for _, one := range []*dns.Server{
		{PacketConn: udp, Handler: s.handler("udp"), TsigSecret: secrets, MsgAcceptFunc: accept},
		{Listener: tcp, Handler: s.handler("tcp"), TsigSecret: secrets, MsgAcceptFunc: accept},
	} {
		started := make(chan struct{})
		one.NotifyStartedFunc = func() { close(started) }
		go func() { _ = one.ActivateAndServe() }()
		<-started
		s.running = append(s.running, one)
	}
}

// listenBoth opens a port of 127.0.0.1 for both: the one given, or any.
func listenBoth(addr netip.AddrPort) (*net.UDPConn, *net.TCPListener, error) {
	if !addr.IsValid() {
		addr = netip.MustParseAddrPort("127.0.0.1:0")
	}
	var problem error
	for range 500 {
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
		if err != nil {
			problem = err
			time.Sleep(20 * time.Millisecond) // the port's former socket may still be closing
			continue
		}
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(tcp.Addr().(*net.TCPAddr).AddrPort()))
		if err == nil {
			return udp, tcp, nil
		}
		problem = errors.Join(err, tcp.Close())
	}
	return nil, nil, problem
}

func (s *Server) handler(network string) dns.HandlerFunc {
	return func(w dns.ResponseWriter, r *dns.Msg) {
		m, fault := s.answer(w, r, network)
		if m == nil {
			return
		}
		for _, out := range s.spoil(m, r, fault) {
			_, _ = w.Write(out)
		}
	}
}

// answer is what the server says to a request, and what becomes of that; nil: nothing.
func (s *Server) answer(w dns.ResponseWriter, r *dns.Msg, network string) (m *dns.Msg, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[network]++
	if s.Fault != nil {
		fault = s.Fault(r, network)
	}
	if fault == Ignore {
		return nil, fault
	}
	m = new(dns.Msg)
	m.SetReply(r)
	trusted := s.Key.Name == "" || r.IsTsig() != nil && w.TsigStatus() == nil
	switch {
	case !trusted:
		m.Rcode = dns.RcodeNotAuth
	case s.Handle != nil && fault != Refuse && fault != Fail && fault != BadTime && fault != BadKey && fault != BadSignature:
		m = s.Handle(r)
	}
	return m, fault
}
