package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/store/exchange"
)

// importExamples is how many entries of each reason are shown; --report has all.
const importExamples = 5

// An importReport notes what isn't taken.
type importReport struct {
	file     *os.File // nil: nobody wants it
	w        *bufio.Writer
	examples map[string][]string
}

func openReport(name string) (*importReport, error) {
	r := &importReport{examples: map[string][]string{}}
	if name == "" {
		return r, nil
	}
	var err error
	if r.file, err = os.Create(name); err != nil {
		return nil, fmt.Errorf("--report: %w", err)
	}
	r.w = bufio.NewWriter(r.file)
	return r, nil
}

func (r *importReport) add(file string, line int, why, text string) {
	if len(r.examples[why]) < importExamples {
		r.examples[why] = append(r.examples[why], fmt.Sprintf("%s:%d: %s", filepath.Base(file), line, text))
	}
	if r.w != nil {
		fmt.Fprintf(r.w, "%s:%d: %s: %s\n", file, line, why, text) // close tells
	}
}

func (r *importReport) close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(r.w.Flush(), r.file.Close())
}

// printImported prints the end of an import.
func printImported(w io.Writer, r *daemon.Imported, report *importReport) {
	fmt.Fprintf(w, "%s read\n", entries(r.Entries))
	whose := "own"
	if r.Observed {
		whose = "observed of the successor"
	}
	line := func(n uint64, format string, args ...any) {
		if n > 0 {
			fmt.Fprintf(w, "%10d %s\n", n, fmt.Sprintf(format, args...))
		}
	}
	fmt.Fprintf(w, "%10d taken, %s\n", r.Taken, whose)
	line(r.Named, "of them with a name")
	line(r.Declined, "of them declined addresses, kept from everybody for a while")
	line(r.Reserved, "of them addresses with a reserved interface identifier (RFC 5453), kept as long as their clients renew")
	line(r.Same, "here already, the same or newer")
	line(r.Repeated, "replaced by a later entry of the same lease")
	line(r.Ended, "over by the file, and free now")
	line(r.Over, "over, and not here")
	for _, why := range slices.Sorted(maps.Keys(r.Skipped)) {
		line(r.Skipped[why], "not taken: %s", why)
		for _, e := range report.examples[why] {
			fmt.Fprintf(w, "%10s   %s\n", "", e)
		}
		if r.Skipped[why] > importExamples {
			fmt.Fprintf(w, "%10s   and %d more; --report FILE has all\n", "", r.Skipped[why]-importExamples)
		}
	}
}

func entries(n uint64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// An importProgress tells how far an import has come, about once a second.
type importProgress struct {
	w           io.Writer
	files       *exchange.Files
	start, last time.Time
	told        bool
}

func newImportProgress(w io.Writer, files *exchange.Files) *importProgress {
	now := time.Now()
	return &importProgress{w: w, files: files, start: now, last: now}
}

func (p *importProgress) show(r *daemon.Imported) {
	now := time.Now()
	if now.Sub(p.last) < time.Second {
		return
	}
	p.last, p.told = now, true
	fmt.Fprintf(p.w, "%s of %s, %d entries, %d taken, %s\n", octets(p.files.Read()), octets(p.files.Total), r.Entries, r.Taken, p.rate(r, now))
}

func (p *importProgress) end(r *daemon.Imported) {
	if now := time.Now(); r.Entries > 0 {
		fmt.Fprintf(p.w, "%s in %v, %s\n", entries(r.Entries), now.Sub(p.start).Round(time.Millisecond), p.rate(r, now))
	}
}

func (p *importProgress) rate(r *daemon.Imported, now time.Time) string {
	return fmt.Sprintf("%.0f a second", float64(r.Entries)/max(now.Sub(p.start).Seconds(), 1e-3))
}

// printLineChanges shows by which lines two texts differ that are alike before and after them.
func printLineChanges(w io.Writer, file string, before, after []byte) {
	a, b := bytes.Split(before, []byte("\n")), bytes.Split(after, []byte("\n"))
	first := 0
	for first < min(len(a), len(b)) && bytes.Equal(a[first], b[first]) {
		first++
	}
	for len(a) > first && len(b) > first && bytes.Equal(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	fmt.Fprintf(w, "%s:%d:\n", file, first+1)
	for _, l := range a[first:] {
		fmt.Fprintf(w, "- %s\n", l)
	}
	for _, l := range b[first:] {
		fmt.Fprintf(w, "+ %s\n", strings.TrimRight(string(l), "\r"))
	}
}

// replaceFile writes a file's new text in one step, so that nobody ever reads half of it. A link stays one; owner and mode stay.
func replaceFile(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Chmod(info.Mode().Perm()), keepOwner(temp, info), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temp.Name()) // it is nobody's
	}
	return err
}

// replaceable tells whether replaceFile can do its work, before much else is done: its folder must take a new file.
func replaceable(name string) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	return errors.Join(temp.Close(), os.Remove(temp.Name()))
}

// keepOwner gives a file the owner of another. Who isn't root makes files of his own only, and that is right then.
func keepOwner(f *os.File, of os.FileInfo) error {
	owner, ok := of.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}
