package main

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/core/wire"
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
