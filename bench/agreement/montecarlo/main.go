// Command montecarlo computes how often servers give one lease to two clients, and writes what docs/agreement.md shows
// of it. `make agreement` runs it at the top of the module.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/lockstep6/lockstep6/bench/agreement"
	"github.com/lockstep6/lockstep6/bench/figures"
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
	return errors.Join(
		figures.To(csv, func(to io.Writer) error { return agreement.WriteCSV(to, rows) }),
		figures.To(svg, func(to io.Writer) error {
			_, err := io.WriteString(to, agreement.Plot(rows))
			return err
		}),
		figures.Refresh(page, func(before string) (string, error) { return agreement.Page(before, rows) }),
	)
}
