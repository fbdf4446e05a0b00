package figures_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/figures"
)

// An origin's fields stand at the level of the report that embeds it, as pages of earlier runs have them.
func TestOriginInReport(t *testing.T) {
	report := struct {
		figures.Origin
		Rate float64 `json:"rate"`
	}{figures.Here("abc"), 5}
	data, err := figures.JSON(report)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(data, &read); err != nil || !bytes.HasSuffix(data, []byte("}\n")) {
		t.Fatalf("%v:\n%s", err, data)
	}
	for _, field := range []string{"date", "go", "kernel", "load_average"} {
		if text, _ := read[field].(string); text == "" {
			t.Errorf("no %s:\n%s", field, data)
		}
	}
	if read["commit"] != "abc" || read["rate"] != 5.0 || read["cores"] == 0.0 {
		t.Errorf("got\n%s", data)
	}
	if line := report.String(); !strings.Contains(line, ": lockstep6 abc, go1.") {
		t.Errorf("got %q", line)
	}
	if unknown := figures.Here(""); unknown.Commit != "of an unknown commit" {
		t.Errorf("got commit %q", unknown.Commit)
	}
}

func TestWithin(t *testing.T) {
	ctx, cancel := figures.Within(0)
	defer cancel()
	<-ctx.Done()
	if err := context.Cause(ctx); err == nil || err.Error() != "it took more than 0s" {
		t.Errorf("got %v", err)
	}
	ctx, cancel = figures.Within(time.Hour)
	if ctx.Err() != nil {
		t.Error("ended before its time")
	}
	cancel()
	<-ctx.Done()
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := figures.Write(dir, map[string][]byte{"taken": nil, "free": []byte("text")}); err == nil {
		t.Error("wrote a file where a folder is")
	}
	if got, err := os.ReadFile(filepath.Join(dir, "free")); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
	if err := figures.Write("", map[string][]byte{"/proc/1/none": nil}); err != nil {
		t.Error(err)
	}
	deep := filepath.Join(dir, "a", "b")
	if err := figures.Write(deep, map[string][]byte{"f": []byte("text")}); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(deep, "f")); err != nil || string(got) != "text" {
		t.Errorf("in a folder that wasn't there: %q, %v", got, err)
	}
}

func TestCSV(t *testing.T) {
	header, rows := []string{"a", "b"}, [][]string{{"1", "x,y"}, {"2", ""}}
	var b bytes.Buffer
	if err := figures.WriteCSV(&b, header, rows); err != nil {
		t.Fatal(err)
	}
	if got, err := figures.ReadCSV(bytes.NewReader(b.Bytes()), header); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "a\n", "b,a\n", "a,b\n1\n"} {
		if got, err := figures.ReadCSV(strings.NewReader(text), header); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page")
	if err := figures.To(file, func(to io.Writer) error { _, err := io.WriteString(to, "old"); return err }); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if err := figures.Refresh(file, func(string) (string, error) { return "", refused }); !errors.Is(err, refused) || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
	if err := figures.Refresh(file, func(page string) (string, error) { return page + " and new", nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "old and new" {
		t.Errorf("%q, %v", got, err)
	}
	if err := errors.Join(figures.To("", nil), figures.Refresh("", nil)); err != nil {
		t.Error(err)
	}
}
