package leasequery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Over TCP each message stands behind its length in two octets (RFC 5460, Section 5.1).
const frameHeader = 2

// errFrame is a message that is too long for its length.
var errFrame = errors.New("a message is longer than 65,535 octets")

// readFrame reads one message into buffer, which grows. Each read must bring something within the limit. At the end of the
// stream between two messages the error is io.EOF.
func readFrame(c net.Conn, buffer []byte, limit time.Duration) ([]byte, error) {
	var header [frameHeader]byte
	if err := readAll(c, header[:], limit); err != nil {
		return buffer, err
	}
	n := int(binary.BigEndian.Uint16(header[:]))
	if cap(buffer) < n {
		buffer = make([]byte, n)
	}
	buffer = buffer[:n]
	err := readAll(c, buffer, limit)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return buffer, err
}

func readAll(c net.Conn, b []byte, limit time.Duration) error {
	for done := 0; done < len(b); {
		if err := c.SetReadDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
		n, err := c.Read(b[done:])
		done += n
		switch {
		case done == len(b):
			return nil
		case errors.Is(err, io.EOF) && done > 0:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return nil
}

// A writer gathers messages and sends them in pieces of some kilooctets, so that a stream of millions isn't a system call each.
type writer struct {
	conn    net.Conn
	limit   time.Duration // within which each piece must be taken
	hurried atomic.Bool   // within farewell instead
	pending []byte
}

// writeSize is from how many octets on what is pending is sent.
const writeSize = 32 << 10

// add appends one message by fill, which appends to what it gets.
func (w *writer) add(fill func(dst []byte) []byte) error {
	start := len(w.pending)
	w.pending = fill(append(w.pending, 0, 0))
	n := len(w.pending) - start - frameHeader
	if n > 0xffff {
		w.pending = w.pending[:start]
		return errFrame
	}
	binary.BigEndian.PutUint16(w.pending[start:], uint16(n))
	if len(w.pending) < writeSize {
		return nil
	}
	return w.flush()
}

// flush sends what is pending.
func (w *writer) flush() error {
	if len(w.pending) == 0 {
		return nil
	}
	if err := w.arm(); err != nil {
		return err
	}
	_, err := w.conn.Write(w.pending)
	w.pending = w.pending[:0]
	if err != nil {
		return fmt.Errorf("the requestor doesn't take what it asked for: %w", err)
	}
	return nil
}

// arm sets until when the next piece must be taken. Who hurries the writer doesn't wait for it, so that may happen at any moment.
func (w *writer) arm() error {
	hurried, limit := w.hurried.Load(), w.limit
	if hurried {
		limit = farewell
	}
	err := w.conn.SetWriteDeadline(time.Now().Add(limit))
	if err == nil && !hurried && w.hurried.Load() {
		return w.conn.SetWriteDeadline(time.Now().Add(farewell))
	}
	return err
}
