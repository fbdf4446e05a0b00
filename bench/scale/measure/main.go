// Command measure measures one node with many bindings, a dense pool that is nearly full, and the ceilings of the parts in the
// same run, and writes tables (Markdown and JSON) and plots (SVG). `make scale` runs it at the top of the module; with ten
// million bindings it takes 6 GiB of memory, 3 GiB of disk and some five minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/bench/ceiling"
	"github.com/lockstep6/lockstep6/bench/child"
	"github.com/lockstep6/lockstep6/bench/figures"
	"github.com/lockstep6/lockstep6/bench/scale"
)

// most is how many bindings a size may have: 300 octets each, and what the kernel keeps of the files.
const most = 30_000_000

func main() {
	parts := scale.Parts()
	for name, part := range ceiling.Parts() {
		parts[name] = part
	}
	child.Main(parts)
	sizes := flag.String("bindings", "1000000,4000000,10000000", "how many bindings, in the order to measure; empty: none")
	bits := flag.Int("bits", scale.MaxBits, "the dense pool has 2 to the power of so many prefixes")
	ceilings := flag.Bool("ceilings", true, "measure the ceilings and the dense pool too")
	workers := flag.Int("workers", 1, "of the node")
	renew := flag.Duration("renew", 5*time.Second, "how long each size renews")
	dir := flag.String("dir", os.TempDir(), "`folder` on the disk in question, for the stores")
	out := flag.String("out", "", "`folder` to write scale.json, scale.md and scale-*.svg to")
	commit := flag.String("commit", "of an unknown commit", "for the results' head")
	limit := flag.Duration("limit", 15*time.Minute, "for all of it")
	flag.Parse()
	list, err := numbers(*sizes)
	if err != nil || flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "measure: -bindings %q: give numbers from 1 to %d with commas between them, and no arguments\n", *sizes, most)
		os.Exit(2)
	}
	ctx, cancel := figures.Within(*limit)
	defer cancel()
	origin := figures.Here(*commit)
	report := &scale.Report{Head: fmt.Sprintf("Written by bench/scale/measure on %s.", &origin)}
	told := func(line string) { fmt.Fprintln(os.Stderr, line) }
	err = report.MeasureSizes(ctx, scale.Options{Dir: *dir, Workers: *workers, Renew: *renew}, list, told)
	if err == nil && *ceilings {
		err = report.MeasureCeilings(ctx, *dir, *bits, list, told)
	}
	if len(report.References) > 0 { // what was measured before an error as well
		err = errors.Join(err, write(report, *out))
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = errors.Join(cause, err)
		}
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func numbers(text string) (list []int, err error) {
	if text == "" {
		return nil, nil
	}
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		if n < 1 || n > most {
			return nil, strconv.ErrRange
		}
		list = append(list, n)
	}
	return list, nil
}

// write prints the page, and writes all files where there is a folder for them.
func write(r *scale.Report, folder string) error {
	r.Hold()
	page := r.Markdown()
	fmt.Print(page)
	data, err := figures.JSON(r)
	if err != nil {
		return err
	}
	files, err := r.Plots()
	if err != nil {
		return err
	}
	files["scale.md"], files["scale.json"] = []byte(page), data
	return figures.Write(folder, files)
}
