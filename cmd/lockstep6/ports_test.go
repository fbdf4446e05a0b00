package main

import (
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
)

// ports are numbers to be tried next. The kernel gives nobody's sockets one of these, who asks for any: what is free stays free until its node has started.
var ports atomic.Uint32

func init() { ports.Store(rand.Uint32N(lastPort - firstPort)) }

const firstPort, lastPort = 10000, 32000

// free is an address with a port that can be opened.
func free(t *testing.T, host string, open func(address string) (io.Closer, error)) string {
	t.Helper()
	var err error
	for range 1000 {
		address := net.JoinHostPort(host, strconv.Itoa(int(firstPort+ports.Add(1)%(lastPort-firstPort))))
		var c io.Closer
		if c, err = open(address); err == nil {
			_ = c.Close()
			return address
		}
	}
	t.Fatal(err)
	return ""
}

func freeUDP(t *testing.T) string {
	t.Helper()
	return free(t, "::1", func(address string) (io.Closer, error) { return net.ListenPacket("udp6", address) })
}

func freeTCP(t *testing.T, host string) string {
	t.Helper()
	return free(t, host, func(address string) (io.Closer, error) { return net.Listen("tcp", address) })
}
