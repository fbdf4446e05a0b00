package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
)

// A BackupLine is one line of the answer to a backup: how far it is, at the end that it is done, or why it isn't.
type BackupLine struct {
	Octets int64  `json:"octets"`       // copied, or linked, so far
	Of     int64  `json:"of,omitempty"` // about
	Done   bool   `json:"done,omitempty"`
	Error  string `json:"error,omitempty"`
}

var backupRoutes = []route{{"POST", "/v1/backup", true, []string{"dir"}, backup}}

func backup(w http.ResponseWriter, r *http.Request, node Node) {
	query := r.URL.Query()
	dir := query.Get("dir")
	if !filepath.IsAbs(dir) {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("dir=%q isn't an absolute path", dir), "give dir=/PATH of a folder that isn't there yet")
		return
	}
	encoder, control := json.NewEncoder(w), http.NewResponseController(w)
	told := false
	tell := func(line BackupLine) {
		if !told {
			told = true
			w.Header().Set("Content-Type", "application/x-ndjson")
		}
		_ = encoder.Encode(line) // where the other side has gone, the backup is made all the same
		_ = control.Flush()
	}
	size, err := node.Backup(r.Context(), dir, func(done, total int64) { tell(BackupLine{Octets: done, Of: total}) })
	switch {
	case err == nil:
		tell(BackupLine{Octets: size, Done: true})
	case told:
		tell(BackupLine{Error: err.Error()})
	case errors.Is(err, fs.ErrExist):
		refuse(w, http.StatusConflict, err.Error(), "give dir=/PATH of a folder that isn't there yet")
	default:
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
	}
}

// Backup has the node copy its store, as Node's Backup.
func (c *Client) Backup(ctx context.Context, dir string, progress func(done, total int64)) (size int64, err error) {
	body, err := c.do(ctx, http.MethodPost, "/v1/backup?"+url.Values{"dir": {dir}}.Encode(), nil)
	if err != nil {
		return 0, err
	}
	defer func() {
		_, _ = io.Copy(io.Discard, body) // the node is ready for another backup when its answer has ended, not before
		_ = body.Close()
	}()
	for decoder := json.NewDecoder(bufio.NewReader(body)); ; {
		var line BackupLine
		err := decoder.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return 0, errors.New("the node broke off the backup; it may be whole all the same: its folder gets its name when it is")
		case err != nil:
			return 0, err
		case line.Error != "":
			return 0, errors.New(line.Error)
		case line.Done:
			return line.Octets, nil
		}
		progress(line.Octets, line.Of)
	}
}
