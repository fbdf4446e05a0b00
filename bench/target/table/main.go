// Command table writes the table of targets in BENCHMARKS.md anew, from the files in bench/results. `make targets` runs it at the
// top of the module. It writes also where a target is missed without a reason, and then says so; with -new, as `make bench` has it,
// that is all, for of what has just been measured nobody knows the reasons yet.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/lockstep6/lockstep6/bench/target"
)

func main() {
	fresh := flag.Bool("new", false, "the results have just been measured: that a reason is missing is a note and no error")
	flag.Parse()
	err := run("BENCHMARKS.md", "bench/results")
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "table:", err)
	if !*fresh || !only(err, target.ErrUnexplained) {
		os.Exit(1)
	}
}

// only tells whether all errors that are joined in err are of one kind.
func only(err, kind error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return errors.Is(err, kind)
	}
	for _, e := range joined.Unwrap() {
		if !only(e, kind) {
			return false
		}
	}
	return true
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
