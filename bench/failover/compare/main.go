// Command compare plays two nodes and a failover pair through the same histories, and writes what docs/failover-protocol.md
// shows of it. `make failover` runs it at the top of the module.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/lockstep6/lockstep6/bench/failover"
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
	if csv != "" {
		var b bytes.Buffer
		if err := failover.WriteCSV(&b, rows); err != nil {
			return err
		}
		if err := os.WriteFile(csv, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if page == "" {
		return nil
	}
	before, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	after, err := failover.Page(string(before), rows)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(after), 0o644)
}
