package e2e

import (
	"net/netip"
	"regexp"
	"strings"
	"syscall"
)

// Dibbler is dibbler-client.
type Dibbler struct{}

// Name is the program's.
func (Dibbler) Name() string { return "dibbler" }

// Start runs dibbler in the foreground. Its configuration has one place only, below /etc.
func (Dibbler) Start(h *Host, w Wish) *Process {
	stateFolder(h, "/var/lib/dibbler")
	stateFolder(h, "/var/log/dibbler")
	var conf strings.Builder
	conf.WriteString("log-level 8\nlog-mode full\nduid-type duid-ll\nscript \"" + hook(h, "") + "\"\niface \"eth0\" {\n")
	if w.Stateless {
		conf.WriteString("stateless\n")
	}
	if w.Rapid {
		conf.WriteString("rapid-commit yes\n")
	}
	conf.WriteString(strings.Repeat("ia\n", w.Addresses))
	conf.WriteString(strings.Repeat("pd\n", w.Prefixes))
	conf.WriteString("option dns-server\noption domain\n}\n")
	h.Write("etc/dibbler/client.conf", conf.String(), 0o644)
	return h.Start("dibbler", "dibbler-client", "run")
}

// Release ends dibbler, which gives its leases back.
func (Dibbler) Release(p *Process) {
	p.host.lab.t.Helper()
	_ = p.Stop(syscall.SIGTERM)
}

var (
	dibblerServer = regexp.MustCompile(`Setting up DNS server (\S+) on`)
	dibblerDomain = regexp.MustCompile(`Setting up Domain (\S+) on`)
)

// Got reads the log, since dibbler calls no script after a Rapid Commit, and the hook's events for the prefixes.
func (Dibbler) Got(h *Host) Got {
	log := h.read("dibbler.log")
	got := Got{
		DNS:    addrs(matches(dibblerServer, log)),
		Search: domains(matches(dibblerDomain, log)),
	}
	for _, e := range events(h.lab.t, h) {
		for name, value := range e {
			number, ok := strings.CutPrefix(name, "PREFIX")
			if !ok || strings.HasSuffix(number, "LEN") {
				continue
			}
			if p, err := netip.ParsePrefix(value + "/" + e["PREFIX"+number+"LEN"]); err == nil {
				got.Prefixes = append(got.Prefixes, p)
			}
		}
	}
	return got
}
