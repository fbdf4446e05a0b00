package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
)

// examples are the files that ship with the project.
func examples(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	return files
}

func TestExamplesParse(t *testing.T) {
	for _, file := range examples(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cfg, errs := config.Parse(filepath.Base(file), data)
		if errs != nil {
			t.Errorf("%v", errs)
			continue
		}
		if len(cfg.Warnings) > 0 {
			t.Errorf("%s warns: %v", file, cfg.Warnings)
		}
	}
}
