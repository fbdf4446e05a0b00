package house

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
