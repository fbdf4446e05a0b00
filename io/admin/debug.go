package admin

import (
	"context"
	"fmt"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"
)

var debugRoutes = []route{{"GET", "/debug/pprof/{profile}", true, []string{"seconds", "debug"}, profile}}

// Bounds of a profile that takes time, in seconds.
const (
	defaultProfile = 30
	maxProfile     = 60
)

// profile answers what `go tool pprof` and `go tool trace` ask for. It costs the node time while it runs, and shows what
// is in its memory: so it is for those who may change the node.
func profile(w http.ResponseWriter, r *http.Request, _ Node) {
	query, name := r.URL.Query(), r.PathValue("profile")
	seconds, okSeconds := number(query.Get("seconds"), defaultProfile, maxProfile)
	debug, okDebug := number(query.Get("debug"), 0, 2)
	if !okSeconds || !okDebug {
		refuse(w, http.StatusBadRequest, "seconds or debug isn't a number in its bounds", fmt.Sprintf("give seconds from 0 to %d, debug from 0 to 2", maxProfile))
		return
	}
	span := time.Duration(seconds) * time.Second
	w.Header().Set("Content-Type", "application/octet-stream")
	switch name {
	case "profile":
		if err := pprof.StartCPUProfile(w); err != nil {
			refuse(w, http.StatusConflict, err.Error(), "wait until the other profile is done")
			return
		}
		wait(r.Context(), span)
		pprof.StopCPUProfile()
	case "trace":
		if err := trace.Start(w); err != nil {
			refuse(w, http.StatusConflict, err.Error(), "wait until the other trace is done")
			return
		}
		wait(r.Context(), span)
		trace.Stop()
	default:
		p := pprof.Lookup(name)
		if p == nil {
			refuse(w, http.StatusNotFound, "there is no profile "+strconv.Quote(name), "there are profile, trace, heap, allocs, goroutine, block, mutex and threadcreate")
			return
		}
		_ = p.WriteTo(w, debug) // the other side has gone
	}
}

// number reads a whole number from 0 to most.
func number(text string, otherwise, most int) (n int, ok bool) {
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n <= most
}

func wait(ctx context.Context, span time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(span):
	}
}
