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

// moved is the configuration that serves what the predecessors served whose own `lockstep6 convert` doesn't read.
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
	lan     *Segment
	server  *Host
	taps    []*Capture // of the server's interfaces
	clients []*Host
	running []*Process
	had     []netip.Prefix
}

// TestMove: real servers are filled by real clients, stopped, converted and imported; a node takes their place by their DUID, and every
// client renews, keeps what it had, and is told what it was told. Newcomers get what nobody has. Kea then goes on with what the node exported.
func TestMove(t *testing.T) {
	for _, old := range predecessors {
		t.Run(old.Name, func(t *testing.T) {
			t.Parallel()
			m := newMove(t, old)
			process := old.Start(m.server, m.clients[0].MAC("eth0"))
			m.fill(0, len(m.clients))
			m.placed()
			if err := process.Stop(syscall.SIGTERM); err != nil {
				t.Logf("%s ended with %v", old.Name, err)
			}
			before := m.toldBefore()
			config := m.convert()
			text := m.server.command("import", old.Name, old.Leases(m.server), "--config", config, "--data", m.server.File("data"), "--write")
			kept := len(m.had)
			if old.Unkept {
				kept -= len(old.Reserved)
			}
			if want := fmt.Sprintf("%10d taken, own", kept); !strings.Contains(text, want) {
				t.Fatalf("want %q of the import, got\n%s", want, text)
			}
			since := time.Now()
			node := &Server{host: m.server, config: config}
			node.Start()
			m.renew(node)
			if old.Config != nil {
				m.toldAgain(before, since)
			}
			newcomers := m.newcomers("[2001:db8:1::1]:547")
			if old.Name == "kea" {
				m.back(node, newcomers)
			}
		})
	}
}

// newMove makes the server's host and its clients'.
func newMove(t *testing.T, old Predecessor) *move {
	t.Helper()
	m := &move{Lab: NewLab(t), old: old}
	m.lan = m.Segment("lan")
	yard := m.Segment("yard")
	m.server = m.Host("server")
	m.server.Plug(m.lan, "eth0", "2001:db8:1::1/64")
	m.server.Plug(yard, "eth1", "2001:db8:3::1/64")
	m.taps = []*Capture{m.server.Capture("eth0"), m.server.Capture("eth1")}
	for i, g := range old.Guests {
		h := m.Host(fmt.Sprintf("client%d", i))
		if g.Yard {
			h.Plug(yard, "eth0")
		} else {
			h.Plug(m.lan, "eth0")
		}
		m.clients = append(m.clients, h)
	}
	return m
}

// fill has the clients from one to before another get their leases.
func (m *move) fill(from, to int) {
	m.t.Helper()
	for i := from; i < to; i++ {
		m.running = append(m.running, m.old.Guests[i].Start(m.clients[i], m.old.Wish))
	}
	for i := from; i < to; i++ {
		m.had = append(m.had, m.holds(i)...)
	}
	slices.SortFunc(m.had, netip.Prefix.Compare)
}

// convert turns the old server's configuration into the node's, or writes that for servers whose configuration isn't read.
func (m *move) convert() (config string) {
	m.t.Helper()
	if m.old.Config == nil {
		return m.server.Write("lockstep6.yaml", moved, 0o644)
	}
	config = m.server.File("lockstep6.yaml")
	text := m.server.command("convert", m.old.Name, "--in", m.old.Config(m.server), "--out", config)
	if !strings.Contains(text, " 0 without an equal") {
		m.t.Errorf("not all of the configuration was taken over:\n%s", text)
	}
	return config
}

// holds waits for a client's leases.
func (m *move) holds(i int) (leases []netip.Prefix) {
	m.t.Helper()
	return holds(m.clients[i], m.old.Guests[i], m.old.Wish)
}

func holds(h *Host, c Client, w Wish) (leases []netip.Prefix) {
	h.lab.t.Helper()
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
		return len(leases) == w.Addresses+w.Prefixes
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

// back is the way back: Kea starts with the leases that the node exports, those of newcomers too, and clients renew there what they had.
func (m *move) back(node *Server, newcomers int) {
	m.t.Helper()
	node.Stop()
	file := m.old.Leases(m.server)
	args := []string{"export", "kea", "--config", node.config, "--data", node.Data(), "--out", file}
	m.server.command(append(args, keaSubnets...)...)
	began := time.Now()
	m.old.Start(m.server, m.clients[0].MAC("eth0"))
	m.server.eventually("all clients to renew at Kea", func() bool {
		renewed := map[netip.Prefix]bool{}
		for l, last := range readKea(m.t, file) {
			renewed[l] = last.After(began.Add(-time.Second))
		}
		return !slices.ContainsFunc(m.had, func(l netip.Prefix) bool { return !renewed[l] })
	})
	m.keeps()
	if n := len(readKea(m.t, file)); n != len(m.had)+newcomers {
		m.t.Errorf("Kea has %d leases, want %d, and %d of newcomers", n, len(m.had), newcomers)
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
