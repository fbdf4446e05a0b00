package events

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// The NATS library tries each server once before it returns a connection, and while it waits for one it holds what it needs to close. A dialer fails
// those first tries at once, so that the library goes on in the background as after any failure, and cuts off what it waits for at the end: a server
// that says nothing holds up neither a node's start nor its stop.
type dialer struct {
	net.Dialer
	ctx context.Context // of the broker; its end closes the connection
	end func()

	mu     sync.Mutex
	first  int         // tries that fail at once
	waited bool        // the time after these is over
	forget func() bool // the connection before
	last   error       // of the newest try
}

var errFirst = errors.New("connecting")

// natsAgain is the time between two rounds of all servers; up to a tenth more comes to it, so that not all nodes try at once.
const natsAgain = time.Second

func newDialer(servers int, timeout time.Duration) *dialer {
	d := &dialer{Dialer: net.Dialer{Timeout: timeout}, first: servers}
	d.ctx, d.end = context.WithCancel(context.Background())
	return d
}

// Dial implements nats.CustomDialer. The library makes one connection at a time.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	if d.early() {
		return nil, errFirst
	}
	c, err := d.DialContext(d.ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last = err; err != nil {
		return nil, err
	}
	if d.forget != nil {
		d.forget()
	}
	d.forget = context.AfterFunc(d.ctx, func() { _ = c.Close() }) // nobody reads from it any more
	return c, nil
}

func (d *dialer) early() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first == 0 {
		return false
	}
	d.first--
	return true
}

// wait is how long it is until the next round of all servers.
func (d *dialer) wait(int) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.waited {
		d.waited = true
		return 0
	}
	return natsAgain + rand.N(natsAgain/10)
}

// trouble is why there was no connection by the newest try; nil: there was one.
func (d *dialer) trouble() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}
