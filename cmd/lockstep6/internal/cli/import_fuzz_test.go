package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const importInto = `
store: {capacity: 1024}
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
    prefixes: [{pool: "2001:db8:8000::/33", length: 56}]
listen: {workers: 1, addresses: ["[::1]:10547"]}
`

// importedFiles are the lease files of the servers, in the order of importFormats.
var importedFiles = [...]string{"kea-leases6.csv", "dhcpd6.leases", "dnsmasq.leases", "server-AddrMgr.xml"}

// goodFiles are good lease files, in the order of importFormats.
func goodFiles(t testing.TB) (all [][]byte) {
	t.Helper()
	for _, name := range importedFiles {
		data, err := os.ReadFile(filepath.Join("../../../../store/exchange/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// importFolder is a folder with a configuration, and what servers have beside their leases.
func importFolder(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"lockstep6.yaml": importInto, "kea-dhcp6-serverid": "00:01:00:01:32:9b:a2:3b:ca:80:c7:99:9d:89", "server-duid": "00:01:00:01:32:9b:a2:3b:ca:80:c7:99:9d:89",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// reportLine is a line of a report: file, line of it, reason, entry.
var reportLine = regexp.MustCompile(`^/.+:[0-9]+: [a-z][^:]+: .*$`)

// importSpoilt runs the command on a lease file, as a trial. It says what became of it, or in words why it can't be read; and what it reports
// is lines that can be shown.
func importSpoilt(t *testing.T, folder string, which int, data []byte) error {
	t.Helper()
	file, report := filepath.Join(folder, importedFiles[which]), filepath.Join(folder, "report")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	f := &importFlags{config: filepath.Join(folder, "lockstep6.yaml"), data: filepath.Join(folder, "data"), dryRun: true, report: report}
	err := importLeases(t.Context(), &out, &errOut, importFormats[which].format, file, f)
	for line := range strings.Lines(out.String() + errOut.String()) {
		if strings.ContainsFunc(strings.TrimRight(line, "\n"), func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\r' }) {
			t.Errorf("%q can't be shown", line)
		}
	}
	if err != nil {
		if !strings.Contains(err.Error(), folder) {
			t.Errorf("the error names no file: %v", err)
		}
		return err
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if !reportLine.MatchString(line) || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%q is no line of a report", line)
		}
	}
	if !strings.HasSuffix(out.String(), "nothing was written\n") {
		t.Errorf("the command ends with %q", out.String())
	}
	if _, err := os.Stat(f.data); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a trial writes: %v", err)
	}
	return nil
}

// TestImportOfSpoiltFiles: lease files that are cut short, and such with an octet changed, are imported as far as they can be read.
func TestImportOfSpoiltFiles(t *testing.T) {
	folder := importFolder(t)
	for which, data := range goodFiles(t) {
		if err := importSpoilt(t, folder, which, data); err != nil {
			t.Error(err)
		}
		for end := 0; end < len(data); end += 23 {
			_ = importSpoilt(t, folder, which, data[:end])
		}
		for at := 0; at < len(data); at += 11 {
			changed := bytes.Clone(data)
			changed[at] ^= []byte{1, 0x80, 0x1b, '"'}[at%4]
			_ = importSpoilt(t, folder, which, changed)
		}
	}
}

// FuzzImportFile has the command import whatever may stand in a lease file.
func FuzzImportFile(f *testing.F) {
	for which, data := range goodFiles(f) {
		f.Add(data, byte(which))
	}
	folder := importFolder(f)
	f.Fuzz(func(t *testing.T, data []byte, which byte) {
		_ = importSpoilt(t, folder, int(which)%len(importedFiles), data)
	})
}
