package cli

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// TestLogFormat: JSON to what isn't a terminal, until the configuration wants text, and back. What a logger always says is
// in both.
func TestLogFormat(t *testing.T) {
	var out bytes.Buffer
	logger, format := newLogger(&out, slog.LevelInfo)
	always := logger.With("id", "always").WithGroup("g")
	for _, step := range []struct{ format, want string }{
		{"", `^\{"time":.*"msg":"hello","id":"always","g":\{"took":"1.5s"\}\}\n$`},
		{"text", `^time=\S+ level=INFO msg=hello id=always g.took=1.5s\n$`},
		{"json", `^\{"time":`},
		{"text", `^time=`},
		{"auto", `^\{"time":`},
	} {
		if step.format != "" {
			format(step.format)
		}
		out.Reset()
		always.Info("hello", "took", 1500*time.Millisecond)
		if always.Debug("nobody wants that"); !regexp.MustCompile(step.want).MatchString(out.String()) {
			t.Errorf("format %q: %q, want %s", step.format, out.String(), step.want)
		}
	}
}

// TestJournal: lines to the journal begin with their priority; the same file isn't the journal where the environment says
// that another one is.
func TestJournal(t *testing.T) {
	for name, shift := range map[string]uint64{"the journal": 0, "another file": 1} {
		f, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var stat syscall.Stat_t
		if err := syscall.Fstat(int(f.Fd()), &stat); err != nil {
			t.Fatal(err)
		}
		t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", stat.Dev, stat.Ino+shift))
		logger, _ := newLogger(f, slog.LevelDebug)
		logger = logger.With("id", "x").WithGroup("g")
		logger.Debug("a", "b", "c")
		logger.Info("a")
		logger.Warn("a")
		logger.Error("a")
		got, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		prefixed := regexp.MustCompile(`^<7>\{.*"id":"x","g":\{"b":"c"\}\}\n<6>\{.*\n<4>\{.*\n<3>\{.*\n$`).Match(got)
		if prefixed != (shift == 0) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestOneLineEach: what clients and others' programs send makes no line of its own in the log, whatever it is, and drives no terminal.
func TestOneLineEach(t *testing.T) {
	for _, as := range []string{"text", "json"} {
		var out bytes.Buffer
		logger, format := newLogger(&out, slog.LevelInfo)
		format(as)
		for _, said := range []string{"a\ntime=x level=ERROR msg=forged", "a\r\nb", "\x1b[2J\x1b]0;owned\a", "a\x00b", "\" level=ERROR forged=\"", "\u2028b", "\xff\xfe", "a b=c"} {
			out.Reset()
			logger.Warn("hello", "id", "x", "name", said, "error", fmt.Errorf("it said %s", said))
			line := out.String()
			if !bytes.HasSuffix(out.Bytes(), []byte("\n")) || bytes.ContainsFunc(out.Bytes()[:len(line)-1], func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%s: %q is written as %q", as, said, line)
			}
		}
	}
}
