package store

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// What the store to be damaged has: bindings in tables of the base, and newer versions of some, and new ones, in the log.
const (
	damagedBase = 6000
	damagedLog  = 600
)

func damagedOptions(dir string) Options {
	o := historyOptions(Options{Path: dir, FS: vfs.Default, absorb: absorbSize})
	o.Codec.Task = everyTask
	return taskOptions(o, 1<<20)
}

// makeDamaged makes the store and returns what it has.
func makeDamaged(t testing.TB) (dir string, bindings map[string]uint64, tasks []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "db")
	s := open(t, damagedOptions(dir))
	fill(t, s, damagedBase)
	absorb(t, s)
	flush(t, s)
	for n := range uint64(damagedLog) { // half of them are of leases that the base has
		commit(t, s, appendChange(nil, damagedBase-damagedLog/2+n, testValue(100_000+n, false, strings.Repeat("x", 300))))
	}
	if err := s.PutMeta(t.Context(), "duid", []byte("of the node")); err != nil {
		t.Fatal(err)
	}
	done(t, s, idsOf(waiting(t, s, 1000))[:100]...)
	bindings, tasks = contents(t, s), texts(waiting(t, s, 1000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Logs that Pebble keeps to use their files again would make good much of the damage.
	logs, err := filepath.Glob(filepath.Join(dir, "*"+logSuffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range logs[:len(logs)-1] {
		remove(t, name)
	}
	return dir, bindings, tasks
}

// filesLike are a folder's files whose names contain something, the largest first.
func filesLike(t *testing.T, dir, like string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+like+"*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files like %s: %v", like, err)
	}
	size := func(name string) int64 {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	slices.SortFunc(files, func(a, b string) int { return int(size(b) - size(a)) })
	return files
}

// rewrite changes a file's content.
func rewrite(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// flip flips a bit in each of several places, given in hundredths of the file's length.
func flip(places ...int) func([]byte) []byte {
	return func(b []byte) []byte {
		for _, place := range places {
			b[len(b)*place/100] ^= 4
		}
		return b
	}
}

func cut(b []byte) []byte { return b[:len(b)/2] }

func remove(t testing.TB, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// Whatever file of a store is damaged, truncated or missing: a check tells which, a repair keeps all that can be read, the damaged store stays beside it as it was, and the
// new one opens and is whole.
func TestRepair(t *testing.T) {
	base := func(dir string) string { // the table that has the bindings is the smallest
		tables := filesLike(t, dir, tableSuffix)
		return tables[len(tables)-1]
	}
	sound, bindings, tasks := makeDamaged(t)
	for name, c := range map[string]struct {
		damage func(dir string)
		lost   int    // bindings that may be lost, or be there in an older version
		kind   string // of the file that is told as damaged or missing
		tasks  bool   // all must be there
	}{
		"flipped bit in a table": {func(dir string) { rewrite(t, base(dir), flip(30)) }, 1000, "table", false},
		"several flipped bits":   {func(dir string) { rewrite(t, base(dir), flip(1, 12, 55, 90)) }, 4500, "table", false},
		"neighbouring blocks":    {func(dir string) { rewrite(t, base(dir), flip(30, 31, 32, 33, 34, 35)) }, 2000, "table", false},
		"table cut off":          {func(dir string) { rewrite(t, base(dir), cut) }, damagedBase, "table", false},
		"table gone":             {func(dir string) { remove(t, base(dir)) }, damagedBase, "table", false},
		"manifest flipped":       {func(dir string) { rewrite(t, filesLike(t, dir, "MANIFEST")[0], flip(20)) }, 0, "manifest", true},
		"manifest cut off": {func(dir string) {
			rewrite(t, filesLike(t, dir, "MANIFEST")[0], func(b []byte) []byte { return b[:20] })
		}, 0, "manifest", true},
		"manifest gone": {func(dir string) { remove(t, filesLike(t, dir, "MANIFEST")[0]) }, 0, "manifest", true},
		"its name lost": {func(dir string) { remove(t, filesLike(t, dir, "marker.manifest")[0]) }, 0, "", true},
		"both marks lost": {func(dir string) {
			remove(t, filesLike(t, dir, "marker.manifest")[0])
			remove(t, filesLike(t, dir, "marker.format")[0])
		}, 0, "", true},
		"flipped bit in the log": {func(dir string) { rewrite(t, filesLike(t, dir, logSuffix)[0], flip(40)) }, 100, "log", false},
		"log gone":               {func(dir string) { remove(t, filesLike(t, dir, logSuffix)[0]) }, damagedLog, "", false},
		"everything at once": {func(dir string) {
			rewrite(t, base(dir), flip(30))
			remove(t, filesLike(t, dir, "MANIFEST")[0])
			rewrite(t, filesLike(t, dir, logSuffix)[0], flip(40))
		}, 1100, "table", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "db")
			if err := os.CopyFS(dir, os.DirFS(sound)); err != nil {
				t.Fatal(err)
			}
			c.damage(dir)
			before := folderContent(t, dir)
			o := damagedOptions(dir)
			survey, err := CheckFiles(t.Context(), Salvaging{Options: o})
			if err != nil {
				t.Fatal(err)
			}
			told := slices.ContainsFunc(survey.Files, func(f SurveyedFile) bool { return f.Kind == c.kind && f.damaged() })
			if survey.Whole() != (name == "log gone") || told != (c.kind != "") {
				t.Errorf("whole %v, refused %v, files %+v", survey.Whole(), survey.Refused, survey.Files)
			}
			if !maps.Equal(before, folderContent(t, dir)) {
				t.Error("the check has changed something")
			}
			r, err := Repair(t.Context(), Salvaging{Options: o})
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(before, folderContent(t, r.Aside)) {
				t.Error("the damaged store isn't as it was")
			}
			again, err := CheckFiles(t.Context(), Salvaging{Options: o})
			if err != nil || !again.Whole() {
				t.Errorf("the new store: %+v %v", again, err)
			}
			s := open(t, o)
			got, lost := contents(t, s), 0
			for key, version := range bindings {
				if got[key] > version || got[key] < version && got[key] != 0 && version < 100_000 {
					t.Errorf("version %d of a binding of version %d", got[key], version)
				}
				if got[key] != version {
					lost++
				}
			}
			if lost > c.lost || len(got) > len(bindings) || r.Bindings != uint64(len(got)) {
				t.Errorf("%d of %d bindings lost, %d may be; told %d, there are %d", lost, len(bindings), c.lost, r.Bindings, len(got))
			}
			t.Logf("%d of %d bindings lost", lost, len(bindings))
			there := texts(waiting(t, s, 1000))
			if c.tasks && !slices.Equal(there, tasks) || len(there) > len(tasks) {
				t.Errorf("%d tasks wait, want %d", len(there), len(tasks))
			}
			if v, _ := s.Meta("duid"); c.lost == 0 && !bytes.Equal(v, []byte("of the node")) {
				t.Errorf("value %q", v)
			}
			if !s.TaskStats().Gaps {
				t.Error("nobody says that tasks may be lost")
			}
		})
	}
}

// folderContent is what a folder's files hold, but for the name of who has locked them.
func folderContent(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = string(content)
	}
	return out
}

// A store that nothing is wrong with is told as such, in each of its states; one that is in use isn't read.
func TestCheckOfAWholeStore(t *testing.T) {
	dir, bindings, tasks := makeDamaged(t)
	o := damagedOptions(dir)
	survey, err := CheckFiles(t.Context(), Salvaging{Options: o})
	if err != nil || !survey.Whole() {
		t.Fatalf("%+v %v", survey, err)
	}
	k := survey.Kinds
	if k["bindings"] != damagedBase || k["log"] != damagedLog || int(k["tasks"]) != len(tasks) || k["history"] == 0 || len(bindings) < damagedBase {
		t.Errorf("kinds %v, %d tasks", k, len(tasks))
	}
	s := open(t, o)
	var inUse *InUseError
	if _, err := CheckFiles(t.Context(), Salvaging{Options: o}); !errors.As(err, &inUse) {
		t.Errorf("a store in use: %v", err)
	}
	if _, err := Repair(t.Context(), Salvaging{Options: o}); !errors.As(err, &inUse) {
		t.Errorf("a store in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckFiles(t.Context(), Salvaging{Options: testOptions(Options{Path: t.TempDir(), FS: vfs.Default})}); err == nil || !strings.Contains(err.Error(), "there is no store here") {
		t.Errorf("an empty folder: %v", err)
	}
}
