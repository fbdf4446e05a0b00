package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// withURL are the command lines of all commands that have the flag --url, by the command.
var withURL = map[string][]string{
	"backup":               {"copy"},
	"dns audit":            nil,
	"drain":                nil,
	"export csv":           nil,
	"export json":          nil,
	"export kea":           nil,
	"history":              {"2001:db8:1::1"},
	"leases list":          nil,
	"hooks resend":         {"routes"},
	"outbox resend":        nil,
	"leases show":          {"2001:db8:1::1"},
	"leases release":       {"2001:db8:1::1"},
	"log-level":            nil,
	"peers":                nil,
	"pools":                nil,
	"provider-prefix list": nil,
	"provider-prefix set":  {"uplink", "2001:db8:ab00::/56"},
	"reconfigure cancel":   nil,
	"reconfigure show":     nil,
	"reload":               {"--dry-run"},
	"reservations add":     {"lan", "duid", "000301", "--address", "2001:db8:1::1"},
	"reservations list":    {"lan"},
	"reservations remove":  {"lan", "duid", "000301"},
	"top":                  {"--once"},
	"why":                  nil,
}

// TestEveryCommandAsksTheURL: a command that has --url asks the node there, whatever files there are here, and docs/api.md names it.
func TestEveryCommandAsksTheURL(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	dead := deadPort(t)
	t.Chdir(t.TempDir())
	_, list, _ := strings.Cut(string(page), "These commands take `--url`")
	list, _, _ = strings.Cut(list, "\n\n")
	seen := 0
	everyCommand(newRoot(), func(c *cobra.Command) {
		if c.HasSubCommands() || c.Flag("url") == nil {
			return
		}
		name := strings.TrimPrefix(c.CommandPath(), "lockstep6 ")
		args, ok := withURL[name]
		if !ok {
			t.Errorf("%s has --url: name it here", name)
			return
		}
		seen++
		var out, errs bytes.Buffer
		line := append(append(strings.Fields(name), args...), "--url", "http://"+dead)
		if code := Main(line, nil, &out, &errs); code != exitFailed || !strings.Contains(errs.String(), dead) || strings.Contains(errs.String(), "lockstep6.yaml") {
			t.Errorf("%s: exit code %d, %s", line, code, &errs)
		}
		line = append(line, "--data", "here")
		errs.Reset()
		if code := Main(line, nil, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "one on this machine") {
			t.Errorf("%s: exit code %d, %s", line, code, &errs)
		}
		if first, _, _ := strings.Cut(name, " "); !strings.Contains(list, "`"+first+"`") {
			t.Errorf("docs/api.md doesn't say that %s has --url", first)
		}
	})
	if seen != len(withURL) {
		t.Errorf("%d commands have --url, and %d are named here", seen, len(withURL))
	}
}

// everyCommand calls with a command and all below it.
func everyCommand(c *cobra.Command, call func(*cobra.Command)) {
	call(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, call)
	}
}

// deadPort is a port of 127.0.0.1 that connections are refused at, and that nobody else gets while the test runs.
func deadPort(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*unix.SockaddrInet4).Port)
}
