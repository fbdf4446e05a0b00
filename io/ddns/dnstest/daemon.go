package dnstest

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// patience is how long a real server may take to start or to end.
const patience = 30 * time.Second

// portTries is how often a real server is started anew: another process may have got its port meanwhile.
const portTries = 3

// A Kind is a make of servers.
type Kind struct {
	Name    string
	program string
	debian  string // the package that has it
	// configure writes the configuration into the daemon's folder and returns the program's arguments.
	configure func(d *Daemon) (arguments []string, err error)
}

// BIND is ISC's BIND 9.
var BIND = Kind{"BIND", "named", "bind9", configureBIND}

// Knot is CZ.NIC's Knot DNS.
var Knot = Kind{"Knot", "knotd", "knot", configureKnot}

// Kinds are those that tests are for: BIND, and with DNSTEST=all in the environment Knot too.
func Kinds() []Kind {
	if os.Getenv("DNSTEST") == "all" {
		return []Kind{BIND, Knot}
	}
	return []Kind{BIND}
}

// A Daemon is a real server in a folder of its own. It is a child of the test, and ends with it.
type Daemon struct {
	Addr  netip.AddrPort // not set: Start chooses a port of 127.0.0.1
	Zones []string       // with last dots
	Key   Key            // may update and transfer
	Extra string         // BIND only: more statements of each zone

	// Of a server that runs where the test doesn't, such as in another network namespace: what its command begins with, and what calls
	// a function in a place from which the server can be reached. The function opens its sockets itself.
	Prefix []string
	Inside func(f func() error) error

	kind      Kind
	folder    string
	program   string
	arguments []string
	command   *exec.Cmd
	output    *buffer
	exited    chan struct{}
}

// Start starts the server and waits until it answers for all its zones, which are empty but for SOA and NS records.
func (d *Daemon) Start(t testing.TB, kind Kind) {
	t.Helper()
	path, err := exec.LookPath(kind.program)
	if err != nil {
		if path = "/usr/sbin/" + kind.program; !isFile(path) {
			t.Fatalf("%s isn't installed; `make deps` installs it (apt-get install %s)", kind.program, kind.debian)
		}
	}
	d.kind, d.folder = kind, t.TempDir()
	t.Cleanup(func() { d.stop(syscall.SIGKILL) })
	for range portTries {
		if err = d.prepare(path); err != nil {
			break
		}
		if err = d.launch(); err == nil {
			return
		}
		d.stop(syscall.SIGKILL)
	}
	t.Fatal(err)
}

// prepare writes the daemon's files. The program is copied too: AppArmor's profiles go by its place, and keep it in others' folders.
func (d *Daemon) prepare(path string) error {
	if !d.Addr.IsValid() {
		udp, tcp, err := listenBoth(netip.AddrPort{})
		if err != nil {
			return err
		}
		d.Addr = netip.MustParseAddrPort(tcp.Addr().String())
		_, _ = udp.Close(), tcp.Close()
	}
	d.program = filepath.Join(d.folder, d.kind.program)
	octets, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.program, octets, 0o755); err != nil {
		return err
	}
	for _, zone := range d.Zones {
		text := "$TTL 600\n@ SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 600\n@ NS ns.invalid.\n"
		if err := os.WriteFile(filepath.Join(d.folder, zone+"zone"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	d.arguments, err = d.kind.configure(d)
	return err
}

// Restart starts the server that was stopped or killed again, with what its disk has.
func (d *Daemon) Restart(t testing.TB) {
	t.Helper()
	if err := d.launch(); err != nil {
		t.Fatal(err)
	}
}

// launch starts the program and waits until it serves all zones.
func (d *Daemon) launch() error {
	d.output, d.exited = &buffer{}, make(chan struct{})
	line := append(append(slices.Clone(d.Prefix), d.program), d.arguments...)
	d.command = exec.Command(line[0], line[1:]...)
	d.command.Dir, d.command.Stdout, d.command.Stderr = d.folder, d.output, d.output
	d.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func(c *exec.Cmd, exited chan struct{}) {
		runtime.LockOSThread() // Pdeathsig comes when the thread ends that started the child
		defer close(exited)
		err := c.Start()
		started <- err
		if err == nil {
			_ = c.Wait()
		}
	}(d.command, d.exited)
	if err := <-started; err != nil {
		return err
	}
	until := time.Now().Add(patience)
	for _, zone := range d.Zones {
		for !d.serves(zone) {
			select {
			case <-d.exited:
				return fmt.Errorf("%s ended at once:\n%s", d.kind.program, d.output)
			case <-time.After(20 * time.Millisecond):
			}
			if time.Now().After(until) {
				return fmt.Errorf("%s doesn't serve %s:\n%s", d.kind.program, zone, d.output)
			}
		}
	}
	return nil
}

// inside calls f where the server can be reached.
func (d *Daemon) inside(f func() error) error {
	if d.Inside == nil {
		return f()
	}
	return d.Inside(f)
}

// serves asks for a zone's SOA record.
func (d *Daemon) serves(zone string) bool {
	m := new(dns.Msg)
	m.SetQuestion(zone, dns.TypeSOA)
	c := dns.Client{Timeout: 500 * time.Millisecond}
	var answer *dns.Msg
	err := d.inside(func() (err error) {
		answer, _, err = c.Exchange(m, d.Addr.String())
		return err
	})
	return err == nil && answer.Rcode == dns.RcodeSuccess && answer.Authoritative && len(answer.Answer) > 0
}

// Stop ends the server as an operator would.
func (d *Daemon) Stop() { d.stop(syscall.SIGTERM) }

// Kill ends it as a cut of the power would.
func (d *Daemon) Kill() { d.stop(syscall.SIGKILL) }

func (d *Daemon) stop(signal syscall.Signal) {
	if d.command == nil || d.command.Process == nil {
		return
	}
	_ = d.command.Process.Signal(signal)
	select {
	case <-d.exited:
	case <-time.After(patience):
		_ = d.command.Process.Kill()
		<-d.exited
	}
}

// Output is what the server has said since it was started, for messages of tests that fail.
func (d *Daemon) Output() string { return d.output.String() }

// Zone reads a zone by transfer, with the library and not with what is tested: its records as text, without SOA and NS records,
// TTLs and classes, in the order of the server.
func (d *Daemon) Zone(t testing.TB, zone string) (records []string) {
	t.Helper()
	m := new(dns.Msg)
	m.SetAxfr(zone)
	transfer := &dns.Transfer{}
	if d.Key.Name != "" {
		m.SetTsig(d.Key.Name, d.Key.Algorithm, 300, time.Now().Unix())
		transfer.TsigSecret = map[string]string{d.Key.Name: d.Key.Secret}
	}
	var envelopes chan *dns.Envelope
	err := d.inside(func() (err error) {
		envelopes, err = transfer.In(m, d.Addr.String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for e := range envelopes {
		if e.Error != nil {
			t.Fatalf("transfer of %s: %v\n%s", zone, e.Error, d.Output())
		}
		for _, rr := range e.RR {
			h := rr.Header()
			if h.Rrtype != dns.TypeSOA && h.Rrtype != dns.TypeNS {
				data := strings.TrimPrefix(rr.String(), h.String())
				records = append(records, h.Name+" "+dns.TypeToString[h.Rrtype]+" "+data)
			}
		}
	}
	return records
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// A buffer gathers what a child says, while others read it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
