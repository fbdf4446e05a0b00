// Command compare plays two nodes and a failover pair through the same histories, and writes what docs/failover-protocol.md
// shows of it. `make failover` runs it at the top of the module.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/lockstep6/lockstep6/bench/failover"
	"github.com/lockstep6/lockstep6/bench/figures"
)

func main() {
	seeds := flag.Int("seeds", 3, "histories of each cell")
	csv := flag.String("csv", "", "`file` to write all figures to")
	page := flag.String("page", "", "Markdown `file` whose tables to replace")
	flag.Parse()
	if flag.NArg() > 0 || *seeds < 1 {
		fmt.Fprintln(os.Stderr, "compare: needs a seed at least, and no arguments but flags")
		os.Exit(2)
	}
	if err := run(*seeds, *csv, *page); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// run computes, and writes the files that were asked for.
func run(seeds int, csv, page string) error {
	rows, err := failover.Study(failover.Scenarios, seeds)
	if err != nil {
		return err
	}
	fmt.Print(failover.Markdown(rows))
	return errors.Join(
		figures.To(csv, func(to io.Writer) error { return failover.WriteCSV(to, rows) }),
		figures.Refresh(page, func(before string) (string, error) { return failover.Page(before, rows) }),
	)
}
