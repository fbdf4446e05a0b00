package failover

import (
	"fmt"
	"io"
	"strconv"

	"github.com/lockstep6/lockstep6/bench/figures"
)

var header = []string{"scenario", "system", "doubles", "had", "kept", "within_10min", "within_t1", "within_t2", "within_valid",
	"long", "longest_ms", "in_all_ms", "median_ms", "p99_ms", "rebind_ms", "asked", "granted", "messages", "octets", "other_messages", "other_octets"}

// fields are the row's numbers in the order of the header.
func (r *Row) fields() []any {
	return []any{&r.Doubles, &r.Had, &r.Kept, &r.Within[0], &r.Within[1], &r.Within[2], &r.Within[3],
		&r.Long, &r.Longest, &r.InAll, &r.Median, &r.Slow, &r.Rebind, &r.Asked, &r.Granted,
		&r.Messages, &r.Octets, &r.OtherMessages, &r.OtherOctets}
}

// WriteCSV writes the rows with a header line.
func WriteCSV(to io.Writer, rows []Row) error {
	var lines [][]string
	for i := range rows {
		line := []string{rows[i].Scenario, rows[i].System}
		for _, field := range rows[i].fields() {
			switch x := field.(type) {
			case *int:
				line = append(line, strconv.Itoa(*x))
			case *int64:
				line = append(line, strconv.FormatInt(*x, 10))
			}
		}
		lines = append(lines, line)
	}
	return figures.WriteCSV(to, header, lines)
}

// ReadCSV reads what WriteCSV wrote.
func ReadCSV(from io.Reader) ([]Row, error) {
	lines, err := figures.ReadCSV(from, header)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for i, line := range lines {
		r := Row{Scenario: line[0], System: line[1]}
		for k, field := range r.fields() {
			value, err := strconv.ParseInt(line[2+k], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("line %d, %s: %w", i+2, header[2+k], err)
			}
			switch x := field.(type) {
			case *int:
				*x = int(value)
			case *int64:
				*x = value
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}
