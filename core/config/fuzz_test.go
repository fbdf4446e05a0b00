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

// FuzzStored lets no stored reservation make the parser panic, nor be taken for one of the file; each fault has a place in one of
// the two, and says something.
func FuzzStored(f *testing.F) {
	f.Add([]byte(`[{"link":"lan","client":"duid 00:03:02","reservation":{"duid":"00:03:02","addresses":["2001:db8:1::10"]}}]`))
	f.Add([]byte("[{\"link\":\"wan\",\"client\":\"x\",\"reservation\":{}},\n{\"link\":1}, &a [*a], null]"))
	f.Add([]byte(`[{"link":"lan","client":"x","reservation":{"remote-id":{"enterprise":9,"id":"x"},"prefixes":["2001:db8:8000::/47"],"options":{"dns-servers":["::1"]}}}]`))
	f.Add([]byte(`{"link": "lan"}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		cfg, errs := config.ParseWith("fuzz.yaml", []byte(storedFile), config.Beside{Stored: stored})
		if (cfg == nil) == (len(errs) == 0) {
			t.Fatalf("config %v, %d errors", cfg != nil, len(errs))
		}
		for _, e := range errs {
			if e.Line < 1 || e.Line > len(stored)+20 || e.Column < 1 || e.Problem == "" || e.Remedy == "" || e.File != "fuzz.yaml" && e.File != config.StoredName {
				t.Errorf("%#v", e)
			}
		}
		if cfg != nil && cfg.Links[0].Reservations[0].Stored {
			t.Error("the file's reservation is called stored")
		}
	})
}
