package events

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/lockstep6/lockstep6/io/events/eventstest"
)

func testMessages() []Message {
	return []Message{
		{ID: "1", Key: "a", Subject: "00", Body: []byte("{}")}, {ID: "2", Key: "b", Subject: "01", Body: []byte("{}")},
		{ID: "3", Key: "c", Subject: "02", Body: []byte(strings.Repeat("x", 5000))},
	}
}

// Messages are there once, however often they are told; what the server never takes is refused; it comes and goes.
func TestNATS(t *testing.T) {
	folder := t.TempDir()
	s := eventstest.Start(t, folder, 0)
	password := "wrong"
	n, err := NewNATS(&NATSSettings{
		Servers: []string{s.ClientURL()}, Subject: "lockstep6.ber1.a.{shard}", User: "lockstep6", Name: "test", Timeout: patience,
		Password: func() (string, error) { defer func() { password = "secret" }(); return password, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	until(t, "it is let in by the second password", func() bool { return n.trouble() == nil })
	publish := func() []error { return n.Publish(t.Context(), testMessages(), nil) }
	if errs := publish(); errs[0] == nil || !strings.Contains(errs[0].Error(), "no stream takes") {
		t.Errorf("without a stream: %v", errs)
	}
	js := s.Connect(t)
	eventstest.AddStream(t, js)
	for range 2 {
		if errs := publish(); errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], ErrRefused) {
			t.Errorf("errors: %v", errs)
		}
	}
	if got := eventstest.Messages(t, js); len(got) != 2 {
		t.Errorf("the stream has %d messages", len(got))
	}
	port := s.Port()
	s.Stop()
	until(t, "it is away", func() bool { return n.trouble() != nil })
	if errs := publish(); errs[0] == nil || errs[1] == nil {
		t.Errorf("while it is away: %v", errs)
	}
	eventstest.Start(t, folder, port)
	until(t, "it is back", func() bool { return publish()[0] == nil })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if errs := n.Publish(ended, testMessages(), nil); len(errs) != 3 {
		t.Errorf("errors: %v", errs)
	}
}

// A server that takes messages and acknowledges none is told of as such, and nothing of them stays in memory.
func TestNATSNeverAcknowledges(t *testing.T) {
	s := eventstest.Start(t, t.TempDir(), 0)
	listener, err := nats.Connect(s.ClientURL(), nats.UserInfo("lockstep6", "secret"), nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if _, err := listener.SubscribeSync("lockstep6.>"); err != nil {
		t.Fatal(err)
	}
	if err := listener.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	n, err := NewNATS(&NATSSettings{
		Servers: []string{s.ClientURL()}, Subject: "lockstep6.{shard}", User: "lockstep6", Password: func() (string, error) { return "secret", nil },
		Timeout: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	until(t, "it is connected", func() bool { return n.trouble() == nil })
	for range 2 {
		for i, err := range n.Publish(t.Context(), testMessages()[:2], nil) {
			if err == nil || !strings.Contains(err.Error(), "acknowledged none for 200ms") {
				t.Errorf("message %d: %v", i, err)
			}
		}
	}
	if pending := n.js.PublishAsyncPending(); pending != 0 {
		t.Errorf("%d messages are kept", pending)
	}
}

// A certificate that takes another's place, and who signs the server's, hold from the next connection on.
func TestNATSCertificates(t *testing.T) {
	folder := t.TempDir()
	first, second := certificate(t, 1), certificate(t, 2)
	s := eventstest.Start(t, folder, 0, func(o *server.Options) { o.TLSConfig, o.TLS = first.server(), true })
	var now atomic.Pointer[identity]
	now.Store(first)
	n, err := NewNATS(&NATSSettings{
		Servers: []string{s.ClientURL()}, Subject: "lockstep6.{shard}", User: "lockstep6", Password: func() (string, error) { return "secret", nil },
		Timeout: patience, TLS: func() (*tls.Config, error) { return now.Load().client(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	until(t, "it is connected", func() bool { return n.trouble() == nil })
	port := s.Port()
	s.Stop()
	now.Store(second)
	eventstest.Start(t, folder, port, func(o *server.Options) { o.TLSConfig, o.TLS = second.server(), true })
	until(t, "it is connected again", func() bool { return n.trouble() == nil })
}
