package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lockstep6/lockstep6/examples/fleet-inventory/inventory"
)

const patience = 60 * time.Second

// shown runs the program until the test, or what is returned, ends it, and waits until it shows so many leases.
func shown(t *testing.T, s *settings) (wait func(leases int), end func()) {
	t.Helper()
	s.listen = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- run(ctx, s, func(a net.Addr) { address <- a }) }()
	end = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	var at string
	select {
	case a := <-address:
		at = a.String()
	case err := <-ended:
		t.Fatal(err)
	}
	get := func(path string, into any) error {
		answer, err := http.Get("http://" + at + path)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return errors.Join(err, json.Unmarshal(body, into))
	}
	return func(leases int) {
		t.Helper()
		var got []inventory.Event
		var nodes []inventory.Node
		for start := time.Now(); len(got) != leases; time.Sleep(time.Millisecond) {
			if err := errors.Join(get("/leases?cluster=ber1", &got), get("/nodes", &nodes)); err != nil {
				t.Fatal(err)
			}
			if time.Since(start) > patience {
				t.Fatalf("it shows %d leases: %+v", len(got), got)
			}
		}
		if len(nodes) != 1 || nodes[0].Cluster != "ber1" {
			t.Errorf("nodes are %+v", nodes)
		}
	}, end
}

// said are events of clients that get a lease each, and of the first one, whose lease ends.
func said(clients int) (bodies []string) {
	form := `{"event":%q,"id":"%d","cluster":"ber1","list":1,"version":%d,"time":"2027-01-15T08:00:00Z","lease":"2001:db8::%x","duid":"00:03:%02x"}`
	for n := range clients {
		bodies = append(bodies, fmt.Sprintf(form, "add", n, 1, n, n))
	}
	return append(bodies, "nothing", fmt.Sprintf(form, "remove", clients, 2, 0, 0))
}

func TestFollowNATS(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server never was ready")
	}
	conn, err := nats.Connect(s.ClientURL(), nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "LOCKSTEP6", Subjects: []string{"lockstep6.>"}}); err != nil {
		t.Fatal(err)
	}
	publish := func(bodies []string) {
		t.Helper()
		for _, body := range bodies {
			if _, err := js.Publish(t.Context(), "lockstep6.ber1.node.00", []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(said(5))
	at := &settings{nats: s.ClientURL(), stream: "LOCKSTEP6", state: filepath.Join(t.TempDir(), "state.json")}
	wait, end := shown(t, at)
	wait(4)
	end()
	if err := js.DeleteStream(t.Context(), "LOCKSTEP6"); err != nil { // what comes next is by the file
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "LOCKSTEP6", Subjects: []string{"lockstep6.>"}, FirstSeq: 8}); err != nil {
		t.Fatal(err)
	}
	publish([]string{strings.ReplaceAll(said(6)[5], `"version":1`, `"version":9`)})
	wait, end = shown(t, at)
	wait(5)
	end()
}

func TestFollowKafka(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "bindings"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("bindings"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for _, body := range said(5) {
		if err := producer.ProduceSync(t.Context(), kgo.StringRecord(body)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	wait, end := shown(t, &settings{kafka: strings.Join(c.ListenAddrs(), ","), topic: "bindings"})
	wait(4)
	end()
}

func TestRunRefuses(t *testing.T) {
	for _, s := range []*settings{{}, {nats: "nats://127.0.0.1:1", kafka: "127.0.0.1:1"}, {nats: "nats://127.0.0.1:1", listen: "127.0.0.1:0"}, {kafka: "127.0.0.1:1", listen: "nowhere"}} {
		if err := run(t.Context(), s, nil); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}
