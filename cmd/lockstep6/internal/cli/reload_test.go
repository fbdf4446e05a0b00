package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lockstep6/lockstep6/io/admin"
)

// terminal is both ends of one: what a person types into the first the second reads.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// TestConfirm: only a yes is one, and only on a terminal.
func TestConfirm(t *testing.T) {
	for typed, want := range map[string]error{"y\n": nil, "Yes\n": nil, "n\n": errDeclined, "\n": errDeclined, "yesterday\n": errDeclined} {
		person, program := terminal(t)
		if _, err := person.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := confirm(program, &out, "apply it?"); !errors.Is(err, want) || out.String() != "apply it? [y/N] " {
			t.Errorf("%q: %v, asked %q", typed, err, out.String())
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var usage usageError
	if err := confirm(null, new(bytes.Buffer), "apply it?"); !errors.As(err, &usage) {
		t.Errorf("without anybody to ask: %v", err)
	}
	if err := confirm(strings.NewReader("y\n"), new(bytes.Buffer), "apply it?"); !errors.As(err, &usage) {
		t.Errorf("without a terminal: %v", err)
	}
}

// TestRefusalTellsWhy: a refusal without faults has its problem.
func TestRefusalTellsWhy(t *testing.T) {
	for want, refused := range map[string]*admin.ReloadError{
		"the configuration is refused\na.yaml:1:1: x: bad": {Problem: "the configuration is refused", Faults: []string{"a.yaml:1:1: x: bad"}},
		"the configuration is refused\ncannot read it":     {Problem: "cannot read it"},
	} {
		if err := reloadRefusal(refused); !errors.Is(err, errRefused) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
