package events

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A client's messages are in one partition, a list's end is in all, and what can't be taken is said.
func TestKafka(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "bindings"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "lockstep6", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	password := func() (string, error) { return "secret", nil }
	k, err := NewKafka(&KafkaSettings{Brokers: c.ListenAddrs(), Topic: "bindings", User: "lockstep6", Mechanism: "scram-sha-512", Password: password, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, some := range [][]Message{
		{{ID: "1", Key: "a", Body: []byte("{}")}, {ID: "2", Key: "b", Body: []byte("{}")}}, {{ID: "3", Key: "a", Body: []byte("{}")}},
		{{ID: "4", Body: []byte("{}")}}, {{ID: "5", Key: "c", Body: []byte(strings.Repeat("x", 2<<20))}},
	} {
		for _, err := range k.Publish(t.Context(), some) {
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
	unknown, err := NewKafka(&KafkaSettings{Brokers: c.ListenAddrs(), Topic: "none", User: "lockstep6", Mechanism: "scram-sha-512", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	defer unknown.Close()
	if errs := unknown.Publish(t.Context(), []Message{{ID: "1"}}); errs[0] == nil {
		t.Error("a topic that isn't there takes a list's beginning")
	}
}
