package house

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/cli"
)

// top is the folder of the module.
const top = "../../../.."

func TestHouse(t *testing.T) {
	source, err := ReadTree(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	packages, err := ListPackages(top)
	if err != nil {
		t.Fatal(err)
	}
	links, err := Links(os.DirFS(top))
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(top, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	folders, alone := variable(t, makefile, "SEQUENTIAL"), variable(t, makefile, "ALONE")
	unraced := append([]string{"cmd/lockstep6", "cmd/lockstep6/internal/e2e", "cmd/lockstep6/internal/house"}, folders...)
	var all []Violation
	for _, v := range [][]Violation{Imports(packages), Sequential(source, folders, alone), Namesakes(source, unraced, alone), Sizes(source), Names(source), Words(source), Citations(source), Calls(source), Comments(source), links} {
		all = append(all, v...)
	}
	list, err := os.Open("exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	exceptions, err := ReadExceptions(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range exceptions.Apply(all) {
		t.Error(v)
	}
	if len(source.files) < 50 || len(packages) < 50 || len(folders) == 0 || len(alone) == 0 {
		t.Errorf("only %d files and %d packages were read: the rules saw too little", len(source.files), len(packages))
	}
}

// variable lists the folders or files that a variable of the Makefile names.
func variable(t *testing.T, makefile []byte, name string) []string {
	t.Helper()
	_, rest, _ := strings.Cut(string(makefile), "\n"+name+" = ")
	line, _, _ := strings.Cut(rest, "\n")
	names := strings.Fields(line)
	for _, path := range names {
		if _, err := os.Stat(filepath.Join(top, path)); err != nil {
			t.Errorf("%s in the Makefile: %v", name, err)
		}
	}
	return names
}

// Every command that the documentation shows in a shell block exists: targets of make, and commands of ours with
// their flags.
func TestDocumentedCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(top, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	err = walk(os.DirFS(top), ".md", func(name string, content []byte) error {
		for _, words := range Commands(string(content)) {
			switch filepath.Base(words[0]) {
			case "make":
				wantTargets(t, name, string(makefile), words[1:])
				shown++
			case "lockstep6":
				wantCommand(t, name, words[1:])
				shown++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown == 0 {
		t.Error("the documentation shows no command at all")
	}
}

func wantTargets(t *testing.T, where, makefile string, words []string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(w, "=") && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(w)+`:`).MatchString(makefile) {
			t.Errorf("%s: make has no target %s", where, w)
		}
	}
}

// wantCommand asks for the help of a command, which must name each flag that the documentation gives it.
func wantCommand(t *testing.T, where string, words []string) {
	t.Helper()
	var names, flags []string
	for _, w := range words {
		if name, _, _ := strings.Cut(w, "="); strings.HasPrefix(w, "-") {
			flags = append(flags, name)
		} else if len(flags) == 0 && regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(w) {
			names = append(names, w)
		}
	}
	var out bytes.Buffer
	if code := cli.Main(append(names, "--help"), strings.NewReader(""), &out, io.Discard); code != 0 {
		t.Errorf("%s: lockstep6 %s: exit code %d", where, strings.Join(names, " "), code)
		return
	}
	if len(names) > 0 && !regexp.MustCompile(`(?m)^Usage:\s+lockstep6 `+strings.Join(names, " ")+`\b`).MatchString(out.String()) {
		t.Errorf("%s: lockstep6 has no command %s", where, strings.Join(names, " "))
	}
	for _, f := range flags {
		if !regexp.MustCompile(regexp.QuoteMeta(f) + `\b`).MatchString(out.String()) {
			t.Errorf("%s: lockstep6 %s has no flag %s", where, strings.Join(names, " "), f)
		}
	}
}
