package main

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// A crowd is clients that live as long as their script.
type crowd struct {
	load *load.Generator
	size int
}

// leases are what a crowd's clients hold.
func (c *crowd) leases() (out []netip.Prefix) {
	for n := range c.size {
		for _, kind := range [...]wire.Kind{wire.IANA, wire.IAPD} {
			lease, _, _ := c.load.Holding(n, kind)
			out = append(out, lease)
		}
	}
	return out
}

// setup gives a script an empty crowd.
func (c *crowd) setup(e *testscript.Env) {
	e.Values["crowd"] = c
	e.Defer(func() {
		if c.load != nil {
			_ = c.load.Close()
		}
	})
}

func parseServers(ts *testscript.TestScript, text string) (servers []netip.AddrPort) {
	for part := range strings.SplitSeq(text, ",") {
		server, err := netip.ParseAddrPort(part)
		ts.Check(err)
		servers = append(servers, server)
	}
	return servers
}

// gather is the command of that name.
func gather(ts *testscript.TestScript, _ bool, args []string) {
	c := ts.Value("crowd").(*crowd)
	if len(args) != 2 || c.load != nil {
		ts.Fatalf("usage: gather ADDR:PORT,... N; once")
	}
	var err error
	c.size, err = strconv.Atoi(args[1])
	ts.Check(err)
	times := load.StandardTimes()
	times.Rebind.Initial = 1500 * time.Millisecond // after which a Rebind isn't left to its server any more
	c.load, err = load.Open(load.Config{
		Clients: c.size, Servers: parseServers(ts, args[0]), Relays: 1, Window: 16, Prefixes: true, Times: times,
		LinkAddress: netip.MustParseAddr("2001:db8:1::1"), InterfaceID: true, RemoteID: true,
	})
	ts.Check(err)
	turn(ts, c, load.Acquire)
}

// keep is the command of that name.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	c := ts.Value("crowd").(*crowd)
	if len(args) != 1 || c.load == nil {
		ts.Fatalf("usage: keep renew|rebind; after gather")
	}
	task, ok := map[string]load.Task{"renew": load.Renew, "rebind": load.Rebind}[args[0]]
	if !ok {
		ts.Fatalf("keep: %q is neither renew nor rebind", args[0])
	}
	before := c.leases()
	turn(ts, c, task)
	for i, lease := range c.leases() {
		if !lease.IsValid() || lease != before[i] {
			ts.Fatalf("client %d had %v and has %v", i/2, before[i], lease)
		}
	}
}

// turn has the crowd's clients do a task.
func turn(ts *testscript.TestScript, c *crowd, task load.Task) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report, err := c.load.Run(ctx, load.Job{Task: task})
	ts.Check(err)
	if report.Failed > 0 {
		ts.Fatalf("%d of %d clients failed", report.Failed, report.Asked)
	}
}

// solicits is the command of that name.
func solicits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: solicits ADDR:PORT N DIR")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	c, err := net.Dial("udp6", args[0])
	ts.Check(err)
	defer c.Close()
	node, err := admin.Dial(filepath.Join(ts.MkAbs(args[2]), "admin.sock"))
	ts.Check(err)
	defer node.Close()
	for heard, shed := counted(ts, node); ; {
		for i := range n {
			_, err := c.Write(solicit(i))
			ts.Check(err)
		}
		before := shed
		for sent, start := heard+uint64(n), time.Now(); heard < sent; time.Sleep(10 * time.Millisecond) {
			if heard, shed = counted(ts, node); time.Since(start) > patience {
				ts.Fatalf("the node never counted %d messages", n)
			}
		}
		if shed == before {
			return
		}
	}
}

// counted is how many messages a node has counted, and how many of them it shed.
func counted(ts *testscript.TestScript, node *admin.Client) (all, shed uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := node.State(ctx)
	ts.Check(err)
	for _, by := range []map[string]uint64{s.Answered, s.Dropped} {
		for _, n := range by {
			all += n
		}
	}
	return all, s.Dropped[wire.DropOverload.String()]
}

// solicit is a relayed client's.
func solicit(client int) []byte {
	mac := []byte{2, 0, 0, 0, 1, byte(client)}
	m := wire.AppendHeader(nil, wire.Solicit, [3]byte{0, 1, byte(client)})
	m = wire.AppendOption(m, wire.OptionClientID, append([]byte{0, wire.DUIDLL, 0, 1}, mac...))
	for kind := range 2 {
		var mark int
		m, mark = wire.OpenIA(m, wire.IANA+wire.Kind(kind), 1)
		m = wire.CloseOption(m, mark)
	}
	link, peer := netip.MustParseAddr("2001:db8:1::1").As16(), netip.MustParseAddr("fe80::ff:fe00:100").As16()
	peer[15] = byte(client)
	relayed := append(append([]byte{byte(wire.RelayForward), 0}, link[:]...), peer[:]...)
	return wire.AppendOption(relayed, wire.OptionRelayMessage, m)
}
