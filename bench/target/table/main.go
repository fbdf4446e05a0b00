// Command table writes the table of targets in BENCHMARKS.md anew, from the files in bench/results. `make targets` runs it at the
// top of the module. It writes also where a target is missed without a reason, and then says so.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/lockstep6/lockstep6/bench/target"
)

func main() {
	if err := run("BENCHMARKS.md", "bench/results"); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(page, folder string) error {
	before, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	after, err := target.Page(string(before), folder)
	if after == "" {
		return err
	}
	return errors.Join(err, os.WriteFile(page, []byte(after), 0o644))
}
