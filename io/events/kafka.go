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
	TLS       func() (*tls.Config, error) // asked for each connection; nil: none
	Name      string                      // of the client
	Timeout   time.Duration               // of a connection, and of a request; 100 ms at least
}

// Kafka is a topic. The producer is idempotent: what it sends again itself is neither doubled nor moved.
type Kafka struct {
	topic   string
	timeout time.Duration
	client  *kgo.Client

	mu   sync.Mutex
	last error // of the newest connection or request; nil: it went well
}

// NewKafka makes a client, which connects when something is published; an error is about the settings.
func NewKafka(s *KafkaSettings) (*Kafka, error) {
	k := &Kafka{topic: s.Topic, timeout: s.Timeout}
	options := []kgo.Opt{
		kgo.SeedBrokers(s.Brokers...), kgo.DefaultProduceTopic(s.Topic), kgo.ClientID(s.Name), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(partitioner)), kgo.ProducerLinger(0), kgo.WithHooks(k),
		kgo.MetadataMinAge(time.Second), kgo.Dialer(s.dial), kgo.ProduceRequestTimeout(s.Timeout), kgo.RequestTimeoutOverhead(s.Timeout),
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

// dial connects to a broker.
func (s *KafkaSettings) dial(ctx context.Context, network, address string) (net.Conn, error) {
	plain := net.Dialer{Timeout: s.Timeout}
	if s.TLS == nil {
		return plain.DialContext(ctx, network, address)
	}
	c, err := s.TLS()
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: &plain, Config: c}).DialContext(ctx, network, address)
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
	k.note(err)
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (k *Kafka) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) { k.note(e.Err()) }

func (k *Kafka) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = err
}

// trouble is why a Publish takes long, as far as that is known.
func (k *Kafka) trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		return fmt.Errorf("no acknowledgement for %v", k.timeout)
	}
	return fmt.Errorf("no acknowledgement for %v: %w", k.timeout, k.last)
}

// Close implements Broker.
func (k *Kafka) Close() { k.client.Close() }

// A produced is what became of one record.
type produced struct {
	message int
	err     error
}

// Publish implements Broker. The library tries again by itself, however long that takes: it alone knows what is under way, and numbers it, so
// that it is neither doubled nor moved.
func (k *Kafka) Publish(ctx context.Context, some []Message, late func(int, error)) []error {
	records, from, err := k.records(ctx, some)
	if err != nil {
		return all(len(some), err)
	}
	results := make(chan produced, len(records)) // so that nobody waits for us when we have gone
	for i, r := range records {
		k.client.Produce(ctx, r, func(_ *kgo.Record, err error) { results <- produced{from[i], err} })
	}
	errs := make([]error, len(some))
	slow := time.NewTicker(k.timeout)
	defer slow.Stop()
	for left := len(records); left > 0; {
		select {
		case r := <-results:
			left--
			if r.err != nil {
				errs[r.message] = kafkaError(r.err)
			}
		case <-slow.C:
			late(left, k.trouble())
		case <-ctx.Done():
			return all(len(some), ctx.Err())
		}
	}
	return errs
}

// records are what messages become, and which of them each is of: a list's beginning or end goes into each partition.
func (k *Kafka) records(ctx context.Context, some []Message) (records []*kgo.Record, from []int, err error) {
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
			return nil, nil, err
		}
		for p := range partitions {
			one := r
			one.Partition = int32(p)
			records, from = append(records, &one), append(from, i)
		}
	}
	return records, from, nil
}

// partitions is how many the topic has. It gives up after a timeout.
func (k *Kafka) partitions(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, k.timeout, fmt.Errorf("no answer for %v about topic %s", k.timeout, k.topic))
	defer cancel()
	ask := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = &k.topic
	ask.Topics = append(ask.Topics, topic)
	answer, err := ask.RequestWith(ctx, k.client)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return 0, err
	}
	err = kerr.UnknownTopicOrPartition
	if len(answer.Topics) == 1 {
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("topic %s: %w", k.topic, err)
	}
	return len(answer.Topics[0].Partitions), nil
}

// kafkaError says what an error means to whoever tries again.
func kafkaError(err error) error {
	if errors.Is(err, kerr.MessageTooLarge) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
