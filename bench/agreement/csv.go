package agreement

import (
	"fmt"
	"io"
	"strconv"

	"github.com/lockstep6/lockstep6/bench/figures"
)

var header = []string{"spread", "loss", "strategy", "fill",
	"duplicates_min", "duplicates_median", "duplicates_max", "refused_min", "refused_median", "refused_max"}

// WriteCSV writes the rows with a header line; all shares are from 0 to 1.
func WriteCSV(to io.Writer, rows []Row) error {
	var lines [][]string
	for _, r := range rows {
		line := []string{string(r.Spread), number(r.Loss), string(r.Strategy), number(r.Fill)}
		for _, x := range [...]float64{r.Duplicates.Min, r.Duplicates.Median, r.Duplicates.Max, r.Refused.Min, r.Refused.Median, r.Refused.Max} {
			line = append(line, number(x))
		}
		lines = append(lines, line)
	}
	return figures.WriteCSV(to, header, lines)
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// ReadCSV reads what WriteCSV wrote.
func ReadCSV(from io.Reader) ([]Row, error) {
	lines, err := figures.ReadCSV(from, header)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for i, line := range lines {
		r := Row{Spread: Spread(line[0]), Strategy: Strategy(line[2])}
		for at, into := range map[int]*float64{1: &r.Loss, 3: &r.Fill,
			4: &r.Duplicates.Min, 5: &r.Duplicates.Median, 6: &r.Duplicates.Max, 7: &r.Refused.Min, 8: &r.Refused.Median, 9: &r.Refused.Max} {
			if *into, err = strconv.ParseFloat(line[at], 64); err != nil {
				return nil, fmt.Errorf("line %d, %s: %w", i+2, header[at], err)
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}
