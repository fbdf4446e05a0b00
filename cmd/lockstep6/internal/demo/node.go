package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/bench/promise"
	"github.com/lockstep6/lockstep6/io/admin"
)

// startLimit is how long a node may take until it serves.
const startLimit = 20 * time.Second

var linkAddress = netip.MustParseAddr("2001:db8:1::1")

// Prefixes are delegated from a pool that is dense: at least four times as many as there are clients, so that many of
// them find their first candidate taken.
const (
	delegatedPool  = "2001:db8:8000::/40"
	poolBits       = 40
	shortestPrefix = 56
	spare          = 4
)

// delegatedLength is the length of the prefixes for so many clients.
func delegatedLength(clients int) int {
	return max(shortestPrefix, poolBits+bits.Len(uint(spare*clients-1)))
}

// config is the cluster's. Where a node listens its command line says.
const config = `# made by lockstep6 demo
cluster:
  id: %x-%x-%x-%x-%x
  model: identical
  key: "%s"
  nodes:
    - {name: a, preference: 255}
    - {name: b, preference: 0}
    - {name: c, preference: 100}
listen: {addresses: ["[::1]:10547"]}
links:
  - name: demo
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "%s", length: %d}]
log: {leases: false}
`

// writeConfig writes the cluster's configuration, with an id and a key of its own, into a folder.
func writeConfig(folder string, clients int) (file string, err error) {
	var r [48]byte
	_, _ = rand.Read(r[:]) // never fails, by its documentation
	r[6], r[8] = r[6]&0x0f|0x40, r[8]&0x3f|0x80
	text := fmt.Sprintf(config, r[:4], r[4:6], r[6:8], r[8:10], r[10:16], hex.EncodeToString(r[16:]),
		delegatedPool, delegatedLength(clients))
	file = filepath.Join(folder, "lockstep6.yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// What a node is doing.
const (
	starting = "starting"
	serving  = "serving"
	killed   = "killed"
	back     = "back"
)

// A node is one process of the cluster. start, kill and leases belong to one goroutine.
type node struct {
	name, program, config, data string
	address                     netip.AddrPort // invalid until it has served once
	fail                        context.CancelCauseFunc
	process                     *process // nil: none runs

	state    atomic.Value // a string
	bindings atomic.Int64 // as it said last
}

// A process is one run of a node.
type process struct {
	command *exec.Cmd
	log     *journal
	ended   chan struct{} // closed when it has ended
	wanted  atomic.Bool   // its end is meant
}

func newNode(name, program, config, folder string, fail context.CancelCauseFunc) *node {
	n := &node{name: name, program: program, config: config, data: filepath.Join(folder, name), fail: fail}
	n.state.Store(starting)
	return n
}

// start runs the node and returns when it serves: the first time at a port that the kernel picks, later at the same.
func (n *node) start(ctx context.Context) error {
	listen := "[::1]:0"
	if n.address.IsValid() {
		listen = n.address.String()
	}
	p := &process{log: newJournal(), ended: make(chan struct{})}
	p.command = exec.Command(n.program, "serve", "--config", n.config, "--node", n.name, "--data", n.data, "--listen", listen)
	p.command.Stderr = p.log
	// The nodes must not outlive us, however we end, and Ctrl-C on the terminal is for us to deal with.
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go n.attend(p, started)
	if err := <-started; err != nil {
		return fmt.Errorf("cannot start node %s: %w", n.name, err)
	}
	n.process = p
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case address := <-p.log.serving:
		n.address = address
		return nil
	case <-p.ended:
		return fmt.Errorf("node %s ended before it served:\n%s", n.name, p.log)
	case <-limit.C:
		return fmt.Errorf("node %s doesn't serve after %v:\n%s", n.name, startLimit, p.log)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// attend starts a process and stays with it until it ends.
func (n *node) attend(p *process, started chan<- error) {
	// The kernel sends Pdeathsig when the thread ends that started the child, so that thread must live as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.command.Start()
	started <- err
	if err != nil {
		return
	}
	err = p.command.Wait()
	close(p.ended)
	if !p.wanted.Load() {
		n.fail(fmt.Errorf("node %s ended by itself (%v):\n%s", n.name, err, p.log))
	}
}

// kill ends the node by SIGKILL, as a power cut would: it gets no chance to say goodbye.
func (n *node) kill() {
	p := n.process
	if p == nil {
		return
	}
	n.process = nil
	p.wanted.Store(true)
	_ = p.command.Process.Kill() // it may have ended already
	<-p.ended
	n.state.Store(killed)
}

// ask notes how many bindings the node has.
func (n *node) ask(ctx context.Context) {
	client, err := admin.Dial(n.socket())
	if err != nil {
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if s, err := client.State(ctx); err == nil {
		n.bindings.Store(int64(s.Bindings))
	}
}

// leases is the node's own list.
func (n *node) leases(ctx context.Context) (list []promise.Listed, err error) {
	client, err := admin.Dial(n.socket())
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.name, err)
	}
	defer client.Close()
	for l, err := range client.List(ctx, admin.Filter{}) {
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", n.name, err)
		}
		lease, err := admin.ParseLease(l.Lease)
		if err != nil {
			return nil, fmt.Errorf("node %s lists %q: %w", n.name, l.Lease, err)
		}
		list = append(list, promise.Listed{Lease: lease, DUID: l.DUID, IAID: l.IAID, Bound: l.State == "bound"})
	}
	return list, nil
}

func (n *node) socket() string { return filepath.Join(n.data, "admin.sock") }

// A journal takes a node's log: it waits for the line that says where the node serves, and keeps the last ones.
type journal struct {
	serving chan netip.AddrPort

	mu      sync.Mutex
	partial []byte
	last    []string
}

// keptLines is how much of a node's log is shown when the node fails.
const keptLines = 12

func newJournal() *journal { return &journal{serving: make(chan netip.AddrPort, 1)} }

// Write implements io.Writer.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.partial = append(j.partial, b...)
	for {
		line, rest, whole := bytes.Cut(j.partial, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		j.line(line)
		j.partial = slices.Clone(rest)
	}
}

func (j *journal) line(line []byte) {
	if j.last = append(j.last, string(line)); len(j.last) > keptLines {
		j.last = j.last[1:]
	}
	var entry struct {
		Message string           `json:"msg"`
		Listen  []netip.AddrPort `json:"listen"`
	}
	if json.Unmarshal(line, &entry) == nil && entry.Message == "serving" && len(entry.Listen) == 1 {
		select {
		case j.serving <- entry.Listen[0]:
		default:
		}
	}
}

// String is the last lines.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(append(slices.Clone(j.last), string(j.partial)), "\n")
}
