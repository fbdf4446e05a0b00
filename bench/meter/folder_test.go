package meter

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "below/b"} {
		if err := os.WriteFile(filepath.Join(folder, name), make([]byte, 500), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Forget(folder); err != nil {
		t.Error(err)
	}
	if size, err := FolderSize(folder); err != nil || size != 1000 {
		t.Errorf("%d octets, %v; want 1000", size, err)
	}
	if _, err := FolderSize(filepath.Join(folder, "none")); err == nil {
		t.Error("a folder that isn't there has a size")
	}
}
