package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
)

// FuzzParse lets nothing make the parser panic. It gives either a Config or Errors, and each Error has a position within
// the file and says something.
func FuzzParse(f *testing.F) {
	for _, file := range examples(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	archives, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatal(archives, err)
	}
	for _, path := range archives {
		_, files := readArchive(f, path)
		for i := 0; i < len(files); i += 2 {
			f.Add([]byte(files[i].data))
		}
	}
	for _, e := range encodings {
		f.Add([]byte("options: {" + e.text + "}\n" + lan))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, errs := config.Parse("fuzz.yaml", data)
		if (cfg == nil) == (len(errs) == 0) {
			t.Fatalf("config %v, %d errors", cfg != nil, len(errs))
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Problem == "" || e.Remedy == "" || e.File != "fuzz.yaml" {
				t.Errorf("%#v", e)
			}
		}
		if cfg != nil {
			again, errs := config.Parse("fuzz.yaml", data)
			if errs != nil || len(again.Links) != len(cfg.Links) {
				t.Errorf("reads differently the second time: %v", errs)
			}
		}
	})
}
