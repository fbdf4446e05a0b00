package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
	steps := [][]string{
		{"netns", "add", l.server},
		{"netns", "add", l.relays},
		// Addresses can be used at once, link-local ones too.
		{"netns", "exec", l.server, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0"},
		{"netns", "exec", l.relays, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0"},
		{"link", "add", "eth0", "netns", l.server, "type", "veth", "peer", "name", "eth0", "netns", l.relays},
		{"-n", l.server, "addr", "add", serverAddress + "/64", "dev", "eth0", "nodad"},
		{"-n", l.server, "addr", "add", footAddress + "/64", "dev", "eth0", "nodad"},
	}
	for n := range relays {
		steps = append(steps, []string{"-n", l.relays, "addr", "add", relayAddress(n) + "/64", "dev", "eth0", "nodad"})
	}
	for _, name := range []string{l.server, l.relays} {
		steps = append(steps, []string{"-n", name, "link", "set", "lo", "up"}, []string{"-n", name, "link", "set", "eth0", "up"})
	}
	for _, args := range steps {
		if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
			l.close()
			return nil, fmt.Errorf("ip %v, which needs root: %w: %s", args, err, out)
		}
	}
	return l, nil
}

// relayAddress is a relay's own: each has one, so that servers that answer relays at port 547 only can tell them apart.
func relayAddress(n int) string { return fmt.Sprintf("%s%x", relayNetwork, n+2) }

// close removes the namespaces, and the wire with them.
func (l *lab) close() {
	for _, name := range []string{l.server, l.relays} {
		_ = exec.Command("ip", "netns", "del", name).Run() // one that was never made isn't there
	}
}

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
	server := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.server}, args...)...) // becomes the server itself
	server.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir)
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		return err
	}
	err = use(dir, server.Process.Pid)
	_ = server.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(startTime, func() { _ = server.Process.Kill() })
	defer timer.Stop()
	_ = server.Wait() // how it ends is of no matter here
	if err != nil {
		err = fmt.Errorf("%w\nthe server said: %s", err, said.Bytes())
	}
	return err
}

// listening waits until a server has its sockets.
func listening(ctx context.Context, pid int) error {
	const port = ":0223 " // 547, as the kernel writes it behind the local address
	table := filepath.Join("/proc", strconv.Itoa(pid), "net/udp6")
	for begin := time.Now(); time.Since(begin) < startTime; time.Sleep(20 * time.Millisecond) {
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
