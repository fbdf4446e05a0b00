package events

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// KafkaSettings is what a Kafka broker is made of.
type KafkaSettings struct {
	Brokers   []string // HOST:PORT
	Topic     string
	Mechanism string // of SASL: plain, scram-sha-256 or scram-sha-512; of no meaning without a user
	User      string // empty: none
	Password  func() (string, error)
	TLS       *tls.Config // nil: none
	Name      string      // of the client
	Timeout   time.Duration
}

// Kafka is a topic. The producer is idempotent: what it sends again itself is neither doubled nor moved.
type Kafka struct {
	topic  string
	client *kgo.Client

	mu   sync.Mutex
	last error // of the newest connection; nil: it went well
}

// NewKafka makes a client, which connects when something is published; an error is about the settings.
func NewKafka(s *KafkaSettings) (*Kafka, error) {
	k := &Kafka{topic: s.Topic}
	options := []kgo.Opt{
		kgo.SeedBrokers(s.Brokers...), kgo.DefaultProduceTopic(s.Topic), kgo.ClientID(s.Name), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(partitioner)), kgo.ProducerLinger(0), kgo.WithHooks(k),
		kgo.MetadataMinAge(time.Second),
	}
	if s.TLS != nil {
		options = append(options, kgo.DialTLSConfig(s.TLS))
	}
	if s.User != "" {
		options = append(options, kgo.SASL(s.mechanism()))
	}
	var err error
	if k.client, err = kgo.NewClient(options...); err != nil {
		return nil, err
	}
	return k, nil
}

// mechanism says who the client is. The password is read for each connection.
func (s *KafkaSettings) mechanism() sasl.Mechanism {
	switch s.Mechanism {
	case "plain":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := s.Password()
			return plain.Auth{User: s.User, Pass: password}, err
		})
	case "scram-sha-256":
		return scram.Sha256(s.scram)
	}
	return scram.Sha512(s.scram)
}

func (s *KafkaSettings) scram(context.Context) (scram.Auth, error) {
	password, err := s.Password()
	return scram.Auth{User: s.User, Pass: password}, err
}

// partitioner deals clients out to partitions. A list's beginning and end say theirs themselves.
func partitioner(string) func(r *kgo.Record, n int) int {
	return func(r *kgo.Record, n int) int {
		if r.Key == nil {
			return int(r.Partition) % n
		}
		return int(xxhash.Sum64(r.Key) % uint64(n))
	}
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (k *Kafka) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = err
}

// Trouble implements Broker.
func (k *Kafka) Trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}

// Close implements Broker.
func (k *Kafka) Close() { k.client.Close() }

// Publish implements Broker. The library tries again by itself, however long that takes: it alone knows what is under way.
func (k *Kafka) Publish(ctx context.Context, some []Message) []error {
	var records []*kgo.Record
	var from []int // which message a record is of
	for i := range some {
		m := &some[i]
		r := kgo.Record{Value: m.Body, Headers: []kgo.RecordHeader{{Key: "id", Value: []byte(m.ID)}}}
		if m.Key != "" {
			r.Key = []byte(m.Key)
			records, from = append(records, &r), append(from, i)
			continue
		}
		partitions, err := k.partitions(ctx)
		if err != nil {
			return all(len(some), err)
		}
		for p := range partitions {
			one := r
			one.Partition = int32(p)
			records, from = append(records, &one), append(from, i)
		}
	}
	type result struct {
		message int
		err     error
	}
	results := make(chan result, len(records)) // so that nobody waits for us when we have gone
	for i, r := range records {
		k.client.Produce(ctx, r, func(_ *kgo.Record, err error) { results <- result{from[i], err} })
	}
	errs := make([]error, len(some))
	for range records {
		select {
		case r := <-results:
			if r.err != nil {
				errs[r.message] = kafkaError(r.err)
			}
		case <-ctx.Done():
			return all(len(some), ctx.Err())
		}
	}
	return errs
}

// partitions is how many the topic has.
func (k *Kafka) partitions(ctx context.Context) (int, error) {
	ask := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &k.topic
	ask.Topics = append(ask.Topics, topic)
	answer, err := ask.RequestWith(ctx, k.client)
	if err != nil {
		return 0, err
	}
	for i := range answer.Topics {
		if err := kerr.ErrorForCode(answer.Topics[i].ErrorCode); err != nil {
			return 0, fmt.Errorf("topic %s: %w", k.topic, err)
		}
		return len(answer.Topics[i].Partitions), nil
	}
	return 0, fmt.Errorf("topic %s: %w", k.topic, kerr.UnknownTopicOrPartition)
}

// kafkaError says what an error means to whoever tries again.
func kafkaError(err error) error {
	if errors.Is(err, kerr.MessageTooLarge) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
