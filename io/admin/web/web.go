// Package web is the page that a node serves for people: what it does now, its cluster, pools, clients and log. It is made of files as they
// stand in page/, and of what the API tells whoever reads; it changes nothing. A browser gets all of it from the node and nothing
// from elsewhere.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
)

// Path is where the page is. Its files lie below.
const Path = "/ui/"

//go:embed page
var files embed.FS

// types are the media types of the files that there are. They don't depend on what the machine believes of names.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8", // RFC 9239
	".svg":  "image/svg+xml",
}

// policy lets the page run and show what the node serves, ask the node, and nothing else: no program or style within a document, no
// frame around it, no string that is taken for HTML (Content Security Policy Level 3, and Trusted Types).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// A file is one of the page's.
type file struct {
	content []byte
	kind    string // its media type
	tag     string // its entity tag
}

// Handler serves the files below Path. What there isn't goes to missing.
func Handler(missing http.HandlerFunc) http.Handler {
	all := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[len(Path):]
		if name == "" {
			name = "index.html"
		}
		f, found := all[name]
		if !found {
			missing(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache") // kept, but asked for by its tag each time: a node may have been upgraded
		h.Set("ETag", f.tag)
		if r.Header.Get("If-None-Match") == f.tag { // a browser has one tag of a file, the last that it was told
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Length", strconv.Itoa(len(f.content)))
		_, _ = w.Write(f.content) // of a HEAD the server keeps the body back; else the other side has gone
	})
}

// load reads the files. They are part of the program, so none can be missing or unreadable.
func load() map[string]file {
	all := make(map[string]file)
	_ = fs.WalkDir(files, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		sum := sha256.Sum256(content)
		all[name[len("page/"):]] = file{content, types[path.Ext(name)], `"` + hex.EncodeToString(sum[:8]) + `"`}
		return err
	})
	return all
}
