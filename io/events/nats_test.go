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
	"github.com/nats-io/nats.go/jetstream"
)

// startNATS starts a server with JetStream, whose files are in a folder; port 0: any.
func startNATS(t *testing.T, folder string, port int, with ...func(*server.Options)) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	o := &server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: folder, NoLog: true, NoSigs: true, MaxPayload: 4096,
		Username: "lockstep6", Password: "secret",
	}
	for _, change := range with {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server never was ready")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// stream adds one that takes all subjects, and returns what reads how many messages it has.
func stream(t *testing.T, s *server.Server) func() uint64 {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL(), nats.UserInfo("lockstep6", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	all, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "LOCKSTEP6", Subjects: []string{"lockstep6.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return func() uint64 {
		info, err := all.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Msgs
	}
}

func testMessages() []Message {
	return []Message{
		{ID: "1", Key: "a", Subject: "00", Body: []byte("{}")}, {ID: "2", Key: "b", Subject: "01", Body: []byte("{}")},
		{ID: "3", Key: "c", Subject: "02", Body: []byte(strings.Repeat("x", 5000))},
	}
}

// Messages are there once, however often they are told; what the server never takes is refused; it comes and goes.
func TestNATS(t *testing.T) {
	folder := t.TempDir()
	s := startNATS(t, folder, 0)
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
	count := stream(t, s)
	for range 2 {
		if errs := publish(); errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], ErrRefused) {
			t.Errorf("errors: %v", errs)
		}
	}
	if got := count(); got != 2 {
		t.Errorf("the stream has %d messages", got)
	}
	port := s.Addr().String()
	s.Shutdown()
	s.WaitForShutdown()
	until(t, "it is away", func() bool { return n.trouble() != nil })
	if errs := publish(); errs[0] == nil || errs[1] == nil {
		t.Errorf("while it is away: %v", errs)
	}
	startNATS(t, folder, portOf(t, port))
	until(t, "it is back", func() bool { return publish()[0] == nil })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if errs := n.Publish(ended, testMessages(), nil); len(errs) != 3 {
		t.Errorf("errors: %v", errs)
	}
}

// A server that takes messages and acknowledges none is told of as such, and nothing of them stays in memory.
func TestNATSNeverAcknowledges(t *testing.T) {
	s := startNATS(t, t.TempDir(), 0)
	listener, err := nats.Connect(s.ClientURL(), nats.UserInfo("lockstep6", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if _, err := listener.SubscribeSync("lockstep6.>"); err != nil {
		t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
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
	s := startNATS(t, folder, 0, func(o *server.Options) { o.TLSConfig, o.TLS = first.server(), true })
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
	port := portOf(t, s.Addr().String())
	s.Shutdown()
	s.WaitForShutdown()
	now.Store(second)
	startNATS(t, folder, port, func(o *server.Options) { o.TLSConfig, o.TLS = second.server(), true })
	until(t, "it is connected again", func() bool { return n.trouble() == nil })
}
