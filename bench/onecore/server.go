package main

import (
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

	"github.com/lockstep6/lockstep6/bench/child"
)

// adminAddress is of the servers' HTTP interface, which tells when one is ready and how often it has synced.
const adminAddress = "[::1]:8067"

// startTime is how long a server may take until it serves, and to end.
const startTime = 20 * time.Second

// A server is a running `lockstep6 serve`, with nothing in its store at the start.
type server struct {
	cmd    *exec.Cmd
	folder string
}

// startServer starts a row's server on its processor and waits until it serves.
func startServer(ctx context.Context, o *options, r *row) (s *server, err error) {
	s = new(server)
	if s.folder, err = os.MkdirTemp(o.dir, "onecore-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	config := filepath.Join(s.folder, "lockstep6.yaml")
	if err = os.WriteFile(config, []byte(r.config(adminAddress)), 0o600); err != nil {
		return nil, err
	}
	args := []string{"serve", "--config", config, "--data", filepath.Join(s.folder, "data")}
	if r.settings.cluster != "" {
		args = append(args, "--node", "a")
	}
	log, err := os.Create(s.log())
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd = exec.CommandContext(ctx, o.lockstep6, args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err = child.Pin(r.core(), s.cmd.Start); err != nil {
		s.cmd = nil
		return nil, err
	}
	return s, s.ready(ctx)
}

func (s *server) log() string { return filepath.Join(s.folder, "log") }

// ready waits until the server says that it serves.
func (s *server) ready(ctx context.Context) error {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get("http://" + adminAddress + "/ready")
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
			return fmt.Errorf("the server isn't ready after %v; it said:\n%s", startTime, s.said())
		}
	}
}

// said is the end of what the server has logged.
func (s *server) said() string {
	data, _ := os.ReadFile(s.log()) // what isn't there says nothing
	return strings.TrimSpace(string(data[max(0, len(data)-2000):]))
}

// stop ends the server and removes what it had on the disk.
func (s *server) stop() (err error) {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // one that has ended can't be told
		timer := time.AfterFunc(startTime, func() { _ = s.cmd.Process.Kill() })
		defer timer.Stop()
		if err = s.cmd.Wait(); err != nil {
			err = fmt.Errorf("the server: %w; it said:\n%s", err, s.said())
		}
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
