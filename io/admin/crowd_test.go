package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
)

// TestCrowd: a full crowd parts with who has gone unserved for the longest, and never with who is being served.
func TestCrowd(t *testing.T) {
	c := newCrowd(nil, 3)
	guests := make([]*guest, 6)
	for i := range guests {
		guests[i] = &guest{crowd: c}
	}
	for i, who := range guests[:3] {
		if goes := c.admit(who); goes != nil {
			t.Errorf("guest %d: somebody must go of %d", i, len(c.guests))
		}
	}
	guests[0].serve(true)
	guests[1].serve(true)
	guests[1].serve(false) // after guest 2 came
	if goes := c.admit(guests[3]); goes != guests[2] {
		t.Error("not the one that has waited longest went")
	}
	if goes := c.admit(guests[4]); goes != guests[1] {
		t.Error("not the one whose request was answered went")
	}
	guests[3].serve(true)
	guests[4].serve(true)
	if goes := c.admit(guests[5]); goes != guests[5] || len(c.guests) != 3 {
		t.Errorf("all are being served, and not the newcomer goes, or %d are there", len(c.guests))
	}
}

// A slowNode tells that it was asked for its state, and answers when it may.
type slowNode struct {
	fake
	begun chan struct{}
	hold  chan struct{}
}

func (s *slowNode) State() State {
	s.begun <- struct{}{}
	<-s.hold
	return State{}
}

// TestNobodyIsShutOut: as many connections as there may be, and as many slow requests, leave room for who watches the node.
func TestNobodyIsShutOut(t *testing.T) {
	node := &slowNode{begun: make(chan struct{}), hold: make(chan struct{})}
	s, err := Open(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Open: true, Node: node, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	address := s.Addr().String()
	slow := make(chan error, maxRequests)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range maxRequests {
		go func() { slow <- status(ctx, address, "/v1/state", http.StatusOK) }()
		<-node.begun
	}
	for i := range 2 * maxConnections {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			if _, err := io.WriteString(conn, "GET /live HTTP/1.1\r\n"); err != nil { // and no more of it
				t.Fatal(err)
			}
		}
	}
	for path, want := range map[string]int{"/live": 200, "/ready": 200, "/metrics": 200, "/v1/links": 503} {
		if err := status(ctx, address, path, want); err != nil {
			t.Error(err)
		}
	}
	close(node.hold)
	for range maxRequests {
		if err := <-slow; err != nil {
			t.Errorf("a slow request, which was being answered: %v", err)
		}
	}
	if err := status(ctx, address, "/v1/links", 200); err != nil {
		t.Error(err)
	}
}

// status asks on a connection of its own.
func status(ctx context.Context, address, path string, want int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != want {
		err = errors.Join(err, fmt.Errorf("%s: %d, want %d", path, answer.StatusCode, want))
	}
	return errors.Join(err, answer.Body.Close())
}
