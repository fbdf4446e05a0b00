package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

var bindingRoutes = []route{
	{"GET", "/v1/bindings", false, filters("limit", "cursor"), page},
	{"GET", "/v1/bindings/export", false, filters("format"), export},
	{"DELETE", "/v1/bindings/{lease...}", true, []string{"whose"}, release},
}

// Bounds of a page.
const (
	defaultLimit = 100
	maxLimit     = 5000
)

// A bindingPage is some bindings, and the cursor of the page that follows; empty: this was the last one.
type bindingPage struct {
	Bindings []Lease `json:"bindings"`
	Next     string  `json:"next"`
}

const filterRemedy = "GET /v1/openapi.yaml lists the parameters with their forms, such as within=2001:db8::/32, duid=00:03:..., whose=own|observed|all"

// page answers with at most limit bindings that stand behind the cursor.
func page(w http.ResponseWriter, r *http.Request, node Node) {
	query := r.URL.Query()
	filter, err := filterOf(query, node, "limit", "cursor")
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), filterRemedy)
		return
	}
	limit := defaultLimit
	if text := query.Get("limit"); query.Has("limit") {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("limit=%q isn't a number from 1 to %d", text, maxLimit), "leave it out, or take /v1/bindings/export for all at once")
			return
		}
	}
	var after Position
	run := node.State().Started.UnixNano()
	if query.Has("cursor") {
		if after, err = parseCursor(run, query.Get("cursor")); err != nil {
			refuse(w, statusOfCursor(err), err.Error(), "begin with the first page, without a cursor")
			return
		}
	}
	out := bindingPage{Bindings: []Lease{}}
	for at, lease := range node.Leases(r.Context(), filter, after) {
		if len(out.Bindings) == limit {
			out.Next = cursorText(run, after)
			break
		}
		out.Bindings, after = append(out.Bindings, lease), at
	}
	reply(w, http.StatusOK, out)
}

func statusOfCursor(err error) int {
	if errors.Is(err, errStale) {
		return http.StatusGone
	}
	return http.StatusBadRequest
}

// filterOf reads the filter, and makes sure that what it names is there.
func filterOf(query url.Values, node Node, also ...string) (Filter, error) {
	f, err := ParseFilter(query, also...)
	if err != nil || f.Link == "" && f.Pool == "" {
		return f, err
	}
	links := node.Links()
	if f.Link != "" && !slices.ContainsFunc(links, func(l Link) bool { return l.Name == f.Link }) {
		return f, fmt.Errorf("there is no link %q", f.Link)
	}
	if f.Pool != "" && !slices.ContainsFunc(links, func(l Link) bool { return slices.Contains(l.Pools, f.Pool) }) {
		return f, fmt.Errorf("there is no pool %q", f.Pool)
	}
	return f, nil
}

func release(w http.ResponseWriter, r *http.Request, node Node) {
	prefix, err := ParseLease(r.PathValue("lease"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "name an address, or a prefix with its length")
		return
	}
	whose := Own
	if query := r.URL.Query(); query.Has("whose") {
		if whose, err = ParseWhose(query.Get("whose")); err != nil {
			refuse(w, http.StatusBadRequest, err.Error(), "leave it out for the node's own")
			return
		}
	}
	lease, err := node.Release(r.Context(), prefix, whose)
	var owner *OwnerError
	switch {
	case errors.As(err, &owner):
		reply(w, http.StatusConflict, problem{Error: err.Error(), Remedy: "say whose=observed or whose=own as it is", Owner: owner.Owner})
	case errors.Is(err, ErrNoLease):
		refuse(w, http.StatusNotFound, "nobody holds "+r.PathValue("lease"), "`lockstep6 leases list` shows what there is")
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, err.Error(), "")
	default:
		reply(w, http.StatusOK, lease)
	}
}
