package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/lockstep6/lockstep6/bench/netlab"
	"github.com/lockstep6/lockstep6/bench/subscriber"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A flood is what one relay sends: Solicits of clients that never read an answer.
type flood struct {
	Source  string // the relay's address
	Clients int    // behind it, in turn; 1: one client in a loop
	Rate    float64
}

// A torrent is a running flood.
type torrent struct {
	conn *net.UDPConn
	sent uint64 // read it after end
	stop context.CancelFunc
	done chan error
}

// open opens the flood's socket, in the namespace of the calling thread. It has the relays' own port, so that answers find one and are
// dropped there: the room for them is small.
func (f *flood) open() (*torrent, error) {
	conn, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(f.Source), 547)))
	if err != nil {
		return nil, err
	}
	return &torrent{conn: conn, done: make(chan error, 1)}, errors.Join(conn.SetReadBuffer(1), conn.SetWriteBuffer(1<<20))
}

// begin begins to send, until end.
func (t *torrent) begin(ctx context.Context, f *flood) {
	ctx, t.stop = context.WithCancel(ctx)
	go func() { t.done <- t.send(ctx, f) }()
}

// turn is how often so many messages are sent as are due.
const turn = 2 * time.Millisecond

func (t *torrent) send(ctx context.Context, f *flood) error {
	to := netip.AddrPortFrom(netip.MustParseAddr(netlab.ServerAddress), 547)
	template := subscriber.New(wire.Solicit, wire.IANA, netip.MustParseAddr(netlab.LinkAddress).As16(), nil, false, 0)
	buffer := make([]byte, template.Len())
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for due := uint64(f.Rate * time.Since(began).Seconds()); t.sent < due; t.sent++ {
			message := template.Write(buffer, 1+t.sent%uint64(f.Clients), uint32(t.sent), nil)
			if _, err := t.conn.WriteToUDPAddrPort(message, to); err != nil {
				return err
			}
		}
	}
}

// end ends the flood, and returns how many messages were sent.
func (t *torrent) end() (uint64, error) {
	err := error(nil)
	if t.stop != nil {
		t.stop()
		err = <-t.done
	}
	return t.sent, errors.Join(err, t.conn.Close())
}
