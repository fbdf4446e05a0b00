package child

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	Main(map[string]Part{
		"double": func(in json.RawMessage, tell func(any) error, _ <-chan struct{}) error {
			var n int
			if err := json.Unmarshal(in, &n); err != nil {
				return err
			}
			return tell(2 * n)
		},
		"wait": func(_ json.RawMessage, tell func(any) error, stop <-chan struct{}) error {
			err := tell(runtime.GOMAXPROCS(0))
			<-stop
			return err
		},
		"fail": func(json.RawMessage, func(any) error, <-chan struct{}) error { return errors.New("as it should") },
	})
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	var out int
	if err := Run(t.Context(), "double", AnyCore, 21, &out); err != nil || out != 42 {
		t.Errorf("Run gave %d, %v; want 42", out, err)
	}
	for _, name := range []string{"fail", "unknown"} {
		if err := Run(t.Context(), name, AnyCore, 0, &out); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestPinned: a child on one processor sees one, and the parent keeps its own.
func TestPinned(t *testing.T) {
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	core := 0
	for !before.IsSet(core) {
		core++
	}
	p, err := Start(t.Context(), "wait", core, 0)
	if err != nil {
		t.Fatal(err)
	}
	var processors int
	if err := p.Next(&processors); err != nil || processors != 1 {
		t.Errorf("the child sees %d processors, %v; want 1", processors, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("afterwards %v, %v; want %v", after, err, before)
	}
}
