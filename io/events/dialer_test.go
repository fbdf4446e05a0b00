package events

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/lockstep6/lockstep6/io/events/eventstest"
)

// Nobody waits for a server that says nothing: neither who makes the broker, nor who ends it while a connection is being made.
func TestNATSHangs(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	url := "nats://" + silent.Addr().String()
	n, err := NewNATS(&NATSSettings{Servers: []string{url, url}, Subject: "lockstep6.{shard}", Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c, err := silent.Accept() // the library holds what trouble asks, and will for an hour
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan []error)
	go func() { done <- n.Publish(ctx, testMessages(), nil) }()
	cancel()
	for i, err := range <-done {
		if err == nil {
			t.Errorf("message %d: taken", i)
		}
	}
	n.Close()
}

// It is told why there is no connection.
func TestNATSRefused(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	n, err := NewNATS(&NATSSettings{Servers: []string{"nats://" + gone.Addr().String()}, Subject: "lockstep6.{shard}", Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	until(t, "it is refused", func() bool {
		err := n.Publish(t.Context(), testMessages(), nil)[0]
		return err != nil && strings.Contains(err.Error(), "not connected: dial tcp") && strings.Contains(err.Error(), "refused")
	})
}

// What the server doesn't allow is told as such: it acknowledges nothing, and says why once, to nobody in particular.
func TestNATSDenied(t *testing.T) {
	for name, denied := range map[string]*server.Permissions{
		"publish":      {Publish: &server.SubjectPermission{Allow: []string{"lockstep6.ber2.>"}}},
		"subscription": {Subscribe: &server.SubjectPermission{Allow: []string{"lockstep6.>"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := eventstest.Start(t, t.TempDir(), 0, func(o *server.Options) {
				o.Username, o.Users = "", []*server.User{{Username: "ber1", Password: "secret", Permissions: denied}, {Username: eventstest.User, Password: eventstest.Password}}
			})
			eventstest.AddStream(t, s.Connect(t))
			n, err := NewNATS(&NATSSettings{
				Servers: []string{s.ClientURL()}, Subject: "lockstep6.ber1.{shard}", User: "ber1", Password: func() (string, error) { return "secret", nil },
				Timeout: 200 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			until(t, "it is told why", func() bool {
				err := n.Publish(t.Context(), testMessages()[:1], nil)[0]
				return err != nil && strings.Contains(err.Error(), "doesn't allow") && strings.Contains(strings.ToLower(err.Error()), name)
			})
		})
	}
}
