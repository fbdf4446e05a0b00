// Command montecarlo computes how often servers give one lease to two clients, and writes what docs/agreement.md shows
// of it. `make agreement` runs it at the top of the module.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/lockstep6/lockstep6/bench/agreement"
)

func main() {
	slots := flag.Uint64("slots", 1<<16, "slots of the pool")
	nodes := flag.Int("nodes", 3, "nodes that share it")
	seeds := flag.Int("seeds", 25, "runs of each cell")
	csv := flag.String("csv", "", "`file` to write all figures to")
	svg := flag.String("svg", "", "`file` to write the plot to")
	page := flag.String("page", "", "Markdown `file` whose tables to replace")
	flag.Parse()
	if flag.NArg() > 0 || *nodes < 2 || *slots < uint64(*nodes) || *slots > agreement.MaxSlots || *seeds < 1 {
		fmt.Fprintf(os.Stderr, "montecarlo: needs 2 nodes or more, slots from their number to %d, and a seed\n", agreement.MaxSlots)
		os.Exit(2)
	}
	rows := agreement.Study(*slots, *nodes, *seeds)
	fmt.Print(agreement.Markdown(rows))
	if err := write(rows, *csv, *svg, *page); err != nil {
		fmt.Fprintln(os.Stderr, "montecarlo:", err)
		os.Exit(1)
	}
}

// write writes the files that were asked for.
func write(rows []agreement.Row, csv, svg, page string) error {
	if csv != "" {
		var b bytes.Buffer
		if err := agreement.WriteCSV(&b, rows); err != nil {
			return err
		}
		if err := os.WriteFile(csv, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if svg != "" {
		if err := os.WriteFile(svg, []byte(agreement.Plot(rows)), 0o644); err != nil {
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
	after, err := agreement.Page(string(before), rows)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(after), 0o644)
}
