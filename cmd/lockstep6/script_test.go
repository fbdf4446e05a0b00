package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/admin/contract"
)

// patience is when a script gives up waiting for what must come. No script passes by waiting.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lockstep6": main})
}

// TestScripts runs the sessions in testdata/script: what a person types, and what must come back. Commands of ours:
//
//	serving DIR              waits until the node with this data folder answers by its admin socket
//	clients ADDR:PORT N      N clients behind relays get leases from the node there; several nodes: commas between
//	solicits ADDR:PORT N DIR  N clients behind a relay ask the node there, with this data folder, for an address and a prefix, and wait for no answer;
//	                         again where it shed some, as a busy machine's does
//	gather ADDR:PORT N       clients get leases and stay; several nodes: commas between, also such as don't run yet
//	keep renew|rebind        the gathered clients extend what they have, and every one keeps its address and prefix
//	mode FILE OCTAL          checks a file's permissions
//	exits CODE COMMAND...    runs a command that must end with this code
//	certificate CRT KEY      makes a certificate for this machine and its key
//	hangup                   sends SIGHUP to what runs in the background
//	fetch WHERE PATH          gets a path of a node's admin interface, by TCP (ADDR:PORT) or through the socket in a data folder
//	until PATTERN COMMAND... repeats a command, or fetch, until its output matches: for what a node hears but need not answer; ! until: until it doesn't
//
// The condition [root] holds where the tests run as root. The environment has free ports: $UDP, $UDP2, $TCP and, for
// leasequery, $LQ and $LQ2.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			// A socket's path may have 107 octets only, and the test's own folder is deep.
			short, err := os.MkdirTemp("", "l6-")
			if err != nil {
				return err
			}
			e.Defer(func() { _ = os.RemoveAll(short) })
			udp, udp2 := freeUDP(t), freeUDP(t)
			e.Vars = append(e.Vars, "DATA="+short, "UDP="+udp, "UDP2="+udp2, "TCP="+freeTCP(t, "127.0.0.1"), "LQ="+freeTCP(t, "::1"), "LQ2="+freeTCP(t, "::1"), "NO_COLOR=1")
			new(crowd).setup(e)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			return os.Getuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serving": serving, "clients": clients, "gather": gather, "keep": keep, "solicits": solicits, "mode": mode, "exits": exits,
			"until": until, "certificate": certificate, "hangup": hangup, "fetch": fetch,
		},
	})
}

func serving(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: serving DIR")
	}
	socket := filepath.Join(ts.MkAbs(args[0]), "admin.sock")
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := admin.Dial(socket)
		if err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			_, err = c.State(ctx)
			cancel()
			ts.Check(c.Close())
		}
		if err == nil {
			return
		}
		if time.Since(start) > patience {
			ts.Fatalf("no node answers at %s: %v", socket, err)
		}
	}
}

func clients(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: clients ADDR:PORT N")
	}
	servers := parseServers(ts, args[0])
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	g, err := load.Open(load.Config{
		Clients: n, Servers: servers, Relays: 1, Window: 16, Prefixes: true,
		LinkAddress: netip.MustParseAddr("2001:db8:1::1"), InterfaceID: true,
	})
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report, err := g.Run(ctx, load.Job{Task: load.Acquire})
	ts.Check(err)
	ts.Check(g.Close())
	if report.Failed > 0 {
		ts.Fatalf("%d of %d clients got nothing", report.Failed, n)
	}
}

func mode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: mode FILE OCTAL")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func certificate(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: certificate CRT KEY")
	}
	ts.Check(contract.WriteCertificate(ts.MkAbs(args[0]), ts.MkAbs(args[1]), 1))
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		status, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = status.ExitCode()
	}
	if got != want {
		ts.Fatalf("it ended with exit code %d, want %d", got, want)
	}
}

func hangup(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 0 {
		ts.Fatalf("usage: hangup")
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGHUP))
	}
}

func fetch(ts *testscript.TestScript, _ bool, args []string) {
	_, err := io.WriteString(ts.Stdout(), get(ts, args))
	ts.Check(err)
}

// get is what fetch gets.
func get(ts *testscript.TestScript, args []string) string {
	if len(args) != 2 {
		ts.Fatalf("usage: fetch ADDR:PORT|DIR PATH")
	}
	network, address := "tcp", args[0]
	if strings.HasPrefix(address, "/") {
		network, address = "unix", filepath.Join(address, "admin.sock")
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	answer, err := client.Get("http://localhost" + args[1])
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s answered %s: %s", args[1], answer.Status, body)
	}
	return string(body)
}

func until(ts *testscript.TestScript, never bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		output := ""
		if args[1] == "fetch" {
			output = get(ts, args[2:])
		} else {
			ts.Check(ts.Exec(args[1], args[2:]...))
			output = ts.ReadFile("stdout")
		}
		if pattern.MatchString(output) != never {
			return
		}
		if time.Since(start) > patience {
			ts.Fatalf("%q never came, or never went:\n%s", args[0], output)
		}
	}
}
