package ddns

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// udpTries is how often a request is sent by UDP before TCP is tried.
const udpTries = 2

// askServer asks one server: by UDP, and by TCP where the request is too long for that, the answer was cut off, or none came.
func (c *Client) askServer(ctx context.Context, s *server, r *request) (*dns.Msg, error) {
	asked := time.Now()
	answer, udpFailed, err := c.tryBoth(ctx, s, r)
	switch {
	case err == nil:
		s.answered(answer.tcp, udpFailed, time.Now())
		return answer.Msg, nil
	case ctx.Err() == nil:
		s.failed(asked, time.Now())
	}
	return nil, err
}

// An answer is a message and the way that it came.
type answer struct {
	*dns.Msg
	tcp bool
}

func (c *Client) tryBoth(ctx context.Context, s *server, r *request) (a answer, udpFailed bool, err error) {
	if len(r.wire) <= dns.MinMsgSize && !s.streamFirst(time.Now()) {
		m, err := c.tryUDP(ctx, s, r)
		if err == nil && !m.Truncated || ctx.Err() != nil {
			return answer{Msg: m}, false, ended(ctx, err)
		}
		if udpFailed = err != nil; udpFailed {
			m, tcpErr := c.tryTCP(ctx, s, r)
			if tcpErr != nil && failureOf(tcpErr) == NoAnswer {
				tcpErr = err // what UDP says is what is looked for: port 53 is often closed for TCP
			}
			return answer{m, true}, true, ended(ctx, tcpErr)
		}
	}
	m, err := c.tryTCP(ctx, s, r)
	return answer{m, true}, udpFailed, ended(ctx, err)
}

// tryUDP sends a request, and again where nothing comes. The socket is connected, so that only this server's answers arrive.
func (c *Client) tryUDP(ctx context.Context, s *server, r *request) (*dns.Msg, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.addr))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var m *dns.Msg
	for range udpTries {
		m, err = c.tryDatagram(ctx, conn, r)
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	return m, c.inWords(err)
}

// tryDatagram sends a request once. An answer that isn't right is no end: whoever forges one mustn't be able to keep the real one away
// (RFC 8945, Section 5.4).
func (c *Client) tryDatagram(ctx context.Context, conn *net.UDPConn, r *request) (*dns.Msg, error) {
	if err := conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(r.wire); err != nil {
		return nil, err
	}
	var wrong error
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, cmp.Or(wrong, err)
		}
		m, err := r.read(buffer[:n], c.now())
		if err == nil {
			return m, nil
		}
		if wrong == nil || failureOf(err) == NotTrusted {
			wrong = bad(err)
		}
	}
}

// tryTCP sends a request over a connection of its own.
func (c *Client) tryTCP(ctx context.Context, s *server, r *request) (*dns.Msg, error) {
	conn, err := c.dial(ctx, s)
	if err != nil {
		return nil, c.inWords(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := writeFrame(conn, r.wire); err != nil {
		return nil, c.inWords(err)
	}
	in, err := readFrame(conn, nil)
	if err != nil {
		return nil, c.inWords(err)
	}
	m, err := r.read(in, c.now())
	switch {
	case err != nil:
		return nil, bad(err)
	case m.Truncated:
		return nil, &malformedError{errors.New("the answer is cut off, though it came by TCP")}
	}
	return m, nil
}

func (c *Client) dial(ctx context.Context, s *server) (net.Conn, error) {
	dialer := net.Dialer{Timeout: c.timeout}
	return dialer.DialContext(ctx, "tcp", s.addr.String())
}

// bad is an error of request.read: of trust, or else of form.
func bad(err error) error {
	if failureOf(err) == NotTrusted {
		return err
	}
	return &malformedError{err}
}

// inWords is an error of a socket as operators want to read it.
func (c *Client) inWords(err error) error {
	switch {
	case failureOf(err) != NoAnswer:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer within %v", c.timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("nobody listens there")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET):
		return errors.New("the server closes the connection without an answer")
	}
	return err
}

// writeFrame writes a message with its length in front (RFC 1035, Section 4.2.2).
func writeFrame(w io.Writer, message []byte) error {
	if len(message) > dns.MaxMsgSize {
		return fmt.Errorf("a message of %d octets is too long for DNS", len(message))
	}
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}

// readFrame reads one, into buffer where that is large enough.
func readFrame(r io.Reader, buffer []byte) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if cap(buffer) < n {
		buffer = make([]byte, n)
	}
	_, err := io.ReadFull(r, buffer[:n])
	return buffer[:n], err
}
