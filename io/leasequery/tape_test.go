package leasequery

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A tape is a connection whose peer has said all that it will ever say, and takes whatever it is sent.
type tape struct {
	net.Conn
	in   *bytes.Reader
	some int // at most so many octets come at a time; 0: as many as fit
	ends int // how often the end was read

	mu  sync.Mutex // of out
	out []byte
}

func newTape(octets []byte, some int) *tape { return &tape{in: bytes.NewReader(octets), some: some} }

// Read implements net.Conn.
func (c *tape) Read(b []byte) (int, error) {
	if c.some > 0 {
		b = b[:min(len(b), c.some)]
	}
	n, err := c.in.Read(b)
	if err == io.EOF {
		c.ends++
	}
	return n, err
}

// Write implements net.Conn.
func (c *tape) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(c.out, b...)
	return len(b), nil
}

func (c *tape) Close() error { return nil }

func (c *tape) SetDeadline(time.Time) error { return nil }

func (c *tape) SetReadDeadline(time.Time) error { return nil }

func (c *tape) SetWriteDeadline(time.Time) error { return nil }

// told is what was sent.
func (c *tape) told() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out
}

// frames are the whole messages on a stream, and what is left behind them.
func frames(b []byte) (all [][]byte, rest []byte) {
	for len(b) >= frameHeader {
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < frameHeader+n {
			break
		}
		all, b = append(all, b[frameHeader:frameHeader+n]), b[frameHeader+n:]
	}
	return all, b
}

// answering is a server of three clients.
func answering(c Config) *Server {
	c.Logger = discard
	return &Server{config: c, responder: NewResponder(&fake{found: crowd(3), now: 1000, oldest: 50}, rules())}
}

// play has the server answer a connection on which these octets come, until it ends it.
func (s *Server) play(octets []byte, some int) (*tape, *connection, error) {
	at := newTape(octets, some)
	c := &connection{server: s, conn: at, plain: at, out: writer{conn: at, limit: time.Minute}}
	return at, c, c.run(context.Background())
}

// goldenQueries are good messages of all kinds that a requestor sends by TCP, framed.
func goldenQueries() (all [][]byte) {
	for n, q := range []query.Question{
		{Type: query.ByAddress, Address: client(1, 0).Client[0].Key.Address},
		{Type: query.ByClientID, DUID: client(2, 0).Client.DUID(), BaseTime: true},
		{Type: query.ByRelayID, DUID: []byte{0, 3, 0, 1, 9, 1}, Start: 101, HasStart: true, End: 102, HasEnd: true},
		{Type: query.ByLink, LinkAddress: links[0], Options: []byte{0, byte(wire.OptionIANA), 0, byte(wire.OptionIAPD)}},
		{Type: query.ByRemoteID, RemoteID: []byte{0, 0, 0, 9, 3}},
	} {
		all = append(all, framed(query.AppendQuestion(nil, wire.Leasequery, [3]byte{1, 1, byte(n)}, requestor, &q)))
	}
	active := query.Question{Type: query.ByLink, LinkAddress: links[0], Start: 60, HasStart: true}
	return append(all, framed(query.AppendQuestion(nil, wire.ActiveLeasequery, [3]byte{1, 2, 0}, requestor, &active)),
		framed(query.AppendQuestion(nil, wire.ActiveLeasequery, [3]byte{1, 2, 1}, requestor, &query.Question{})),
		framed(wire.AppendHeader(nil, wire.StartTLS, [3]byte{1, 3, 0})))
}

// TestGoldenQueries: each query that comes by TCP, each cut of it, and each with one octet changed to any other value, is answered, or counted
// as dropped or the connection as rejected. So it is with a query before it, which is answered whatever follows.
func TestGoldenQueries(t *testing.T) {
	first := goldenQueries()[4]
	for name, config := range map[string]Config{
		"open": {Active: true, Insecure: true}, "closed": {}, "TLS only": {Required: true, TLS: &tls.Config{}},
	} {
		s := answering(config)
		answered, counted, step := 0, uint64(0), 17
		if name == "open" && !testing.Short() && !raceDetector {
			step = 1
		}
		check := func(b []byte) {
			before := s.responder.Counters.Read()
			at, _, err := s.play(b, 0)
			after := s.responder.Counters.Read()
			n := after.Dropped + after.Rejected - before.Dropped - before.Rejected
			if counted += n; len(at.told()) > 0 {
				answered++
			} else if n != 1 {
				t.Fatalf("%s: %x is not answered and counted %d times: %v", name, b, n, err)
			}
		}
		for _, q := range goldenQueries() {
			check(q)
			for end := 1; end < len(q); end++ {
				check(q[:end])
			}
			for i := range q {
				for change := step; change < 256; change += step {
					changed := bytes.Clone(q)
					changed[i] ^= byte(change)
					check(changed)
				}
				if at, _, _ := s.play(append(bytes.Clone(first), q[:i]...), 0); !config.Required && len(at.told()) == 0 {
					t.Fatalf("%s: with %x behind it a query isn't answered", name, q[:i])
				}
			}
		}
		if answered == 0 || counted == 0 {
			t.Errorf("%s: %d answered, %d counted", name, answered, counted)
		}
	}
}

// TestGoldenDatagrams: the same by UDP, direct and relayed: there is a reply, or a drop is counted.
func TestGoldenDatagrams(t *testing.T) {
	r := answering(Config{}).responder
	answered, dropped := 0, 0
	check := func(b []byte) {
		before := r.Counters.Read().Dropped
		reply, _ := r.UDP(b, asker)
		counted := r.Counters.Read().Dropped - before
		if (reply == nil) != (counted == 1) || counted > 1 {
			t.Fatalf("%x is answered by %x and counted %d times", b, reply, counted)
		}
		if reply == nil {
			dropped++
		} else {
			answered++
		}
	}
	for _, q := range goldenQueries()[:5] {
		direct := q[frameHeader:]
		behind := append(append([]byte{byte(wire.RelayForward), 0}, links[0][:]...), links[1][:]...)
		for _, m := range [][]byte{direct, wire.AppendOption(behind, wire.OptionRelayMessage, direct)} {
			for end := range len(m) + 1 {
				check(m[:end])
			}
			for i := range m {
				for change := 1; change < 256; change += 2 {
					changed := bytes.Clone(m)
					changed[i] ^= byte(change)
					check(changed)
				}
			}
		}
	}
	if answered == 0 || dropped == 0 {
		t.Errorf("%d answered, %d dropped", answered, dropped)
	}
}
