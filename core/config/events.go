package config

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Events says what message broker is told of changes of leases. One of NATS and Kafka is set.
type Events struct {
	Cluster             string
	Addresses, Prefixes bool // of which leases
	Renewals            bool // of renewals too that change nothing but times
	NATS                *NATS
	Kafka               *Kafka
	Disk                int64  // octets that may wait
	Keep                uint32 // seconds that one may wait; wire.Infinity: for ever
	Batch               int    // on their way at a time
	Timeout             uint32 // seconds
}

// NATS is a JetStream.
type NATS struct {
	Servers     []string
	Subject     string // with {cluster}, {node} and {shard}
	Credentials string // a file's name, relative to the configuration's folder; empty: none
	User        string // empty: none
	Password    Secret
	TLS         *BrokerTLS // nil: as the servers' URLs say
}

// Kafka is a topic.
type Kafka struct {
	Brokers   []string
	Topic     string // with {cluster} and {node}
	Mechanism string // plain, scram-sha-256 or scram-sha-512
	User      string // empty: no SASL
	Password  Secret
	TLS       *BrokerTLS // nil: none
}

// BrokerTLS names files of PEM, relative to the configuration's folder; empty: there is none.
type BrokerTLS struct{ Authorities, Certificate, Key string }

// Defaults of events.
const (
	DefaultEventSubject = "lockstep6.{cluster}.{node}.{shard}"
	DefaultEventTopic   = "lockstep6.bindings"
	DefaultEventDisk    = 256 // MiB
	DefaultEventBatch   = 500
	DefaultEventTimeout = 10 // seconds
)

var (
	fleetForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
	subjectForm = regexp.MustCompile(`^([A-Za-z0-9_-]|\{cluster\}|\{node\}|\{shard\})+(\.([A-Za-z0-9_-]|\{cluster\}|\{node\}|\{shard\})+)*$`)
	topicForm   = regexp.MustCompile(`^([A-Za-z0-9._-]|\{cluster\}|\{node\})+$`)
)

// longestTopic is how long a Kafka topic's name may be; subjects are held to it too. Names that stand in it are counted as written.
const longestTopic = 249

func (c *checker) events(raw *rawEvents) *Events {
	if raw == nil {
		return nil
	}
	e := &Events{
		Cluster: raw.Cluster.value, Addresses: !raw.On.given, Prefixes: !raw.On.given, Renewals: raw.Renewals.value,
		Disk: int64(raw.Disk.or(DefaultEventDisk)) << 20, Keep: raw.Keep.or(wire.Infinity), Batch: int(raw.Batch.or(DefaultEventBatch)),
		Timeout: raw.Timeout.or(DefaultEventTimeout),
	}
	if raw.Cluster.ok && !fleetForm.MatchString(e.Cluster) {
		c.fail(raw.Cluster.place, printable(e.Cluster)+" can't be a cluster's name", "write up to 63 letters, digits, hyphens and underscores")
	}
	for i := range raw.On.list {
		e.Addresses = e.Addresses || raw.On.list[i].value == "addresses"
		e.Prefixes = e.Prefixes || raw.On.list[i].value == "prefixes"
	}
	if raw.On.given && len(raw.On.list) == 0 {
		c.fail(raw.On.place, "names nothing", "write prefixes, addresses, or both")
	}
	switch {
	case raw.NATS != nil && raw.Kafka != nil:
		c.fail(raw.Kafka.At, "stands beside nats", "keep one of the two; a broker can pass events on to the other")
	case raw.NATS != nil:
		e.NATS = c.nats(raw.NATS)
	case raw.Kafka != nil:
		e.Kafka = c.kafka(raw.Kafka)
	default:
		c.fail(raw.At, "doesn't say whom to tell", "add nats: {servers: [URL]} or kafka: {brokers: [HOST:PORT]}")
	}
	return e
}

func (c *checker) nats(raw *rawNATS) *NATS {
	n := &NATS{Subject: DefaultEventSubject, User: raw.User.value, Password: c.password(&raw.User, &raw.Password), TLS: c.brokerTLS(raw.TLS)}
	open := false // the password would be
	for i := range raw.Servers {
		s := &raw.Servers[i]
		u, err := url.Parse(s.value)
		switch {
		case !s.ok:
			continue
		case err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" || !portOf(u) || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
			c.fail(s.place, printable(s.value)+" isn't a server's URL", "write nats://HOST:PORT or tls://HOST:PORT")
			continue
		case u.User != nil:
			c.fail(s.place, "has a user or a password in it", "use credentials: file:NAME, or user and password: file:NAME")
			continue
		}
		open = open || n.TLS == nil && u.Scheme == "nats" && !loopback(u.Hostname())
		n.Servers = append(n.Servers, s.value)
	}
	c.none(len(raw.Servers), "servers", raw.At, "write nats://HOST:PORT or tls://HOST:PORT")
	if n.Password != "" && open {
		c.fail(raw.Password.place, "would go over the network in the clear", "add tls: {}, or use tls:// URLs")
	}
	if raw.Subject.ok {
		n.Subject = raw.Subject.value
		c.template(&raw.Subject, subjectForm, "subject", "write tokens of letters, digits, hyphens and underscores with dots between; {cluster}, {node} and {shard} stand for the names")
	}
	if raw.Credentials.ok {
		name, isFile := strings.CutPrefix(raw.Credentials.value, "file:")
		switch {
		case !isFile || name == "":
			c.fail(raw.Credentials.place, "isn't where credentials come from", "write file:NAME; `nsc generate creds` makes one")
		case raw.User.given:
			c.fail(raw.Credentials.place, "stands beside user", "keep one of the two")
		}
		n.Credentials = name
	}
	return n
}

func (c *checker) kafka(raw *rawKafka) *Kafka {
	k := &Kafka{
		Topic: DefaultEventTopic, Mechanism: "scram-sha-512", User: raw.User.value, Password: c.password(&raw.User, &raw.Password), TLS: c.brokerTLS(raw.TLS),
	}
	if raw.Mechanism.ok {
		k.Mechanism = raw.Mechanism.value
	}
	open := false
	for i := range raw.Brokers {
		b := &raw.Brokers[i]
		if !b.ok {
			continue
		}
		u, err := url.Parse("//" + b.value)
		if err != nil || u.Hostname() == "" || u.Port() == "" || !portOf(u) || u.Host != b.value || strings.Contains(u.Hostname(), ":") && b.value[0] != '[' {
			c.fail(b.place, printable(b.value)+" isn't a broker", "write HOST:PORT, an IPv6 address as [ADDRESS]:PORT")
			continue
		}
		open = open || k.TLS == nil && !loopback(u.Hostname())
		k.Brokers = append(k.Brokers, b.value)
	}
	c.none(len(raw.Brokers), "brokers", raw.At, "write HOST:PORT")
	if k.Password != "" && k.Mechanism == "plain" && open {
		c.fail(raw.Password.place, "would go over the network in the clear", "add tls: {}, or another mechanism")
	}
	if raw.Topic.ok {
		k.Topic = raw.Topic.value
		c.template(&raw.Topic, topicForm, "topic", "write letters, digits, dots, hyphens and underscores; {cluster} and {node} stand for the names")
	}
	return k
}

// portOf tells whether a URL's port, where it has one, can be one.
func portOf(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}

// none fails where a list is empty.
func (c *checker) none(n int, field string, at place, remedy string) {
	if _, given := c.positions[at.in(field).path]; given && n == 0 {
		c.fail(at.in(field), "is empty", remedy)
	}
}

// template checks a subject or a topic.
func (c *checker) template(t *text, form *regexp.Regexp, what, remedy string) {
	if !form.MatchString(t.value) || len(t.value) > longestTopic {
		c.fail(t.place, printable(t.value)+" can't be a "+what, remedy)
	}
}

// password checks where a user's password comes from.
func (c *checker) password(user, password *text) Secret {
	switch {
	case !password.given && user.ok:
		c.fail(user.place, "has no password", "add password: file:NAME or env:NAME")
	case password.given && !user.given:
		c.fail(password.place, "is nobody's", "add user: NAME")
	case password.ok:
		secret := elsewhere(password.value)
		if secret == "" {
			c.fail(password.place, "isn't where a password comes from", "write file:NAME or env:NAME")
		}
		return secret
	}
	return ""
}

func (c *checker) brokerTLS(raw *rawBrokerTLS) *BrokerTLS {
	if raw == nil {
		return nil
	}
	if raw.Certificate.given != raw.Key.given {
		c.fail(raw.At, "has one of certificate and key", "add the other, or leave both out")
	}
	return &BrokerTLS{raw.Authorities.value, raw.Certificate.value, raw.Key.value}
}

// Fill puts names in place of a subject's or a topic's {cluster} and {node}; a single node is called node. Dots in a node's name part nothing there.
func (e *Events) Fill(template, node string) string {
	if node == "" {
		node = "node"
	}
	return strings.NewReplacer("{cluster}", e.Cluster, "{node}", strings.ReplaceAll(node, ".", "_")).Replace(template)
}

// Target is where events go, as people read it: the brokers and the subject or topic.
func (e *Events) Target(node string) string {
	if e.NATS != nil {
		return strings.Join(slices.Concat(e.NATS.Servers, []string{e.Fill(e.NATS.Subject, node)}), " ")
	}
	return strings.Join(slices.Concat([]string{"kafka"}, e.Kafka.Brokers, []string{e.Fill(e.Kafka.Topic, node)}), " ")
}
