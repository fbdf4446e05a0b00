package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	leasefile "github.com/lockstep6/lockstep6/store/exchange"
)

// moved is the configuration that serves what the predecessors served.
const moved = `# written for the move
listen: {interfaces: [eth0]}
lifetimes: {preferred: 200s, valid: 300s, renew: 6s, rebind: 120s}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: 2001:db8:1::/64}]
    prefixes: [{pool: "2001:db8:8000::/40", length: 56}]
`

// A move is one server's clients on their way to another server.
type move struct {
	*Lab
	old     Predecessor
	server  *Host
	clients []*Host
	running []*Process
	had     []netip.Prefix
}

// TestMove: real servers are filled by real clients, stopped, and imported; a node takes their place by their DUID, and every client
// renews and keeps what it had. Kea then goes on with what the node exported.
func TestMove(t *testing.T) {
	for _, old := range predecessors {
		t.Run(old.Name, func(t *testing.T) {
			t.Parallel()
			m := &move{Lab: NewLab(t), old: old}
			lan := m.Segment("lan")
			m.server = m.Host("server")
			m.server.Plug(lan, "eth0", "2001:db8:1::1/64")
			process := old.Start(m.server)
			m.fill(lan)
			if err := process.Stop(syscall.SIGTERM); err != nil {
				t.Logf("%s ended with %v", old.Name, err)
			}
			config := m.server.Write("lockstep6.yaml", moved, 0o644)
			text := m.server.command("import", old.Name, old.Leases(m.server), "--config", config, "--data", m.server.File("data"), "--write")
			if want := fmt.Sprintf("%10d taken, own", len(m.had)); !strings.Contains(text, want) {
				t.Fatalf("want %q of the import, got\n%s", want, text)
			}
			node := &Server{host: m.server, config: config}
			node.Start()
			m.renew(node)
			if old.Name == "kea" {
				m.back(node)
			}
		})
	}
}

// fill has the clients get their leases.
func (m *move) fill(lan *Segment) {
	m.t.Helper()
	for i, c := range m.old.Clients {
		h := m.Host(fmt.Sprintf("client%d", i))
		h.Plug(lan, "eth0")
		m.clients, m.running = append(m.clients, h), append(m.running, c.Start(h, m.old.Wish))
	}
	for i := range m.clients {
		m.had = append(m.had, m.holds(i)...)
	}
	slices.SortFunc(m.had, netip.Prefix.Compare)
}

// holds waits for a client's leases.
func (m *move) holds(i int) (leases []netip.Prefix) {
	m.t.Helper()
	h, c := m.clients[i], m.old.Clients[i]
	h.eventually("its leases", func() bool {
		leases = leases[:0]
		for _, a := range h.GlobalAddresses("eth0") {
			leases = append(leases, netip.PrefixFrom(a, 128))
		}
		for _, p := range c.Got(h).Prefixes {
			if !slices.Contains(leases, p) {
				leases = append(leases, p)
			}
		}
		return len(leases) == m.old.Wish.Addresses+m.old.Wish.Prefixes
	})
	return leases
}

// renew waits until every lease was renewed at the node, and looks at what the clients have.
func (m *move) renew(node *Server) {
	m.t.Helper()
	since := time.Now().Truncate(time.Second)
	if m.old.Name == "dnsmasq" {
		for _, p := range m.running {
			p.Signal(syscall.SIGUSR1) // dhcpcd renews
		}
	}
	var heard map[netip.Prefix]time.Time
	m.server.eventually("all clients to renew", func() bool {
		heard = node.heard()
		return len(heard) == len(m.had) && !slices.ContainsFunc(m.had, func(l netip.Prefix) bool { return heard[l].Before(since) })
	})
	m.keeps()
}

// keeps fails the test where a client has anything else than it had.
func (m *move) keeps() {
	m.t.Helper()
	var now []netip.Prefix
	for i := range m.clients {
		now = append(now, m.holds(i)...)
	}
	slices.SortFunc(now, netip.Prefix.Compare)
	if diff := cmp.Diff(m.had, now, byString); diff != "" {
		m.t.Errorf("leases of the clients (-before +after)\n%s", diff)
	}
}

// heard tells when each living lease of the node's own was last heard.
func (s *Server) heard() map[netip.Prefix]time.Time {
	code, body := s.get("/v1/bindings/export?live=true&whose=own")
	if code != http.StatusOK {
		return nil
	}
	all := map[netip.Prefix]time.Time{}
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		var l struct {
			Lease string
			Last  time.Time `json:"last_transaction"`
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			s.host.lab.t.Fatalf("a list of leases: %v in %s", err, lines.Text())
		}
		all[parseLease(s.host.lab.t, l.Lease)] = l.Last
	}
	return all
}

// back is the way back: Kea starts with the leases that the node exports, and clients renew there what they had.
func (m *move) back(node *Server) {
	m.t.Helper()
	node.Stop()
	file := m.old.Leases(m.server)
	m.server.command("export", "kea", "--config", node.config, "--data", node.Data(), "--out", file)
	began := time.Now()
	m.old.Start(m.server)
	m.server.eventually("all clients to renew at Kea", func() bool {
		renewed := map[netip.Prefix]bool{}
		for l, last := range readKea(m.t, file) {
			renewed[l] = last.After(began.Add(-time.Second))
		}
		return !slices.ContainsFunc(m.had, func(l netip.Prefix) bool { return !renewed[l] })
	})
	m.keeps()
	if n := len(readKea(m.t, file)); n != len(m.had) {
		m.t.Errorf("Kea has %d leases, want %d", n, len(m.had))
	}
}

// readKea reads when each lease of Kea's file was last heard; the line that Kea is writing isn't a lease yet.
func readKea(t testing.TB, file string) map[netip.Prefix]time.Time {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[netip.Prefix]time.Time{}
	r := leasefile.NewKea(bytes.NewReader(data[:bytes.LastIndexByte(data, '\n')+1]), file)
	for {
		var l leasefile.Lease
		err := r.Next(&l)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[netip.PrefixFrom(netip.AddrFrom16(l.Key.Address), int(l.Key.Length))] = time.Unix(l.Last.Unix(), 0)
	}
}

// command runs a command of the program on a host without server and returns what it printed.
func (h *Host) command(args ...string) string {
	h.lab.t.Helper()
	out, err := exec.Command("ip", append([]string{"netns", "exec", h.ns, program}, args...)...).CombinedOutput()
	if err != nil {
		h.lab.t.Fatalf("lockstep6 %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
