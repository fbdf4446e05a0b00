package events

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
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
