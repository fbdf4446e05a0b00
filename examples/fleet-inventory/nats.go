package main

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lockstep6/lockstep6/examples/fleet-inventory/inventory"
)

// followNATS takes what a stream has behind the newest position of the inventory, and what comes, until the context ends. An ordered consumer leaves nothing at
// the server: where it was is the inventory's own knowledge.
func followNATS(ctx context.Context, s *settings, i *inventory.Inventory) error {
	options := []nats.Option{nats.Name("fleet-inventory"), nats.MaxReconnects(-1)}
	if s.credentials != "" {
		options = append(options, nats.UserCredentials(s.credentials))
	}
	conn, err := nats.Connect(s.nats, options...)
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	from := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	if after := i.After(s.stream); after > 0 {
		from = jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1}
	}
	consumer, err := js.OrderedConsumer(ctx, s.stream, from)
	if err != nil {
		return err
	}
	running, err := consumer.Consume(func(m jetstream.Msg) {
		if at, err := m.Metadata(); err == nil { // else it isn't the stream's
			take(i, m.Data(), s.stream, at.Sequence.Stream)
		}
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	running.Stop()
	<-running.Closed()
	return nil
}
