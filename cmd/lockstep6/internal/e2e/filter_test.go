package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestFilterThatLacks: servers run under the filter of the unit, and one that lacks a call that is needed, or a family of addresses, kills them: the
// other tests of this folder, whose servers all run under the filter, would tell.
func TestFilterThatLacks(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := readFilter(string(unit))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := newLoopback(t)
	status := s.host.lab.run("cat", "/proc/"+strconv.Itoa(s.cmd.Process.Pid)+"/status")
	for _, want := range []string{"\nSeccomp:\t2\n", "\nNoNewPrivs:\t1\n"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("the server runs without the filter: no %q in\n%s", want, status)
		}
	}
	s.Stop()

	lacking := map[string]filter{"AF_NETLINK": whole, "AF_INET6": whole}
	for family, f := range lacking {
		f.families = slices.DeleteFunc(slices.Clone(f.families), func(name string) bool { return name == family })
		lacking[family] = f
	}
	for _, call := range []string{"fdatasync", "bind", "epoll_ctl", "renameat", "setsockopt"} {
		lacking[call] = whole.without(call)
	}
	for what, f := range lacking {
		file, err := f.write(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		cmd := s.command(file, filepath.Join(t.TempDir(), "data"))
		out, err := cmd.CombinedOutput()
		if state := cmd.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() || state.Signal() != syscall.SIGSYS {
			t.Errorf("without %s the server isn't killed: %v\n%s", what, err, out)
		}
	}
}

// TestFilterOnFullDisk: under the filter a node makes a backup, says that it can't start on a full disk, and starts when there is room again.
func TestFilterOnFullDisk(t *testing.T) {
	t.Parallel()
	h := NewLab(t).Host("server")
	data := h.File("data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=200m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(data, syscall.MNT_DETACH) }) // after the server's end
	s, agent := h.Serve(onLoopback), h.Agent(ownServer)
	if _, err := agent.Client("2001:db8:1::1", 1).Acquire(patience); err != nil {
		t.Fatal(err)
	}
	s.Command("backup", h.File("copy"), "--data", data)
	s.Command("store", "check", h.File("copy"))

	s.Stop()
	filler := filepath.Join(data, "filler")
	fill(t, filler)
	cmd := s.command(filterFile, data)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "no space left on device") {
		t.Errorf("the server doesn't say that the disk is full: %v\n%s", err, out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.Start()
	if _, err := agent.Client("2001:db8:1::1", 2).Acquire(patience); err != nil {
		t.Fatal(err)
	}
	s.Stop()
}

// command is the server, to be run under a filter to its end.
func (s *Server) command(file, data string) *exec.Cmd {
	argv := filtered(file, program, "serve", "--config", s.config, "--data", data, "--admin", adminAddress)
	return exec.Command("ip", append([]string{"netns", "exec", s.host.ns}, argv...)...)
}

// TestFilterOfPackages: what the servers of this folder do seldom or never, tests of packages do under the filter: leasequery and the API by TLS, hooks,
// catching up, a store whose disk fails, its compactions, its repair.
func TestFilterOfPackages(t *testing.T) {
	t.Parallel()
	for folder, names := range map[string]string{
		"io/leasequery":                 "TestActiveOverTLS|TestBulkOverTLS",
		"store":                         "TestStoreSurvivesOnARealDisk|TestBackupUnderLoad|TestRepair",
		"cmd/lockstep6/internal/daemon": "TestToken|TestCatchUpSecured|TestHookReload|TestWatchdog",
	} {
		under := strings.Join(filtered(filterFile), " ")
		out, err := exec.Command("go", "test", "-v", "-count=1", "-exec", under, "-run", "^("+names+")$", top+"/"+folder).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", folder, err, out)
		}
		for name := range strings.SplitSeq(names, "|") {
			if !strings.Contains(string(out), "\n--- PASS: "+name+" (") {
				t.Errorf("%s didn't run %s:\n%s", folder, name, out)
			}
		}
	}
}

// fill writes a file until its disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 1<<20))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
