package pair

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/bench/meter"
)

const (
	startTime = time.Minute // how long a node may take until it serves, and to end
	poll      = 20 * time.Millisecond
)

// A Spec is a node that can be started.
type Spec struct {
	Program string // lockstep6
	Folder  string // of this node alone; made where it isn't there
	Name    string // in the cluster
	Config  string // text
	Admin   string // where Config has admin.listen
}

func (s *Spec) config() string { return filepath.Join(s.Folder, "lockstep6.yaml") }
func (s *Spec) log() string    { return filepath.Join(s.Folder, "log") }

// Data is the node's data folder.
func (s *Spec) Data() string { return filepath.Join(s.Folder, "data") }

// A Node is a running `lockstep6 serve`. It belongs to one goroutine.
type Node struct {
	Spec
	Meter *meter.Process
	cmd   *exec.Cmd
}

// Write writes the configuration, which a running node reads when it is told to reload.
func (s *Spec) Write() error { return os.WriteFile(s.config(), []byte(s.Config), 0o600) }

// Start starts the node with what its folder holds, and waits until it serves. The context's end kills it.
func (s Spec) Start(ctx context.Context) (n *Node, err error) {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return nil, err
	}
	if err := s.Write(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	n = &Node{Spec: s}
	n.cmd = exec.CommandContext(ctx, s.Program, "serve", "--config", s.config(), "--data", s.Data(), "--node", s.Name)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	if n.Meter, err = meter.Open(n.PID()); err == nil {
		err = n.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

// PID is the node's process number.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// ready waits until the node says that it serves.
func (n *Node) ready(ctx context.Context) error {
	for began := time.Now(); ; time.Sleep(poll) {
		response, err := http.Get("http://" + n.Admin + "/ready")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Since(began) > startTime {
			return fmt.Errorf("node %s isn't ready after %v; it said:\n%s", n.Name, startTime, n.Said())
		}
	}
}

// Command runs a command of lockstep6 on the node, such as reload or drain, with its data folder, and returns what it printed.
func (n *Node) Command(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, n.Program, append(args, "--data", n.Data())...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("lockstep6 %s on node %s: %w: %s", strings.Join(args, " "), n.Name, err, out)
	}
	return string(out), nil
}

// Said is the end of what the node has logged.
func (n *Node) Said() string {
	data, err := os.ReadFile(n.log())
	if err != nil {
		return err.Error()
	}
	return cmp.Or(strings.TrimSpace(string(data[max(0, len(data)-2000):])), "nothing")
}

// Stop ends the node as SIGTERM does.
func (n *Node) Stop() error {
	_ = n.cmd.Process.Signal(syscall.SIGTERM) // one that has ended can't be told
	timer := time.AfterFunc(startTime, func() { _ = n.cmd.Process.Kill() })
	defer timer.Stop()
	if err := n.cmd.Wait(); err != nil {
		return fmt.Errorf("node %s: %w; it said:\n%s", n.Name, err, n.Said())
	}
	return nil
}

// Kill ends the node as SIGKILL does, in the middle of whatever it is at.
func (n *Node) Kill() error {
	if err := n.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("node %s has ended by itself: %w; it said:\n%s", n.Name, err, n.Said())
	}
	_ = n.cmd.Wait() // it says that it was killed
	return nil
}
