package dnstest

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// A Relay stands between a client and a server, and loses what it is told to. By TCP it is nobody.
type Relay struct {
	Server netip.AddrPort
	Lose   func(answer bool) bool // tells whether a request, or an answer, is lost; called by one at a time

	mu     sync.Mutex
	lost   int
	listen *net.UDPConn
}

// Start starts the relay. It ends with the test.
func (r *Relay) Start(t testing.TB) netip.AddrPort {
	t.Helper()
	listen, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	r.listen = listen
	var requests sync.WaitGroup
	requests.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := listen.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			request := append([]byte(nil), buffer[:n]...)
			requests.Go(func() { r.hand(request, from) })
		}
	})
	t.Cleanup(func() {
		_ = listen.Close()
		requests.Wait()
	})
	return netip.MustParseAddrPort(listen.LocalAddr().String())
}

// Lost is how many requests and answers were lost.
func (r *Relay) Lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

func (r *Relay) loses(answer bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Lose(answer) {
		r.lost++
		return true
	}
	return false
}

// hand hands a request on, and its answer back.
func (r *Relay) hand(request []byte, from netip.AddrPort) {
	if r.loses(false) {
		return
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.Server))
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	buffer := make([]byte, 4096)
	if _, err := conn.Write(request); err != nil {
		return
	}
	n, err := conn.Read(buffer)
	if err == nil && !r.loses(true) {
		_, _ = r.listen.WriteToUDPAddrPort(buffer[:n], from)
	}
}
