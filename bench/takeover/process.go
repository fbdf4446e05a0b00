package takeover

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
)

// logTail is how much of a server's log an error shows, in octets.
const logTail = 4 << 10

// A process is a server that runs in a namespace.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended

	killed atomic.Bool // by us
}

// start starts a program in the namespace, with a folder of its own. It ends with the namespace's thread at the latest,
// so with this program too.
func (n *namespace) start(c *command, dir string) (*process, error) {
	p := &process{log: filepath.Join(dir, "log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(c.argv[0], c.argv[1:]...)
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := n.do(p.cmd.Start); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// kill ends the process as a crash would, and waits for its end.
func (p *process) kill() {
	p.killed.Store(true)
	_ = p.cmd.Process.Kill() // an error says that it has ended already
	<-p.done
}

// watch waits for the end of the process and tells it, unless that was ours to bring about.
func (p *process) watch(tell func(error)) {
	<-p.done
	if p.killed.Load() {
		return
	}
	text, _ := os.ReadFile(p.log) // unreadable: there is nothing to show
	tell(fmt.Errorf("%s has ended: %v\n%s", p.cmd.Path, p.cmd.ProcessState, text[max(0, len(text)-logTail):]))
}
