package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lockstep6/lockstep6/bench/netlab"
)

// relays are what our generator plays.
const relays = 8

// halfFor is how long half of the highest rate is offered.
const halfFor = 3 * time.Second

// An offer is a rate that our generator offered, and what came of it.
type offer struct {
	Rate float64 `json:"rate"`                // exchanges done per second
	CPU  float64 `json:"cpu_us_per_exchange"` // of the server
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	RSS  float64 `json:"rss_mib"` // of the server
}

// A relayed turn is what a contender does for relays.
type relayed struct {
	Best  offer  `json:"best"`  // the highest rate that was held
	Limit string `json:"limit"` // what kept it from being higher: server, clients, generator, time
	Half  offer  `json:"half"`  // at half of it
}

// relayed finds a contender's highest rate, and then how long exchanges take at half of it.
func (l *lab) relayed(ctx context.Context, o *options, c *contender) (r relayed, err error) {
	err = l.serve(ctx, o, c, func(dir string, pid int) error {
		file := filepath.Join(dir, "result.json")
		load := l.generator(o, c, pid, file)
		ramp := append(load, "--ramp", "--rate", strconv.FormatFloat(c.first, 'f', -1, 64),
			"--step", o.step.String(), "--pause", c.pause.String(), "--limit", c.limit.String())
		// It is tried again while the server doesn't answer yet.
		for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
			err := generate(ctx, ramp)
			if err == nil {
				break
			}
			if ctx.Err() != nil || time.Since(begin) > netlab.StartTime+c.limit {
				return err
			}
		}
		if r.Best, r.Limit, err = read(file); err != nil {
			return err
		}
		time.Sleep(max(c.pause, time.Second))
		half := append(load, "--rate", strconv.FormatFloat(r.Best.Rate/2, 'f', 1, 64), "--duration", halfFor.String())
		if err := generate(ctx, half); err != nil {
			return err
		}
		r.Half, _, err = read(file)
		return err
	})
	return r, err
}

// generator is the command line that all of a contender's loads have in common.
func (l *lab) generator(o *options, c *contender, pid int, file string) []string {
	clients := o.clients
	if c.clients > 0 {
		clients = min(clients, c.clients)
	}
	args := []string{
		"netns", "exec", l.Relays, o.lockstep6, "bench", "--server", netlab.ServerAddress, "--link-address", netlab.LinkAddress,
		"--relays", strconv.Itoa(relays), "--source-port", "547", "--interface-id", "--remote-id",
		"--clients", strconv.Itoa(clients), "--pid", strconv.Itoa(pid), "--json", file,
	}
	for n := range relays {
		args = append(args, "--source", relayAddress(n))
	}
	return args[:len(args):len(args)] // what is appended for one load is no other's
}

// generate runs the generator.
func generate(ctx context.Context, args []string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// read takes what counts here out of the generator's results (docs/bench.md): of a ramp the best step, else the only one.
func read(file string) (found offer, limit string, err error) {
	var all struct {
		Ramp *struct {
			Best  int
			Limit string
		}
		Steps []struct {
			Goodput float64
			Latency struct{ P50, P99 float64 }
			Server  *struct {
				CPU float64 `json:"cpu_us_per_exchange"`
				RSS float64 `json:"rss_bytes"`
			}
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return found, "", err
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return found, "", fmt.Errorf("%s: %w", file, err)
	}
	best := 0
	if all.Ramp != nil {
		best, limit = all.Ramp.Best, all.Ramp.Limit
	}
	if best < 0 || best >= len(all.Steps) {
		return found, "", errors.New("no rate was held")
	}
	s := &all.Steps[best]
	if s.Server == nil {
		return found, "", errors.New("the generator couldn't read the server's processor time")
	}
	return offer{s.Goodput, s.Server.CPU, s.Latency.P50 / 1000, s.Latency.P99 / 1000, s.Server.RSS / (1 << 20)}, limit, nil
}
