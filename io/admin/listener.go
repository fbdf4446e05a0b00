package admin

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConnections is how many connections by TCP are open at a time; more wait in the kernel.
const maxConnections = 128

// A crowd is a listener with room for so many connections.
type crowd struct {
	net.Listener
	room chan struct{}
	once sync.Once
	done chan struct{}
}

func newCrowd(l net.Listener, most int) *crowd {
	return &crowd{Listener: l, room: make(chan struct{}, most), done: make(chan struct{})}
}

// Accept implements net.Listener. It waits for room first.
func (c *crowd) Accept() (net.Conn, error) {
	select {
	case c.room <- struct{}{}:
	case <-c.done:
		return nil, net.ErrClosed
	}
	conn, err := c.Listener.Accept()
	if err != nil {
		<-c.room
		return nil, err
	}
	return &guest{Conn: conn, leave: sync.OnceFunc(func() { <-c.room })}, nil
}

// Close implements net.Listener.
func (c *crowd) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Listener.Close()
}

// A guest is a connection that takes room.
type guest struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}

// Whoever reads an answer must take so many octets within so much time, else he is cut off: he holds memory, and the node's end.
const (
	patienceOctets = 64 << 10
	patienceTime   = 30 * time.Second
)

// A patient answer goes on for as long as its reader takes it, however long it is.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	left    int // octets until the reader has earned himself more time
}

func newPatient(w http.ResponseWriter) *patient {
	return &patient{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap lets http.ResponseController find what is behind.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (int, error) {
	if p.left -= len(b); p.left <= 0 {
		p.left = patienceOctets
		_ = p.control.SetWriteDeadline(time.Now().Add(patienceTime)) // both kinds of connection can
	}
	return p.ResponseWriter.Write(b)
}
