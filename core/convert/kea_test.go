package convert_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/convert"
	"github.com/lockstep6/lockstep6/core/convert/draft"
	"github.com/lockstep6/lockstep6/core/convert/kea"
)

var update = flag.Bool("update", false, "rewrite what is to come out")

// inputOf reads a configuration, and what lies beside it for kea-dhcp-ddns.
func inputOf(t *testing.T, file string) kea.Input {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := kea.Input{File: filepath.Base(file), Data: data, Source: func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(file), name))
	}}
	d2 := strings.TrimSuffix(file, ".json") + ".d2"
	if data, err := os.ReadFile(d2); err == nil {
		in.D2File, in.D2 = filepath.Base(d2), data
	}
	return in
}

// TestKea converts Kea's own examples and our cases, and compares them with what came out before. Settle has each one checked.
func TestKea(t *testing.T) {
	files, _ := filepath.Glob("testdata/*/*.json")
	if len(files) < 28 {
		t.Fatalf("there are %d files", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			in := inputOf(t, file)
			result, err := kea.Convert(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := convert.Settle(result.Draft, "lockstep6 convert kea", in.File)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".json")+".yaml", got)
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: -want +got\n%s", file, diff)
	}
}

// TestKeaVerdicts has what Kea itself takes taken, and what it refuses refused with a line, but for what the file says.
func TestKeaVerdicts(t *testing.T) {
	data, err := os.ReadFile("testdata/verdicts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for line := range bytes.Lines(data) {
		var v struct{ Name, Config, Kea, Differs string }
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		in := kea.Input{File: "c.json", Data: []byte(v.Config), Source: func(string) ([]byte, error) { return []byte(`"valid-lifetime": 4000`), nil }}
		result, err := kea.Convert(in)
		if agree := (err == nil) == (v.Kea == "taken"); agree != (v.Differs == "") {
			t.Errorf("%s: Kea: %s, ours: %v (%s)", v.Name, v.Kea, err, v.Differs)
		}
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), "c.json:1: ") {
				t.Errorf("%s: the error names no line: %v", v.Name, err)
			}
			continue
		}
		if _, err := convert.Settle(result.Draft, "test", "c.json"); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	if refused < 100 {
		t.Errorf("only %d were refused", refused)
	}
}

func TestKeaFaults(t *testing.T) {
	config := "{ \"Dhcp6\": {\n  // one\n  \"valid-lifetim\": 1,\n  \"subnet6\": [ {\n    \"subnet\": 7 } ]\n} }"
	_, err := kea.Convert(kea.Input{File: "kea.conf", Data: []byte(config)})
	const want = "kea.conf:3: there is no keyword \"valid-lifetim\" in Dhcp6; did you mean valid-lifetime?\nkea.conf:5: subnet is an integer, and must be a string"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if _, ok := errors.AsType[draft.Faults](err); !ok {
		t.Errorf("the error is a %T", err)
	}
}

func TestKeaSecrets(t *testing.T) {
	result, err := kea.Convert(inputOf(t, "testdata/cases/access.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q", result.Secrets); got != `[{"updates.key" "LSWXnfkKZjdPJI5QxlpnfQ==\n"}]` {
		t.Errorf("secrets %s", got)
	}
}

func TestKeaServerID(t *testing.T) {
	in := kea.Input{File: "kea.conf", Data: []byte(`{"Dhcp6": {"valid-lifetime": 4000}}`), ServerID: "00:01:00:01:2a:2b:2c:2d:02:00:00:00:00:01\n"}
	result, err := kea.Convert(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := convert.Settle(result.Draft, "test", "kea.conf")
	if want := `duid: "00:01:00:01:2a:2b:2c:2d:02:00:00:00:00:01"`; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v, and no %s in\n%s", err, want, out)
	}
}

// TestKeaLinks: a network's name that can't be a link's is altered, and lifetimes that a client may choose are told where a subnet has them.
func TestKeaLinks(t *testing.T) {
	for name, want := range map[string]string{strings.Repeat("n", 300): strings.Repeat("n", 63), `a\nb`: "a-b"} {
		in := kea.Input{File: "kea.conf", Data: []byte(`{"Dhcp6": {"shared-networks": [{"name": "` + name + `", "max-preferred-lifetime": 9000,
"subnet6": [{"id": 1, "subnet": "2001:db8:1::/64",
"min-valid-lifetime": 100, "pools": [{"pool": "2001:db8:1::/80"}]}]}]}}`)}
		result, err := kea.Convert(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := convert.Settle(result.Draft, "test", "kea.conf")
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"name: " + want + "\n", "# kea.conf:1: name isn't the same", "# kea.conf:1: max-preferred-lifetime isn't the same", "# kea.conf:3: min-valid-lifetime isn't the same"} {
			if !strings.Contains(string(out), part) {
				t.Errorf("no %q in\n%s", part, out)
			}
		}
	}
}

// FuzzKea converts whatever comes: it is refused, or what comes out is taken by this server.
func FuzzKea(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.json")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && len(data) < 8000 {
			f.Add(data)
		}
	}
	verdicts, _ := os.ReadFile("testdata/verdicts.jsonl")
	for line := range bytes.Lines(verdicts) {
		var v struct{ Config string }
		if json.Unmarshal(line, &v) == nil {
			f.Add([]byte(v.Config))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		result, err := kea.Convert(kea.Input{File: "f", Data: data, Source: func(string) ([]byte, error) { return []byte("1"), nil }})
		if err != nil {
			return
		}
		if out, err := convert.Settle(result.Draft, "fuzz", "f"); err != nil {
			t.Errorf("%v\n%s\n%s", err, data, out)
		}
	})
}
