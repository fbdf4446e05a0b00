package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A lab is two network namespaces with a wire between them, and nothing else.
type lab struct{ server, relays string }

// startTime is how long a server may take until it answers.
const startTime = 20 * time.Second

func newLab(ctx context.Context) (*lab, error) {
	pid := strconv.Itoa(os.Getpid())
	l := &lab{"l6peers-" + pid + "-s", "l6peers-" + pid + "-r"}
	for _, args := range [][]string{
		{"netns", "add", l.server},
		{"netns", "add", l.relays},
		{"link", "add", "eth0", "netns", l.server, "type", "veth", "peer", "name", "eth0", "netns", l.relays},
		{"-n", l.server, "addr", "add", serverAddress + "/64", "dev", "eth0", "nodad"},
		{"-n", l.relays, "addr", "add", relayAddress + "/64", "dev", "eth0", "nodad"},
		{"-n", l.server, "link", "set", "lo", "up"},
		{"-n", l.relays, "link", "set", "lo", "up"},
		{"-n", l.server, "link", "set", "eth0", "up"},
		{"-n", l.relays, "link", "set", "eth0", "up"},
	} {
		if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
			l.close()
			return nil, fmt.Errorf("ip %v, which needs root: %w: %s", args, err, out)
		}
	}
	return l, nil
}

// close removes the namespaces, and the wire with them.
func (l *lab) close() {
	for _, name := range []string{l.server, l.relays} {
		_ = exec.Command("ip", "netns", "del", name).Run() // one that was never made isn't there
	}
}

// A result is one turn of a contender.
type result struct {
	rate     float64 // exchanges per second, the highest that was held
	cpu      float64 // of the server, microseconds per exchange at that rate
	p50, p99 float64 // milliseconds, there
	rss      float64 // MiB, there
}

// measure starts a contender with nothing on its disk, finds its highest rate, and ends it.
func (l *lab) measure(ctx context.Context, o *options, c *contender) (r result, err error) {
	dir, err := os.MkdirTemp("/var/tmp", "peers-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	args, err := c.prepare(o, dir)
	if err != nil {
		return r, err
	}
	server := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.server}, args...)...) // becomes the server itself
	server.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir)
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		return r, err
	}
	r, err = l.load(ctx, o, c, server.Process.Pid, filepath.Join(dir, "result.json"))
	_ = server.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(startTime, func() { _ = server.Process.Kill() })
	defer timer.Stop()
	_ = server.Wait() // how it ends is of no matter here
	if err != nil {
		err = fmt.Errorf("%w\nthe server said: %s", err, said.Bytes())
	}
	return r, err
}

// load has the generator find the rate. It is tried again while the server doesn't answer yet.
func (l *lab) load(ctx context.Context, o *options, c *contender, pid int, file string) (result, error) {
	args := []string{
		"netns", "exec", l.relays, o.lockstep6, "bench", "--server", serverAddress, "--link-address", linkAddress, "--source", relayAddress,
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
		if time.Since(begin) > startTime {
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
