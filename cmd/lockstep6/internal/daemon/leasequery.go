package daemon

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/leasequery"
)

// queries is what a node needs to be asked for its bindings.
type queries struct {
	d         *Daemon
	responder *leasequery.Responder
	server    *leasequery.Server
	asides    []chan worker.Datagram // by worker: queries by UDP that wait for their answer

	mu    sync.Mutex
	ended query.Ended
}

const (
	asideMost  = 256     // queries by UDP that may wait, of each worker; beyond that they are dropped and counted
	endedMost  = 1 << 18 // ended leases that are remembered for active queries, some 400 octets each
	cleanEvery = time.Hour
)

// openQueries binds what leasequery.listen names. Without leasequery in the configuration there is nothing.
func (d *Daemon) openQueries() error {
	c := d.inForce.config.Leasequery
	if c == nil {
		return nil
	}
	q := &queries{d: d}
	limits := leasequery.DefaultLimits
	limits.Connections = c.Connections
	limits.Data, limits.Query = time.Duration(c.Data)*time.Second, time.Duration(c.Query)*time.Second
	q.responder = leasequery.NewResponder(q, leasequery.Rules{Requestors: c.Requestors, Hidden: c.Hidden, Limits: limits})
	settings := leasequery.Config{Listen: c.Listen, Logger: d.log}
	if c.Active != nil {
		settings.Active, settings.Insecure = true, c.Active.Insecure
		q.ended = query.Ended{Keep: binding.Time(c.Active.Keep), Most: endedMost, From: worker.Time(d.clock())}
	}
	var err error
	if settings.TLS, err = d.queryTLS(c.TLS); err != nil {
		return err
	}
	if c.TLS != nil {
		settings.Names, settings.Required = c.TLS.Names, c.TLS.Required
	}
	if q.server, err = leasequery.Open(q.responder, settings); err != nil {
		return err
	}
	d.queries = q
	return nil
}

// queryTLS reads the certificates; nil: there is no TLS.
func (d *Daemon) queryTLS(c *config.LeasequeryTLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil
	}
	file := func(name string) string { return beside(d.options.ConfigFile, name) }
	own, err := tls.LoadX509KeyPair(file(c.Certificate), file(c.Key))
	if err != nil {
		return nil, fmt.Errorf("leasequery.tls.certificate: %w", err)
	}
	pem, err := os.ReadFile(file(c.Authorities))
	if err != nil {
		return nil, fmt.Errorf("leasequery.tls.authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("leasequery.tls.authorities: %s has no certificate in PEM", c.Authorities)
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: pool}, nil
}

// aside makes what takes a worker's queries; nil: nobody asks for bindings.
func (q *queries) aside() func(*worker.Datagram) bool {
	if q == nil {
		return nil
	}
	queue := make(chan worker.Datagram, asideMost)
	q.asides = append(q.asides, queue)
	return func(d *worker.Datagram) bool {
		if len(queue) == cap(queue) {
			return false
		}
		own := *d
		own.Data = bytes.Clone(d.Data)
		queue <- own // the worker is the only one who puts, so that there is still room
		return true
	}
}

// answer answers one worker's queries by UDP.
func (q *queries) answer(ctx context.Context, socket worker.Socket, queue <-chan worker.Datagram) {
	for {
		var d worker.Datagram
		select {
		case d = <-queue:
		case <-ctx.Done():
			return
		}
		data, port := q.responder.UDP(d.Data, netip.AddrPortFrom(netip.AddrFrom16(d.Source), d.SourcePort))
		if data == nil {
			continue
		}
		reply := worker.Reply{Data: data, Destination: d.Source, Port: port, Socket: d.Socket, Interface: d.Interface}
		if d.Destination[0] != 0xff {
			reply.Source = d.Destination
		}
		socket.Send(worker.LaneAside, []worker.Reply{reply})
	}
}

// run does what leasequery needs until the context ends, in goroutines of the group.
func (q *queries) run(ctx context.Context, group *sync.WaitGroup, failed func(error)) {
	if q == nil {
		return
	}
	for i, queue := range q.asides {
		group.Go(func() { q.answer(ctx, q.d.workers[i].Socket, queue) })
	}
	group.Go(func() {
		if err := q.server.Serve(ctx); err != nil {
			failed(err)
		}
	})
	group.Go(func() { q.keepIndex(ctx) })
	if q.ended.Keep > 0 {
		w := q.d.feed.follow()
		group.Go(func() { q.remember(ctx, w) })
	}
}

// keepIndex makes the index where there is none yet, and rids it now and then of what has ended.
func (q *queries) keepIndex(ctx context.Context) {
	if !q.d.store.IndexWhole() {
		start := time.Now()
		err := q.d.store.BuildIndex(ctx, nil)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			q.d.log.Warn("the index for leasequery couldn't be made; until the next start queries look through all bindings",
				"id", "index-failed", "error", err)
			return
		}
		q.d.log.Info("the index for leasequery is made", "id", "index-made", "took", time.Since(start).Round(time.Millisecond))
	}
	tick := time.NewTicker(cleanEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := q.cleanIndex(ctx); err != nil && ctx.Err() == nil {
			q.d.log.Warn("the index for leasequery couldn't be cleaned up; it grows until it can", "id", "index-unclean", "error", err)
		}
	}
}

func (q *queries) cleanIndex(ctx context.Context) error {
	h := q.d.table.NewHandle()
	defer h.Close()
	_, _, err := q.d.store.CleanIndex(ctx, func(key []byte, has func(by uint8, identifier []byte) bool) bool {
		k, err := binding.DecodeKey(key)
		if err != nil {
			return false
		}
		h.Enter()
		defer h.Leave()
		r := h.Find(&k)
		if r == nil {
			return false
		}
		s := binding.Copy(r)
		for by, identifier := range query.Identifiers(&s) {
			if has(uint8(by), identifier) {
				return true
			}
		}
		return false
	})
	return err
}

// remember keeps what has ended, for active queries of requestors that were away.
func (q *queries) remember(ctx context.Context, w *follower) {
	for {
		select {
		case changes, ok := <-w.changes:
			w.took(changes)
			q.mu.Lock()
			now := worker.Time(q.d.clock())
			if ok {
				q.ended.Take(changes, now)
			} else {
				q.ended.From = now + 1 // some were missed
				w = q.d.feed.follow()
			}
			q.mu.Unlock()
		case <-ctx.Done():
			q.d.feed.leave(w)
			return
		}
	}
}

// errNoStore says that the index can't be read.
var errNoStore = errors.New("the store can't be read now")
