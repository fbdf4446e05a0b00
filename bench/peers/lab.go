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

// A lab is where the servers have their turns.
type lab struct{ *netlab.Lab }

func newLab(ctx context.Context) (lab, error) {
	l, err := netlab.New(ctx, "l6peers")
	return lab{l}, err
}

// A result is one turn of a contender.
type result struct {
	rate     float64 // exchanges per second, the highest that was held
	cpu      float64 // of the server, microseconds per exchange at that rate
	p50, p99 float64 // milliseconds, there
	rss      float64 // MiB, there
}

// measure starts a contender with nothing on its disk, finds its highest rate, and ends it.
func (l lab) measure(ctx context.Context, o *options, c *contender) (r result, err error) {
	dir, err := os.MkdirTemp("/var/tmp", "peers-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	args, err := c.prepare(o, dir)
	if err != nil {
		return r, err
	}
	server, err := l.Start(ctx, dir, args)
	if err != nil {
		return r, err
	}
	r, err = l.load(ctx, o, c, server.PID(), filepath.Join(dir, "result.json"))
	if said := server.Stop(); err != nil {
		err = fmt.Errorf("%w\nthe server said: %s", err, said)
	}
	return r, err
}

// load has the generator find the rate. It is tried again while the server doesn't answer yet.
func (l lab) load(ctx context.Context, o *options, c *contender, pid int, file string) (result, error) {
	args := []string{
		"netns", "exec", l.Relays, o.lockstep6, "bench", "--server", netlab.ServerAddress, "--link-address", netlab.LinkAddress, "--source", netlab.RelayAddress,
		"--relays", "8", "--interface-id", "--remote-id", "--clients", strconv.Itoa(o.clients), "--pid", strconv.Itoa(pid),
		"--ramp", "--rate", strconv.Itoa(c.first), "--step", o.step.String(), "--pause", "500ms", "--limit", "2m", "--json", file,
	}
	for begin := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
		if err == nil {
			return read(file)
		}
		if ctx.Err() != nil {
			return result{}, context.Cause(ctx)
		}
		if time.Since(begin) > netlab.StartTime {
			return result{}, fmt.Errorf("%w: %s", err, out)
		}
	}
}

// read takes what counts here out of the generator's results (docs/bench.md).
func read(file string) (result, error) {
	var found struct {
		Ramp  *struct{ Best int }
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
		return result{}, err
	}
	if err := json.Unmarshal(data, &found); err != nil {
		return result{}, fmt.Errorf("%s: %w", file, err)
	}
	if found.Ramp == nil || found.Ramp.Best < 0 || found.Ramp.Best >= len(found.Steps) {
		return result{}, errors.New("no rate was held")
	}
	s := &found.Steps[found.Ramp.Best]
	if s.Server == nil {
		return result{}, errors.New("the generator couldn't read the server's processor time")
	}
	return result{s.Goodput, s.Server.CPU, s.Latency.P50 / 1000, s.Latency.P99 / 1000, s.Server.RSS / (1 << 20)}, nil
}
