package events

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// startNATS starts a server with JetStream, whose files are in a folder; port 0: any.
func startNATS(t *testing.T, folder string, port int) *server.Server {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: folder, NoLog: true, NoSigs: true, MaxPayload: 4096,
		Username: "lockstep6", Password: "secret",
	})
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
		Servers: []string{s.ClientURL()}, Subject: "lockstep6.ber1.a.{shard}", User: "lockstep6", Name: "test",
		Password: func() (string, error) { defer func() { password = "secret" }(); return password, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	until(t, "it is let in by the second password", func() bool { return n.Trouble() == nil })
	publish := func() []error { return n.Publish(t.Context(), testMessages()) }
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
	until(t, "it is away", func() bool { return n.Trouble() != nil })
	if errs := publish(); errs[0] == nil || errs[1] == nil {
		t.Errorf("while it is away: %v", errs)
	}
	startNATS(t, folder, portOf(t, port))
	until(t, "it is back", func() bool { return publish()[0] == nil })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if errs := n.Publish(ended, testMessages()); len(errs) != 3 {
		t.Errorf("errors: %v", errs)
	}
}
