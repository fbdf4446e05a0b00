package admin

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

const (
	// maxConnections is how many connections by TCP are open at a time.
	maxConnections = 128
	// maxRequests is how many requests by TCP are being answered at a time, beside those of unqueued. What is left of the
	// connections is for those.
	maxRequests = 96
)

// unqueued is what is answered however many ask for other things: whoever watches the node asks for it. The metrics have a bound of
// their own.
var unqueued = append([]string{"/metrics"}, open...)

// A crowd is a listener with room for so many connections. Where it is full the next one takes the place of the one that has
// gone for the longest without a request that is being answered: who only sits there, or is slow to ask, keeps nobody out.
type crowd struct {
	net.Listener
	most   int
	lock   sync.Mutex
	moment uint64 // counts what happens
	guests map[*guest]bool
}

// A guest is a connection that takes room.
type guest struct {
	net.Conn
	crowd  *crowd
	served bool   // a request of its is being answered
	since  uint64 // the moment at which it came, or its last request was answered
}

func newCrowd(l net.Listener, most int) *crowd {
	return &crowd{Listener: l, most: most, guests: make(map[*guest]bool)}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, crowd: c}
	if goes := c.admit(g); goes != nil {
		_ = goes.Close()
	}
	return g, nil
}

// admit lets a guest in, and returns the one who must go for that: himself, where all others are being served.
func (c *crowd) admit(g *guest) (goes *guest) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.moment++
	g.since, c.guests[g] = c.moment, true
	if len(c.guests) <= c.most {
		return nil
	}
	for other := range c.guests {
		if !other.served && (goes == nil || other.since < goes.since) {
			goes = other
		}
	}
	delete(c.guests, goes)
	return goes
}

// serve notes that a request of the guest's is being answered, or was.
func (g *guest) serve(begins bool) {
	g.crowd.lock.Lock()
	defer g.crowd.lock.Unlock()
	g.crowd.moment++
	g.served, g.since = begins, g.crowd.moment
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.crowd.lock.Lock()
	delete(g.crowd.guests, g)
	g.crowd.lock.Unlock()
	return g.Conn.Close()
}

// guestKey is the key under which a request's context has its guest.
type guestKey struct{}

// introduce is http.Server's ConnContext.
func introduce(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if g, ok := conn.(*guest); ok {
		return context.WithValue(ctx, guestKey{}, g)
	}
	return ctx
}

// enter lets a request that is permitted have an answer, or refuses it where too many have one. Leave is to be called after the
// answer.
func (a *access) enter(w http.ResponseWriter, r *http.Request, queued bool) (leave func(), entered bool) {
	if queued && a.turns != nil {
		select {
		case a.turns <- struct{}{}:
		default:
			busy(w, cap(a.turns))
			return nil, false
		}
	}
	g, has := r.Context().Value(guestKey{}).(*guest)
	if has {
		g.serve(true)
	}
	return func() {
		if has {
			g.serve(false)
		}
		if queued && a.turns != nil {
			<-a.turns
		}
	}, true
}
