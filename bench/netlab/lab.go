// Package netlab is where a server is measured: two network namespaces with a wire between them and nothing else, in one
// of which a server runs. It needs root and the program ip.
package netlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// A Lab is the namespaces' names.
type Lab struct{ Server, Relays string }

// StartTime is how long a server may take until it answers, or until it has ended.
const StartTime = 20 * time.Second

// New makes a lab, in which addresses can be used at once. The prefix is of the namespaces' names.
func New(ctx context.Context, prefix string) (*Lab, error) {
	pid := strconv.Itoa(os.Getpid())
	l := &Lab{prefix + "-" + pid + "-s", prefix + "-" + pid + "-r"}
	quiet := []string{"sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0"}
	steps := [][]string{
		{"netns", "add", l.Server},
		{"netns", "add", l.Relays},
		append([]string{"netns", "exec", l.Server}, quiet...),
		append([]string{"netns", "exec", l.Relays}, quiet...),
		{"link", "add", "eth0", "netns", l.Server, "type", "veth", "peer", "name", "eth0", "netns", l.Relays},
	}
	for _, name := range []string{l.Server, l.Relays} {
		steps = append(steps, []string{"-n", name, "link", "set", "lo", "up"}, []string{"-n", name, "link", "set", "eth0", "up"})
	}
	for _, args := range steps {
		if err := ip(ctx, args...); err != nil {
			l.Close()
			return nil, err
		}
	}
	if err := errors.Join(l.Address(ctx, l.Server, ServerAddress), l.Address(ctx, l.Relays, RelayAddress)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Address gives a namespace's end of the wire an address more, of a /64.
func (l *Lab) Address(ctx context.Context, namespace, address string) error {
	return ip(ctx, "-n", namespace, "addr", "add", address+"/64", "dev", "eth0", "nodad")
}

func ip(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v, which needs root: %w: %s", args, err, out)
	}
	return nil
}

// Close removes the namespaces, and the wire with them.
func (l *Lab) Close() {
	for _, name := range []string{l.Server, l.Relays} {
		_ = exec.Command("ip", "netns", "del", name).Run() // one that was never made isn't there
	}
}

// A Process is a server that runs in the lab.
type Process struct {
	command *exec.Cmd
	said    bytes.Buffer
}

// Start starts a server, whose own files go to a folder.
func (l *Lab) Start(ctx context.Context, dir string, args []string) (*Process, error) {
	p := &Process{command: exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.Server}, args...)...)} // becomes the server itself
	p.command.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir)
	p.command.Stdout, p.command.Stderr = &p.said, &p.said
	return p, p.command.Start()
}

// PID is the server's process number.
func (p *Process) PID() int { return p.command.Process.Pid }

// Stop ends the server and returns what it said. How it ends is of no matter.
func (p *Process) Stop() string {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(StartTime, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	_ = p.command.Wait()
	return p.said.String()
}

// Answers waits until the server answers, which it asks by the program lockstep6: for a few Solicits, which bind nothing.
func (l *Lab) Answers(ctx context.Context, lockstep6 string) error {
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		out, err := exec.CommandContext(ctx, "ip", "netns", "exec", l.Relays, lockstep6, "bench", "--server", ServerAddress,
			"--link-address", LinkAddress, "--source", RelayAddress, "--mix", "ask", "--rate", "40", "--duration", "250ms").CombinedOutput()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Since(begin) > StartTime:
			return fmt.Errorf("%w: %s", err, out)
		}
	}
}
