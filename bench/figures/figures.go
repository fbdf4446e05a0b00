// Package figures is what the benchmarks' reports have in common: where and when figures were measured, for how long a run may
// go on, and the files that they are written to.
package figures

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An Origin says of what figures are, and from which machine and day. A report embeds it; its JSON is of the report's level.
type Origin struct {
	Date    string `json:"date"` // in UTC
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	Kernel  string `json:"kernel"`
	Cores   int    `json:"cores"`
	LoadAvg string `json:"load_average"` // of a minute, at the beginning
}

// Here is the origin of what this process is about to measure. A commit that isn't known is "".
func Here(commit string) Origin {
	var system unix.Utsname
	_ = unix.Uname(&system) // what it doesn't tell stays empty
	return Origin{
		Date: time.Now().UTC().Format(time.DateOnly), Commit: cmp.Or(commit, "of an unknown commit"), Go: runtime.Version(),
		Kernel: unix.ByteSliceToString(system.Release[:]), Cores: runtime.NumCPU(), LoadAvg: loadAverage(),
	}
}

// loadAverage is the last minute's, as the kernel rounds it.
func loadAverage() string {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.2f", float64(s.Loads[0])/(1<<16))
}

// String says it for the head of a page, from the day on.
func (o *Origin) String() string {
	return fmt.Sprintf("%s: lockstep6 %s, %s, Linux %s, %d processors; load average %s at the beginning", o.Date, o.Commit, o.Go, o.Kernel, o.Cores, o.LoadAvg)
}

// Within is a context for a whole run: it ends at an interrupt, at SIGTERM, and after limit with words that say so.
func Within(limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took more than %v", limit))
	return ctx, func() {
		cancel()
		stop()
	}
}

// Write writes each file into a folder, which it makes; with "" for the folder none. One that can't be written doesn't keep the others away.
func Write(folder string, files map[string][]byte) (err error) {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, name), content, 0o644))
	}
	return err
}

// JSON is a report as a file's content: indented, with a line's end.
func JSON(report any) ([]byte, error) {
	data, err := json.MarshalIndent(report, "", "  ")
	return append(data, '\n'), err
}

// WriteCSV writes a header line and a line for each row.
func WriteCSV(to io.Writer, header []string, rows [][]string) error {
	w := csv.NewWriter(to)
	if err := w.Write(header); err != nil {
		return err
	}
	return w.WriteAll(rows)
}

// ReadCSV reads what stands below a header line, which must be header. Each line has as many fields as that.
func ReadCSV(from io.Reader, header []string) ([][]string, error) {
	lines, err := csv.NewReader(from).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || !slices.Equal(lines[0], header) {
		return nil, fmt.Errorf("line 1: the header isn't %v", header)
	}
	return lines[1:], nil
}

// Refresh rewrites the file of a page by what edit makes of it; with "" for the file it does nothing.
func Refresh(file string, edit func(page string) (string, error)) error {
	if file == "" {
		return nil
	}
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	after, err := edit(string(before))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(after), 0o644)
}

// To writes what write writes to a file; with "" for the file it does nothing.
func To(file string, write func(io.Writer) error) error {
	if file == "" {
		return nil
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}
