// Package child runs a part of a benchmark in a process of its own: so that memory and processor time are that part's
// alone, or so that it stays on one processor. The program or test binary executes itself; the part is named in the
// environment, and what goes in and out is JSON on the child's standard input and output.
package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// variable names the part that a child is to run.
const variable = "LOCKSTEP6_BENCH_CHILD"

// AnyCore leaves it to the kernel on which processors a child runs.
const AnyCore = -1

// A Part is what a child does: it reads its task from in, tells results by tell, any number of them, and ends when it is
// done or stop is closed.
type Part func(in json.RawMessage, tell func(any) error, stop <-chan struct{}) error

// Main runs the part that the environment names and ends the process. It returns at once where none is named, so it is
// to be called first thing in main or TestMain.
func Main(parts map[string]Part) {
	name := os.Getenv(variable)
	if name == "" {
		return
	}
	if err := run(parts[name], name); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(part Part, name string) error {
	if part == nil {
		return fmt.Errorf("this program has no such part; unset %s", variable)
	}
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("reading the task: %w", err)
	}
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, input) // until the parent closes it, or dies
		close(stop)
	}()
	return part(line, json.NewEncoder(os.Stdout).Encode, stop)
}

// A Process is a running child.
type Process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	name string
}

// Start starts a part on one processor, or on AnyCore, and gives it its task. The context's end kills it.
func Start(ctx context.Context, name string, core int, task any) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.CommandContext(ctx, self), name: name}
	p.cmd.Env = append(os.Environ(), variable+"="+name)
	p.cmd.Stderr = os.Stderr
	p.cmd.WaitDelay = time.Second
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := Pin(core, p.cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if err := json.NewEncoder(p.in).Encode(task); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), p.Stop())
	}
	return p, nil
}

// Pin calls start on a thread that may run on one processor only, or on any where core is AnyCore: a process that start
// starts inherits that, and so its runtime sees one processor.
func Pin(core int, start func() error) error {
	if core == AnyCore {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	one.Set(core)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("processor %d: %w; this benchmark needs processors 0 and 1", core, os.NewSyscallError("sched_setaffinity", err))
	}
	err := start()
	return errors.Join(err, os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(0, &before)))
}

// PID is the child's process number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Next reads the next result into out. It waits for it; a child that ends without one is an error.
func (p *Process) Next(out any) error {
	if err := p.out.Decode(out); err != nil {
		return fmt.Errorf("%s: no result: %w", p.name, err)
	}
	return nil
}

// Stop asks the child to end, and waits for that. Its error is the child's.
func (p *Process) Stop() error {
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// Run runs a part that has one result, from start to end.
func Run(ctx context.Context, name string, core int, task, out any) error {
	p, err := Start(ctx, name, core, task)
	if err != nil {
		return err
	}
	err = p.Next(out)
	return errors.Join(err, p.Stop())
}
