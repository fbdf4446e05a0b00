package events

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A client's messages are in one partition, a list's end is in all, and what can't be taken is said.
func TestKafka(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "bindings"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "lockstep6", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	password := func() (string, error) { return "secret", nil }
	k, err := NewKafka(&KafkaSettings{Brokers: c.ListenAddrs(), Topic: "bindings", User: "lockstep6", Mechanism: "scram-sha-512", Password: password, Name: "test", Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, some := range [][]Message{
		{{ID: "1", Key: "a", Body: []byte("{}")}, {ID: "2", Key: "b", Body: []byte("{}")}}, {{ID: "3", Key: "a", Body: []byte("{}")}},
		{{ID: "4", Body: []byte("{}")}}, {{ID: "5", Key: "c", Body: []byte(strings.Repeat("x", 2<<20))}},
	} {
		for _, err := range k.Publish(t.Context(), some, nil) {
			if want := some[0].ID == "5"; want != errors.Is(err, ErrRefused) || !want && err != nil {
				t.Errorf("message %s: %v", some[0].ID, err)
			}
		}
	}
	mechanism := (&KafkaSettings{User: "lockstep6", Password: password}).mechanism()
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("bindings"), kgo.SASL(mechanism))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	partitions := map[string][]int32{}
	for n := 0; n < 7; {
		got := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("it has no more than %v", partitions)
		}
		got.EachRecord(func(r *kgo.Record) {
			n++
			id := string(r.Headers[0].Value)
			partitions[id] = append(partitions[id], r.Partition)
		})
	}
	if p := partitions; len(p["4"]) != 4 || len(p["1"]) != 1 || p["1"][0] != p["3"][0] {
		t.Errorf("partitions: %v", p)
	}
	unknown, err := NewKafka(&KafkaSettings{Brokers: c.ListenAddrs(), Topic: "none", User: "lockstep6", Mechanism: "scram-sha-512", Password: password, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer unknown.Close()
	if errs := unknown.Publish(t.Context(), []Message{{ID: "1"}}, nil); errs[0] == nil {
		t.Error("a topic that isn't there takes a list's beginning")
	}
}

// A request that hangs is given up and counted, and what it brought is there once when the broker answers again.
func TestKafkaHangs(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "bindings"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var hangs atomic.Bool
	var asked atomic.Int64
	hangs.Store(true)
	for _, key := range []int16{int16(kmsg.Produce), int16(kmsg.Metadata)} {
		c.ControlKey(key, func(r kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			if p, ok := r.(*kmsg.ProduceRequest); ok && len(p.Topics) > 0 {
				asked.Add(1)
				return nil, nil, hangs.Load()
			}
			m, ok := r.(*kmsg.MetadataRequest)
			return nil, nil, ok && len(m.Topics) == 1 && hangs.Load() && asked.Load() > 1
		})
	}
	k, err := NewKafka(&KafkaSettings{Brokers: c.ListenAddrs(), Topic: "bindings", Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var waited atomic.Int64
	done := make(chan []error)
	go func() {
		done <- k.Publish(t.Context(), []Message{{ID: "1", Key: "a", Body: []byte("{}")}}, func(n int, err error) {
			if err != nil && strings.Contains(err.Error(), "no acknowledgement for 200ms") {
				waited.Add(int64(n))
			}
		})
	}()
	until(t, "it is asked again, and told of", func() bool { return asked.Load() > 1 && waited.Load() > 1 })
	later := func(int, error) {} // the library tries again by itself
	if errs := k.Publish(t.Context(), []Message{{ID: "2"}}, later); errs[0] == nil || !strings.Contains(errs[0].Error(), "no answer for 200ms") {
		t.Errorf("a list's beginning: %v", errs)
	}
	hangs.Store(false)
	if errs := <-done; errs[0] != nil {
		t.Errorf("when the broker answers: %v", errs)
	}
	until(t, "a list's beginning is taken, of which nothing is sent before the broker has told within 200 ms what partitions there are", func() bool {
		return k.Publish(t.Context(), []Message{{ID: "3"}}, later)[0] == nil
	})
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("bindings"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var ids []string
	for !slices.Contains(ids, "3") && ctx.Err() == nil {
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { ids = append(ids, string(r.Headers[0].Value)) })
	}
	if got := strings.Join(ids, " "); got != "1 3" {
		t.Errorf("the topic has %q", got)
	}
}

// Each connection is made with the certificates that there are then.
func TestKafkaCertificates(t *testing.T) {
	for serial := range int64(2) {
		own := certificate(t, serial+1)
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "bindings"), kfake.TLS(own.server()))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		trusted := certificate(t, 3) // which it isn't
		s := &KafkaSettings{Brokers: c.ListenAddrs(), Topic: "bindings", Timeout: patience, TLS: func() (*tls.Config, error) { return trusted.client(), nil }}
		if _, err := s.dial(t.Context(), "tcp", c.ListenAddrs()[0]); err == nil {
			t.Fatal("it is connected to a stranger")
		}
		trusted = own
		conn, err := s.dial(t.Context(), "tcp", c.ListenAddrs()[0])
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}
