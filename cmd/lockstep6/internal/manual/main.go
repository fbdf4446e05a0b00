// Command manual writes the manual pages and the shells' completions of lockstep6 into a folder, for packages:
//
//	manual -date 2026-11-27 -reference docs/configuration.md DIR
//
// DIR/man1 has a page for each command, DIR/man5 lockstep6.yaml(5), the reference of the configuration; DIR/completions a file for bash, zsh and fish.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra/doc"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/cli"
)

func main() {
	date := flag.String("date", time.Now().UTC().Format(time.DateOnly), "the pages' date")
	reference := flag.String("reference", "docs/configuration.md", "the configuration's reference, in Markdown")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "manual: name the one folder to write to")
		os.Exit(2)
	}
	if err := write(flag.Arg(0), *date, *reference); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

func write(folder, date, reference string) error {
	on, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return err
	}
	for _, sub := range []string{"man1", "man5", "completions"} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o755); err != nil {
			return err
		}
	}
	root := cli.Root()
	root.DisableAutoGenTag = true // it has today's date
	header := &doc.GenManHeader{Section: "1", Date: &on, Source: "lockstep6", Manual: "lockstep6's manual"}
	if err := doc.GenManTree(root, header, filepath.Join(folder, "man1")); err != nil {
		return err
	}
	page, err := os.ReadFile(reference)
	if err != nil {
		return err
	}
	const name = "# NAME\nlockstep6.yaml - the configuration of lockstep6, a DHCPv6 server\n\n"
	head := fmt.Sprintf("%% \"LOCKSTEP6.YAML\" \"5\" %q \"lockstep6\" \"lockstep6's manual\"\n", on.Format("Jan 2006"))
	if err := os.WriteFile(filepath.Join(folder, "man5", "lockstep6.yaml.5"), md2man.Render(append([]byte(head+name), page...)), 0o644); err != nil {
		return err
	}
	for shell, complete := range map[string]func(*bytes.Buffer) error{
		"bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"zsh":  func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
	} {
		var b bytes.Buffer
		if err := complete(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "completions", "lockstep6."+shell), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
