package admin

import (
	"net/http"
	"strings"
	"testing"
)

func TestBackupEndpoint(t *testing.T) {
	tcp, socket := serve(t, &fake{})
	if status, body := ask(t, http.MethodPost, tcp, "/v1/backup?dir=/copy"); status != http.StatusForbidden {
		t.Errorf("by TCP: %d %s", status, body)
	}
	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var told []int64
	progress := func(done, total int64) { told = append(told, done, total) }
	if size, err := client.Backup(t.Context(), "/copy", progress); size != 9 || err != nil || len(told) != 2 || told[0] != 5 || told[1] != 10 {
		t.Errorf("%d octets, %v, told %v", size, err, told)
	}
	for dir, want := range map[string]string{
		"/there": "file already exists", "/late": "the disk is full", "copy": `dir="copy" isn't an absolute path`, "": "isn't an absolute path",
	} {
		if _, err := client.Backup(t.Context(), dir, progress); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dir, err, want)
		}
	}
}
