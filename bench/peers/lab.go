package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/netlab"
)

// A lab is bench/netlab's with addresses more: the server's in the clients' link, and one for each relay.
type lab struct{ *netlab.Lab }

func newLab(ctx context.Context) (*lab, error) {
	made, err := netlab.New(ctx, "l6peers")
	if err != nil {
		return nil, err
	}
	l := &lab{made}
	err = l.Address(ctx, l.Server, footAddress)
	for n := 1; n < relays; n++ { // the first one has the lab's own
		err = errors.Join(err, l.Address(ctx, l.Relays, relayAddress(n)))
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// relayAddress is a relay's own: each has one, so that servers that answer relays at port 547 only can tell them apart.
func relayAddress(n int) string { return fmt.Sprintf("%s%x", relayNetwork, n+2) }

// serve starts a contender with nothing on its disk, lets a load use it, and ends it.
func (l *lab) serve(ctx context.Context, o *options, c *contender, use func(dir string, pid int) error) error {
	dir, err := os.MkdirTemp("/var/tmp", "peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args, err := c.prepare(o, dir)
	if err != nil {
		return err
	}
	server, err := l.Start(ctx, dir, args)
	if err != nil {
		return err
	}
	err = use(dir, server.PID())
	if said := server.Stop(); err != nil {
		err = fmt.Errorf("%w\nthe server said: %s", err, said)
	}
	return err
}

// listening waits until a server has its sockets.
func listening(ctx context.Context, pid int) error {
	const port = ":0223 " // 547, as the kernel writes it behind the local address
	table := filepath.Join("/proc", strconv.Itoa(pid), "net/udp6")
	for begin := time.Now(); time.Since(begin) < netlab.StartTime; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(table)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("the server has ended: %w", err)
		case strings.Contains(string(text), port):
			time.Sleep(300 * time.Millisecond) // some open their sockets before they are ready
			return nil
		}
	}
	return errors.New("the server opens no socket at port 547")
}
