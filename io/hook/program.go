package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/io/privacy"
)

// A Program is run for each event, without a shell. It gets the event as JSON on its standard input, and as variables
// LOCKSTEP6_EVENT and so on, all of them in each run; of the node's environment only PATH. Exit code 0 takes the event.
type Program struct {
	Path      string // from the root
	Arguments []string
}

const (
	saidMost  = 1024        // octets of what a program says that are kept
	killDelay = time.Second // how long its children may hold its output
)

// Send implements Target; events is one.
func (p *Program) Send(ctx context.Context, events []Event) error {
	for i := range events {
		if err := p.run(ctx, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *Program) run(ctx context.Context, e *Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, p.Path, p.Arguments...)
	c.Dir = "/"
	c.Env = Variables(e)
	c.Stdin = bytes.NewReader(append(text, '\n'))
	said := new(tail)
	c.Stdout, c.Stderr = said, said
	// What the program has started ends with it, and it ends with the node, which begins anew with a list. The kernel takes the end of
	// the thread for that of the node, so the thread is kept.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = killDelay
	err = c.Run()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil:
		return nil
	case ctx.Err() != nil:
		err = fmt.Errorf("it took too long and was killed: %w", err)
	}
	if words := strings.TrimSpace(string(said.octets)); words != "" {
		return &privacy.ForeignError{Err: fmt.Errorf("%s: %w", p.Path, err), Said: words}
	}
	return fmt.Errorf("%s: %w", p.Path, err)
}

// Variables is the environment in which a program gets an event.
func Variables(e *Event) []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	v := reflect.ValueOf(e).Elem()
	for i := range v.NumField() {
		value := ""
		switch field := v.Field(i).Interface().(type) {
		case *time.Time:
			if field != nil {
				value = field.Format(time.RFC3339)
			}
		case bool:
			if field {
				value = "true"
			}
		default:
			value = fmt.Sprint(field)
		}
		env = append(env, "LOCKSTEP6_"+v.Type().Field(i).Tag.Get("var")+"="+value)
	}
	return env
}

// A tail keeps the end of what is written to it.
type tail struct{ octets []byte }

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.octets = append(t.octets, b...)
	if over := len(t.octets) - saidMost; over > 0 {
		t.octets = append(t.octets[:0], t.octets[over:]...)
	}
	return len(b), nil
}
