package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/meter"
	"github.com/lockstep6/lockstep6/bench/netlab"
)

// What perfdhcp says at its end of one kind of exchange.
type statistics struct{ sent, received float64 }

// A tally is what perfdhcp says at its end.
type tally struct{ solicits, requests statistics }

// perfdhcpMost is about what perfdhcp can do, so that no search begins far above it.
const perfdhcpMost = 20_000

// dropped is the share of clients that sent a Solicit and got no Reply within a second.
func (t *tally) dropped() float64 {
	if t.solicits.sent == 0 {
		return 1
	}
	return 1 - t.requests.received/t.solicits.sent
}

// parseTally reads perfdhcp's final report.
func parseTally(report string) (t tally, err error) {
	var now *statistics
	found := 0
	for line := range strings.Lines(report) {
		key, value, ok := strings.Cut(strings.Trim(line, "* \n"), ": ")
		if !ok {
			continue
		}
		switch key {
		case "Statistics for":
			now = map[string]*statistics{"SOLICIT-ADVERTISE": &t.solicits, "REQUEST-REPLY": &t.requests}[value]
			continue
		case "sent packets", "received packets":
		default:
			continue
		}
		if now == nil {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return t, fmt.Errorf("perfdhcp's report: %w", err)
		}
		if found++; key == "sent packets" {
			now.sent = n
		} else {
			now.received = n
		}
	}
	if found != 4 {
		return t, fmt.Errorf("perfdhcp's report has %d of 4 counts:\n%s", found, report)
	}
	return t, nil
}

// perfdhcp runs it, and returns what it said and its processor time. It ends with 3 where anything was dropped.
func (l *lab) perfdhcp(ctx context.Context, rate float64) (t tally, cpu time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, netlab.StartTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", "netns", "exec", l.Relays, "perfdhcp", "-6", "-l", "eth0", "-e", "address-only",
		"-r", strconv.Itoa(max(int(rate), 1)), "-R", "1000000", "-p", strconv.Itoa(directFor), "-W", "1000000")
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return t, 0, context.Cause(ctx)
	case errors.As(err, &ended) && ended.ExitCode() == 3:
	case err != nil:
		return t, 0, fmt.Errorf("%w: %s", err, out)
	}
	t, err = parseTally(string(out))
	return t, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

// lost is how many datagrams the relays' namespace, where perfdhcp runs, had no room for.
func (l *lab) lost(ctx context.Context) (uint64, error) {
	counters, err := exec.CommandContext(ctx, "ip", "netns", "exec", l.Relays, "cat", "/proc/net/snmp6").Output()
	if err != nil {
		return 0, err
	}
	return meter.BufferDrops(counters), nil
}
