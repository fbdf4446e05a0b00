package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// unitFile is the service's unit, relative to this folder.
const unitFile = "../../../../packaging/systemd/lockstep6.service"

// underFilter is what this test program is called with to become another one under a filter: underFilter FILE PROGRAM ARGUMENT...
const underFilter = "under-filter"

// filterFile has the filter of the unit, once TestMain has made it: all servers run under it.
var filterFile string

// refused are the calls that the unit's filter refuses and that a node makes all the same, without harm: they fail with EPERM, as under the
// unit. Go's runtime raises the limit of open files before main, which LimitNOFILE of the unit has done already.
var refused = []string{"setrlimit"}

// A filter is what the unit lets a process do, by the names of calls and of address families. Whatever else it does kills it, so that no
// test passes by luck; the unit has EPERM for that.
type filter struct {
	calls    []string
	families []string
}

// readFilter is the filter of a unit's text: its lines SystemCallFilter and RestrictAddressFamilies, of which the first without ~ lists what is
// allowed (systemd.exec(5)). Groups of calls are systemd's own.
func readFilter(unit string) (filter, error) {
	groups, err := callGroups()
	if err != nil {
		return filter{}, err
	}
	var f filter
	for line := range strings.Lines(unit) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "RestrictAddressFamilies":
			f.families = append(f.families, strings.Fields(value)...)
		case "SystemCallFilter":
			list, without := strings.CutPrefix(value, "~")
			calls, err := expand(groups, strings.Fields(list))
			if err != nil {
				return filter{}, err
			}
			if !without {
				f.calls = append(f.calls, calls...)
				continue
			}
			f.calls = slices.DeleteFunc(f.calls, func(c string) bool { return slices.Contains(calls, c) })
		}
	}
	if len(f.calls) == 0 || len(f.families) == 0 {
		return filter{}, errors.New("the unit has no filter of system calls or of address families")
	}
	return f, nil
}

// callGroups asks systemd what is in its groups of calls.
func callGroups() (map[string][]string, error) {
	out, err := exec.Command("systemd-analyze", "--no-pager", "syscall-filter").Output()
	if err != nil {
		return nil, fmt.Errorf("systemd-analyze of Debian's package systemd tells what is in groups of system calls: %w", err)
	}
	groups := map[string][]string{}
	group := ""
	for line := range strings.Lines(string(out)) {
		word := strings.TrimSpace(line)
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(line, "@"):
			group = word
		default:
			groups[group] = append(groups[group], word)
		}
	}
	return groups, nil
}

// expand replaces groups, and groups in groups, by their calls.
func expand(groups map[string][]string, names []string) ([]string, error) {
	var calls []string
	for _, name := range names {
		if !strings.HasPrefix(name, "@") {
			calls = append(calls, name)
			continue
		}
		if groups[name] == nil {
			return nil, fmt.Errorf("the unit has a group of system calls that this systemd doesn't know: %s", name)
		}
		inner, err := expand(groups, groups[name])
		if err != nil {
			return nil, err
		}
		calls = append(calls, inner...)
	}
	return calls, nil
}

// without is the filter less some calls.
func (f filter) without(calls ...string) filter {
	f.calls = slices.DeleteFunc(slices.Clone(f.calls), func(c string) bool { return slices.Contains(calls, c) })
	return f
}

// write makes a program for the kernel of the filter (seccomp(2)), into a new file in the folder.
func (f filter) write(folder string) (string, error) {
	calls, err := callNumbers()
	if err != nil {
		return "", err
	}
	program, err := f.compile(calls)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(folder, "filter-")
	if err != nil {
		return "", err
	}
	return file.Name(), errors.Join(file.Chmod(0o644), binary.Write(file, binary.NativeEndian, program), file.Close())
}

// What a filter's program reads: offsets in struct seccomp_data.
const (
	offsetCall  = 0
	offsetArch  = 4
	offsetFirst = 16 // the lower half of the first argument; the machines that Debian's package is made for have it there
)

// compile makes the program. A call that the numbers don't have is one of another kind of machine.
func (f filter) compile(numbers map[string]uint32) ([]unix.SockFilter, error) {
	arch, ok := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("this test knows the system calls of amd64 and arm64, not of %s", runtime.GOARCH)
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	// unless skips the next instructions where the value read isn't this one.
	unless := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip}
	}
	p := []unix.SockFilter{
		load(offsetArch), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1}, end(unix.SECCOMP_RET_KILL_PROCESS), load(offsetCall),
	}
	for _, name := range f.calls {
		if n, ok := numbers[name]; ok && name != "socket" {
			p = append(p, unless(n, 1), end(unix.SECCOMP_RET_ALLOW))
		}
	}
	for _, name := range refused {
		if n, ok := numbers[name]; ok {
			p = append(p, unless(n, 1), end(unix.SECCOMP_RET_ERRNO|uint32(syscall.EPERM)))
		}
	}
	if slices.Contains(f.calls, "socket") {
		p = append(p, unless(numbers["socket"], uint8(2*len(f.families)+1)), load(offsetFirst))
		for _, name := range f.families {
			family, ok := map[string]uint32{"AF_INET": unix.AF_INET, "AF_INET6": unix.AF_INET6, "AF_NETLINK": unix.AF_NETLINK, "AF_UNIX": unix.AF_UNIX}[name]
			if !ok {
				return nil, fmt.Errorf("this test doesn't know the unit's address family %s", name)
			}
			p = append(p, unless(family, 1), end(unix.SECCOMP_RET_ALLOW))
		}
	}
	return append(p, end(unix.SECCOMP_RET_KILL_PROCESS)), nil
}

// callNumbers are this machine's numbers of system calls, from the kernel's headers, by the C compiler.
func callNumbers() (map[string]uint32, error) {
	cmd := exec.Command("gcc", "-dM", "-E", "-")
	cmd.Stdin = strings.NewReader("#include <asm/unistd.h>\n")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("gcc of Debian's packages gcc and libc6-dev tells the numbers of system calls: %w", err)
	}
	numbers := map[string]uint32{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) != 3 {
			continue
		}
		name, ok := strings.CutPrefix(words[1], "__NR_")
		if n, err := strconv.ParseUint(words[2], 0, 32); ok && err == nil {
			numbers[name] = uint32(n)
		}
	}
	return numbers, nil
}

// filtered is the command line by which a program runs under the filter of a file, with the process id of who starts it.
func filtered(file string, argv ...string) []string {
	self, err := os.Executable()
	if err != nil {
		panic(err) // this process was started by its path
	}
	return append([]string{self, underFilter, file}, argv...)
}

// becomeFiltered sets the filter of a file for this process, for good, and becomes the program: argv[0] is a path, or a name in PATH.
func becomeFiltered(file string, argv []string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, len(data)/int(unsafe.Sizeof(unix.SockFilter{})))
	if _, err := binary.Decode(data, binary.NativeEndian, program); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the filter is this thread's, and so is the call that becomes the program
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	whole := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&whole))); errno != 0 {
		return fmt.Errorf("the kernel refuses the filter: %w", errno)
	}
	return unix.Exec(path, argv, os.Environ())
}
