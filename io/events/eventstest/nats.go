// Package eventstest has a NATS server for tests, in the test's own process.
package eventstest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a server's only user is called and knows, and the stream that takes all subjects below lockstep6.
const (
	User     = "lockstep6"
	Password = "secret"
	Stream   = "LOCKSTEP6"
)

// patience is when a test gives up waiting for what must come.
const patience = 60 * time.Second

// A NATS is a server with JetStream on 127.0.0.1.
type NATS struct{ *server.Server }

// Start starts a server whose files are in a folder, until the test ends. Port 0: any. Its largest message has 4096 octets.
func Start(t testing.TB, folder string, port int, with ...func(*server.Options)) *NATS {
	t.Helper()
	if port == 0 {
		port = server.RANDOM_PORT
	}
	o := &server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: folder, NoLog: true, NoSigs: true, MaxPayload: 4096, Username: User, Password: Password,
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
		t.Fatal("the NATS server never was ready")
	}
	n := &NATS{s}
	t.Cleanup(n.Stop)
	return n
}

// Serve runs a server, which lets everybody in, until the process ends: for a test that starts itself as a program of its own and kills that.
func Serve(host string, port int, folder string) error {
	s, err := server.NewServer(&server.Options{Host: host, Port: port, JetStream: true, StoreDir: folder, NoSigs: true})
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return nil
}

// Stop ends the server, and with it all connections. It may be called again.
func (n *NATS) Stop() {
	n.Shutdown()
	n.WaitForShutdown()
}

// Port is where it listens.
func (n *NATS) Port() int { return n.Addr().(*net.TCPAddr).Port }

// Connect connects as the server's user, until the test ends.
func (n *NATS) Connect(t testing.TB) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(n.ClientURL(), nats.UserInfo(User, Password), nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// AddStream adds the stream.
func AddStream(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: Stream, Subjects: []string{"lockstep6.>"}}); err != nil {
		t.Fatal(err)
	}
}

// Messages are all that the stream has, in order.
func Messages(t testing.TB, js jetstream.JetStream) (bodies [][]byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := js.Stream(ctx, Stream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for at := info.State.FirstSeq; at > 0 && at <= info.State.LastSeq; at++ {
		m, err := stream.GetMsg(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, m.Data)
	}
	return bodies
}
