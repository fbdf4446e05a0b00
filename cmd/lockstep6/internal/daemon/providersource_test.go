package daemon

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPrefixOfFile: the first line that says something counts, and what isn't a plain file is told rather than waited for.
func TestPrefixOfFile(t *testing.T) {
	folder := t.TempDir()
	pipe, large := filepath.Join(folder, "pipe"), filepath.Join(folder, "large")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, make([]byte, maxPrefixFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, large, folder} {
		if prefix, err := prefixOfFile(name, 56); err == nil || !strings.Contains(err.Error(), "is no file of") {
			t.Errorf("%s: %v, %v", name, prefix, err)
		}
	}
	file := filepath.Join(folder, "file")
	for text, want := range map[string]string{
		"":     "invalid Prefix",
		"\n\n": "invalid Prefix",
		"# of the provider\n\n  2001:db8:ab00::/56 # delegated\nnonsense\n": "2001:db8:ab00::/56",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if prefix, err := prefixOfFile(file, 56); err != nil || prefix.String() != want {
			t.Errorf("%q: %v, %v", text, prefix, err)
		}
	}
	if prefix, err := prefixOfFile(filepath.Join(folder, "gone"), 56); err != nil || prefix != (netip.Prefix{}) {
		t.Errorf("of no file %v, %v", prefix, err)
	}
}
