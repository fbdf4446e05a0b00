package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// TestBadFiles holds the text and the position of every fault. An archive in testdata/bad has pairs of a file NAME.yaml
// and what is said about it, NAME.want.
func TestBadFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			comment, files := readArchive(t, path)
			if len(files) == 0 || len(files)%2 != 0 {
				t.Fatalf("%s has %d files", path, len(files))
			}
			for i := 0; i+1 < len(files); i += 2 {
				bad, want := &files[i], &files[i+1]
				cfg, errs := config.Parse(bad.name, []byte(bad.data))
				if cfg != nil || len(errs) == 0 {
					t.Errorf("%s was accepted", bad.name)
					continue
				}
				got := errs.Error() + "\n"
				if *update {
					want.data = got
				} else if diff := cmp.Diff(want.data, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", bad.name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(path, []byte(comment+formatArchive(files)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// An archived file of a text archive: files one after the other, each behind a line -- NAME --.
type archived struct{ name, data string }

func readArchive(t testing.TB, path string) (comment string, files []archived) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		name, isName := strings.CutPrefix(strings.TrimSuffix(line, " --\n"), "-- ")
		switch {
		case isName && strings.HasSuffix(line, " --\n"):
			files = append(files, archived{name: name})
		case len(files) == 0:
			comment += line
		default:
			files[len(files)-1].data += line
		}
	}
	return comment, files
}

func formatArchive(files []archived) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString("-- " + f.name + " --\n" + f.data)
	}
	return b.String()
}
