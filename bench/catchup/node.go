package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/bench/meter"
)

// startTime is how long a node may take until it serves, and to end.
const startTime = time.Minute

// A plan is where the two nodes listen, on loopback.
type plan struct{ dhcp, query, admin [2]string }

// newPlan finds ports that are free now.
func newPlan() (p plan, err error) {
	var held []io.Closer
	defer func() {
		for _, h := range held {
			_ = h.Close()
		}
	}()
	for i := range 2 {
		u, err := net.ListenPacket("udp6", "[::1]:0")
		if err != nil {
			return p, err
		}
		held, p.dhcp[i] = append(held, u), u.LocalAddr().String()
		for _, into := range []*string{&p.query[i], &p.admin[i]} {
			l, err := net.Listen("tcp6", "[::1]:0")
			if err != nil {
				return p, err
			}
			held, *into = append(held, l), l.Addr().String()
		}
	}
	return p, nil
}

// config is a node's configuration: the same on both but for where they listen. Node a doesn't ask b, which isn't there when it starts and
// would be asked again while it asks itself.
func (p *plan) config(i, clients int) string {
	asked := ""
	if i == 1 {
		asked = fmt.Sprintf(", leasequery: %q", p.query[0])
	}
	return fmt.Sprintf(`cluster:
  id: 5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11
  key: "0000000000000000000000000000000000000000000000000000000000000001"
  nodes: [{name: a, preference: 255%s}, {name: b}]
listen: {addresses: ["%s"]}
leasequery: {requestors: ["::1"], listen: ["%s"]}
admin: {listen: "%s"}
store: {capacity: %d, sync: always}
log: {leases: false}
links:
  - name: bench
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
`, asked, p.dhcp[i], p.query[i], p.admin[i], max(1<<16, clients+clients/4))
}

// A node is a running `lockstep6 serve`, with nothing in its store at the start.
type node struct {
	cmd   *exec.Cmd
	log   string
	admin string
	meter *meter.Process
}

// start starts node i and waits until it serves.
func (p *plan) start(ctx context.Context, o *options, i int) (n *node, err error) {
	name := string(rune('a' + i))
	folder := filepath.Join(o.dir, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(folder, "lockstep6.yaml")
	if err := os.WriteFile(config, []byte(p.config(i, o.clients)), 0o600); err != nil {
		return nil, err
	}
	n = &node{log: filepath.Join(folder, "log"), admin: p.admin[i]}
	log, err := os.Create(n.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	n.cmd = exec.CommandContext(ctx, o.lockstep6, "serve", "--config", config, "--data", filepath.Join(folder, "data"), "--node", name)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	if n.meter, err = meter.Open(n.cmd.Process.Pid); err == nil {
		err = n.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

// ready waits until the node says that it serves.
func (n *node) ready(ctx context.Context) error {
	for began := time.Now(); ; time.Sleep(poll) {
		response, err := http.Get("http://" + n.admin + "/ready")
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
			return fmt.Errorf("the node isn't ready after %v; it said:\n%s", startTime, n.said())
		}
	}
}

// bindings is how many the node has in its table.
func (n *node) bindings() (int, error) {
	response, err := http.Get("http://" + n.admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "lockstep6_table_bindings "); ok {
			f, err := strconv.ParseFloat(text, 64)
			return int(f), err
		}
	}
	return 0, errors.New("the metrics don't tell how many bindings there are")
}

// A line is what is read of a line of the log.
type line struct {
	Time     time.Time `json:"time"`
	ID       string    `json:"id"`
	Leases   int       `json:"leases"`   // of catch-up-peer: so many were told
	Complete bool      `json:"complete"` // the same: all that the peer was asked
}

// find looks for a line in the log; false: it isn't there yet.
func (n *node) find(id string) (l line, ok bool) {
	data, _ := os.ReadFile(n.log) // what isn't there says nothing
	for text := range bytes.Lines(data) {
		l = line{}
		// Other lines have other things by these names.
		if bytes.Contains(text, []byte(`"id":"`+id+`"`)) && json.Unmarshal(text, &l) == nil && l.ID == id {
			return l, true
		}
	}
	return line{}, false
}

// said is the end of what the node has logged.
func (n *node) said() string {
	data, err := os.ReadFile(n.log)
	if err != nil {
		return err.Error()
	}
	return cmp.Or(strings.TrimSpace(string(data[max(0, len(data)-2000):])), "nothing")
}

// stop ends the node.
func (n *node) stop() error {
	_ = n.cmd.Process.Signal(syscall.SIGTERM) // one that has ended can't be told
	timer := time.AfterFunc(startTime, func() { _ = n.cmd.Process.Kill() })
	defer timer.Stop()
	if err := n.cmd.Wait(); err != nil {
		return fmt.Errorf("a node: %w; it said:\n%s", err, n.said())
	}
	return nil
}
