package e2e

import (
	"bufio"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A Wish is what a client is set up to ask for.
type Wish struct {
	Addresses int  // IA_NAs
	Prefixes  int  // IA_PDs
	Stateless bool // Information-request instead of a lease
	Rapid     bool // with the Rapid Commit option
	Accept    bool // with the Reconfigure Accept option
}

// A Client drives one client program on a host's eth0.
type Client interface {
	// Name is the program's.
	Name() string
	// Start starts the program, with the state that an earlier start left.
	Start(h *Host, w Wish) *Process
	// Release makes the running program give its leases back, where it can, and end.
	Release(p *Process)
	// Got reads what the program reports that it got, all that the reports of its life so far name.
	Got(h *Host) Got
}

// Got is what a client learned, by its own report.
type Got struct {
	Prefixes []netip.Prefix
	DNS      []netip.Addr
	Search   []string
}

// hook is the script that clients call: it appends its environment to the file "events" and goes on with the
// program's own script, if any. Its folder is the host's.
func hook(h *Host, next string) string {
	script := "#!/bin/sh\n{ echo \"event=$*\"; env; echo; } >>" + h.File("events") + "\n"
	if next != "" {
		script += "exec " + next + " \"$@\"\n"
	}
	return h.Write("hook", script, 0o755)
}

// An event is the environment of one call of the hook.
type event map[string]string

// events returns the calls of the hook so far.
func events(t testing.TB, h *Host) []event {
	t.Helper()
	f, err := os.Open(h.File("events"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []event
	current := event{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if s.Text() == "" && len(current) > 0 {
			all, current = append(all, current), event{}
		} else if name, value, ok := strings.Cut(s.Text(), "="); ok {
			current[name] = value
		}
	}
	return all
}

// gather collects the values of variables, each a list separated by spaces, from all events.
func gather(all []event, variables ...string) []string {
	var found []string
	for _, e := range all {
		for _, v := range variables {
			for word := range strings.FieldsSeq(e[v]) {
				if !slices.Contains(found, word) {
					found = append(found, word)
				}
			}
		}
	}
	return found
}

// matches returns what the first group of a pattern found in a text, each once.
func matches(pattern *regexp.Regexp, text string) []string {
	var found []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(found, m[1]) {
			found = append(found, m[1])
		}
	}
	return found
}

// addrs parses the words that are addresses.
func addrs(words []string) []netip.Addr {
	var all []netip.Addr
	for _, w := range words {
		if a, err := netip.ParseAddr(w); err == nil {
			all = append(all, a)
		}
	}
	return all
}

// prefixes parses the words that are prefixes.
func prefixes(words []string) []netip.Prefix {
	var all []netip.Prefix
	for _, w := range words {
		if p, err := netip.ParsePrefix(w); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// domains takes the root's dot off names.
func domains(words []string) []string {
	var all []string
	for _, w := range words {
		all = append(all, strings.TrimSuffix(w, "."))
	}
	return all
}

// stateFolder makes a folder under /var or /run that the host's programs see.
func stateFolder(h *Host, path string) string {
	h.lab.t.Helper()
	inner := filepath.Join(h.Dir, "root", path)
	if err := os.MkdirAll(inner, 0o755); err != nil {
		h.lab.t.Fatal(err)
	}
	return inner
}
