package main

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lockstep6/lockstep6/examples/fleet-inventory/inventory"
)

// followKafka takes all that a topic has, and what comes, until the context ends. What the inventory knows by its file comes once more: that does no harm.
func followKafka(ctx context.Context, s *settings, i *inventory.Inventory) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(names(s.kafka)...), kgo.ConsumeTopics(s.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		fetched := client.PollFetches(ctx)
		fetched.EachError(func(_ string, partition int32, err error) {
			if ctx.Err() == nil {
				slog.Error("a partition can't be read", "partition", partition, "error", err)
			}
		})
		fetched.EachRecord(func(r *kgo.Record) { take(i, r.Value, strconv.Itoa(int(r.Partition)), uint64(r.Offset)) })
	}
	return nil
}
