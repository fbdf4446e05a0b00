package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/events"
)

// CheckEvents checks what events refers to: files of certificates and secrets.
func CheckEvents(c *config.Config, file string) error {
	e := c.Events
	if e == nil {
		return nil
	}
	fault := func(field string, err error) error {
		if err == nil {
			return nil
		}
		at := positionOf(c, field)
		return config.Errors{{File: file, Line: max(at.Line, 1), Column: max(at.Column, 1), Field: field, Problem: err.Error(), Remedy: "have it there, readable for the node's user"}}
	}
	if e.Kafka != nil {
		if _, err := brokerTLS(e.Kafka.TLS, file); err != nil {
			return fault("events.kafka.tls", err)
		}
		return fault("events.kafka.password", checkSecret(e.Kafka.Password, file))
	}
	if _, err := brokerTLS(e.NATS.TLS, file); err != nil {
		return fault("events.nats.tls", err)
	}
	if e.NATS.Credentials != "" {
		if _, err := readBounded(beside(file, e.NATS.Credentials)); err != nil {
			return fault("events.nats.credentials", err)
		}
	}
	return fault("events.nats.password", checkSecret(e.NATS.Password, file))
}

func checkSecret(s config.Secret, file string) error {
	if s == "" {
		return nil
	}
	_, err := secretText(s, file, "")
	return err
}

// newBroker makes the broker that a configuration names. It doesn't wait for a connection.
func newBroker(e *config.Events, file, node string) (events.Broker, error) {
	name := "lockstep6 " + strings.TrimSuffix(e.Cluster+" "+node, " ")
	timeout := time.Duration(e.Timeout) * time.Second
	if k := e.Kafka; k != nil {
		return opened(events.NewKafka(&events.KafkaSettings{
			Brokers: k.Brokers, Topic: e.Fill(k.Topic, node), Mechanism: k.Mechanism, User: k.User, TLS: tlsOf(k.TLS, file), Name: strings.ReplaceAll(name, " ", "-"),
			Password: func() (string, error) { return secretText(k.Password, file, "") }, Timeout: timeout,
		}))
	}
	n := e.NATS
	return opened(events.NewNATS(&events.NATSSettings{
		Servers: n.Servers, Subject: e.Fill(n.Subject, node), Credentials: beside(file, n.Credentials), User: n.User, TLS: tlsOf(n.TLS, file), Name: name,
		Password: func() (string, error) { return secretText(n.Password, file, "") }, Timeout: timeout,
	}))
}

// opened is a broker as an interface, which is nil where there was an error.
func opened[B events.Broker](b B, err error) (events.Broker, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

// tlsOf has the files of TLS read for each connection, so that a new certificate needs no reload; nil: there is no TLS.
func tlsOf(t *config.BrokerTLS, file string) func() (*tls.Config, error) {
	if t == nil {
		return nil
	}
	return func() (*tls.Config, error) { return brokerTLS(t, file) }
}

// brokerTLS reads the files of TLS; nil: there is none to be.
func brokerTLS(t *config.BrokerTLS, file string) (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.Authorities != "" {
		path := beside(file, t.Authorities)
		pem, err := readBounded(path)
		if err != nil {
			return nil, err
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate", path)
		}
	}
	if t.Certificate != "" {
		own, err := tls.LoadX509KeyPair(beside(file, t.Certificate), beside(file, t.Key))
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}
