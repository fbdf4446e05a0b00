package e2e

import (
	"errors"
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// newDNSServer makes a lab of one host on which the server, a DNS server and our own clients are, who have names.
func newDNSServer(t *testing.T, kind dnstest.Kind, secret string) (*Server, *dnstest.Daemon, *Crowd) {
	t.Helper()
	lab := NewLab(t)
	h := lab.Host("server")
	d := h.DNS(kind, "::1")
	s := h.Serve(calm + `log: {leases: false}
listen: {addresses: ["` + ownServer + `"]}
links:
  - name: home
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "3fff::/32", length: 56}]
` + lab.Keyring(secret).dnsSection("::1"))
	crowd := NewCrowd(t, h.Agent(ownServer), linkAddress, nil)
	crowd.dress = withName
	return s, d, crowd
}

// nodesOf is a server that has no peers, as a list of nodes.
func nodesOf(s *Server) []*Node { return []*Node{{Server: s}} }

// audit runs `lockstep6 dns audit`, and tells whether it left nothing to do.
func (s *Server) audit(args ...string) (output string, clean bool) {
	s.host.lab.t.Helper()
	args = append([]string{"netns", "exec", s.host.ns, program, "dns", "audit", "--data", s.Data()}, args...)
	out, err := exec.Command("ip", args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		s.host.lab.t.Fatalf("lockstep6 dns audit: %v\n%s", err, out)
	}
	return string(out), err == nil
}

// An operator looks at DNS, and an audit mends what somebody has deleted and what a server that died for good has left.
func TestDNSAudit(t *testing.T) {
	t.Parallel()
	for _, kind := range dnstest.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s, d, crowd := newDNSServer(t, kind, dnsSecret)
			crowd.Acquire(withSecond(between(firstOwn, firstOwn+10)))
			wantRecords(t, d, nodesOf(s), nil, crowd)
			text := s.Command("dns", "--data", s.Data())
			if !strings.Contains(text, "queue: empty") || strings.Contains(text, "DOWN") || strings.Count(text, "up since") != len(dnsZones) {
				t.Errorf("lockstep6 dns says\n%s", text)
			}
			if text, clean := s.audit(); !clean {
				t.Errorf("an audit of what is well says\n%s", text)
			}

			l, _ := crowd.book.lease(firstOwn + 1)
			address := l.Address.String()
			reverse := reverseName(l)
			s.host.nsupdate("zone "+dnsZones[1], "update delete "+reverse+" PTR")
			s.host.nsupdate("zone "+dnsZones[0], "update delete client-1002."+dnsDomain+" AAAA",
				"update add ghost."+dnsDomain+" 600 AAAA 2001:db8:1::77", "update add ghost."+dnsDomain+" 600 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
				"update add byhand."+dnsDomain+" 600 AAAA 2001:db8:7::1")
			text, clean := s.audit()
			for _, want := range []string{reverse, "client-1002." + dnsDomain, "ghost." + dnsDomain, address} {
				if !strings.Contains(text, strings.TrimSuffix(want, ".")) {
					t.Errorf("the audit doesn't tell of %s\n%s", want, text)
				}
			}
			if clean || strings.Contains(text, "byhand") {
				t.Errorf("clean: %v\n%s", clean, text)
			}
			if maps.Equal(held(t, d), crowd.records()) {
				t.Error("an audit that was to tell only has mended")
			}
			if text, clean = s.audit("--repair"); !clean {
				t.Errorf("the repair says\n%s", text)
			}
			wantRecords(t, d, nodesOf(s), map[string]bool{"byhand." + dnsDomain + " AAAA 2001:db8:7::1": true}, crowd)
		})
	}
}

// While the DNS server refuses the key nothing is lost; once the right one is read all is done.
func TestDNSWrongKey(t *testing.T) {
	t.Parallel()
	s, d, crowd := newDNSServer(t, dnstest.BIND, wrongSecret)
	crowd.Acquire(withSecond(between(firstOwn, firstOwn+10)))
	var text string
	s.host.eventually("word of the key that isn't taken", func() bool {
		text = s.Command("dns", "--data", s.Data())
		return strings.Contains(text, "DOWN") && strings.Contains(text, "BADSIG")
	})
	crowd.Release(between(firstOwn, firstOwn+3))
	if got := held(t, d); len(got) > 0 {
		t.Errorf("DNS holds %v", got)
	}
	s.host.lab.Keyring(dnsSecret)
	text = s.Command("reload", "--yes", "--config", s.config, "--data", s.Data())
	t.Logf("the reload says\n%s", text)
	wantRecords(t, d, nodesOf(s), nil, crowd)
	if text = s.Command("dns", "--data", s.Data()); strings.Contains(text, "DOWN") {
		t.Errorf("lockstep6 dns says\n%s", text)
	}
}

// reverseName is the name of a lease's PTR record.
func reverseName(l Lease) string {
	octets := l.Address.As16()
	return naming.AppendReverse(nil, &octets).String()
}

// nsupdate has the DNS server of the host make an update.
func (h *Host) nsupdate(lines ...string) {
	t := h.lab.t
	t.Helper()
	cmd := exec.Command("ip", "netns", "exec", h.ns, "nsupdate", "-y", "hmac-sha256:"+dnsKey+":"+dnsSecret)
	cmd.Stdin = strings.NewReader("server ::1 53\n" + strings.Join(lines, "\n") + "\nsend\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nsupdate: %v\n%s", err, out)
	}
}
