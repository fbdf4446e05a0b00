// Command compare kills one of two servers and counts how many clients keep their leases at the other, for Kea and for
// lockstep6 with their pools dealt out in every way. `make takeover` runs it at the top of the module. It needs root.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/figures"
	"github.com/lockstep6/lockstep6/bench/takeover"
)

func main() {
	var o takeover.Options
	flag.IntVar(&o.Clients, "n", 200, "clients")
	flag.Uint64Var(&o.Seed, "seed", 1, "of the nodes' key and the clients' order")
	flag.DurationVar(&o.AskTimeout, "ask-timeout", 300*time.Millisecond, "SOL_TIMEOUT, REQ_TIMEOUT and REN_TIMEOUT; the standard's are 1 s, 1 s and 10 s")
	flag.DurationVar(&o.RebindTimeout, "reb-timeout", 1250*time.Millisecond, "REB_TIMEOUT; the standard's is 10 s")
	flag.DurationVar(&o.Silence, "silence", 15*time.Second, "after this a client takes it that nobody answers")
	flag.StringVar(&o.Kea, "kea", "kea-dhcp6", "`program`")
	flag.StringVar(&o.Lockstep6, "lockstep6", "./lockstep6", "`program`")
	flag.StringVar(&o.Dir, "dir", "/dev/shm", "`folder` for the servers' files: in memory, for a node whose disk stalls hears less")
	limit := flag.Duration("limit", 5*time.Minute, "for all of it")
	commit := flag.String("commit", "", "of lockstep6, for the results' head")
	out := flag.String("out", "", "`file` to write the results to as well")
	var only *regexp.Regexp
	flag.Func("only", "run but the cases whose \"event: server, pools\" the `expression` matches", func(s string) (err error) {
		only, err = regexp.Compile(s)
		return err
	})
	flag.Parse()
	if flag.NArg() > 0 || o.Clients < 1 || o.Clients > 200 {
		fmt.Fprintln(os.Stderr, "compare: needs 1 to 200 clients: the second server's half of the pool has 256 prefixes")
		os.Exit(2)
	}
	ctx, cancel := figures.Within(*limit)
	defer cancel()
	if err := compare(ctx, &o, only, *commit, *out); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// compare runs every event with every contender, and writes the results once all are there.
func compare(ctx context.Context, o *takeover.Options, only *regexp.Regexp, commit, out string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces and DHCPv6's ports need root")
	}
	if o.Lockstep6, err = filepath.Abs(o.Lockstep6); err != nil {
		return err
	}
	text, err := head(o, commit)
	if err != nil {
		return err
	}
	for _, e := range takeover.Events() {
		var rows []takeover.Row
		for _, c := range takeover.Contenders() {
			name := fmt.Sprintf("%s: %s, %s", e.Title, c.Server, c.Pools)
			if e.Deaf && !c.Listen || only != nil && !only.MatchString(name) {
				continue // who doesn't listen learns nothing from others' clients anyway
			}
			t, err := takeover.Run(ctx, o, &c, &e)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(os.Stderr, "%s: %d of %d kept both\n", name, t.Both, t.Clients)
			rows = append(rows, takeover.Row{Contender: c, Tally: t})
		}
		if rows != nil {
			text += takeover.Markdown(&e, rows)
		}
	}
	text = strings.TrimRight(text, "\n") + "\n"
	fmt.Print(text)
	if out == "" {
		return nil
	}
	folder, name := filepath.Split(out)
	return figures.Write(cmp.Or(folder, "."), map[string][]byte{name: []byte(text)})
}

// head says what was measured, when and how.
func head(o *takeover.Options, commit string) (string, error) {
	kea, err := exec.Command(o.Kea, "-v").Output()
	if err != nil {
		return "", fmt.Errorf("%s -v, of Debian's package kea-dhcp6-server: %w", o.Kea, err)
	}
	origin := figures.Here(commit)
	var b strings.Builder
	b.WriteString("# One of two servers dies\n\n")
	fmt.Fprintf(&b, "Written by `make takeover` on %s. Kea is %s, without its hook for high availability.\n", &origin, strings.TrimSpace(string(kea)))
	fmt.Fprintf(&b, "%d clients, seed %d, REB_TIMEOUT %v. What is done, and with which configuration, is in bench/takeover.\n\n", o.Clients, o.Seed, o.RebindTimeout)
	return b.String(), nil
}
