package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// A ProviderPrefix is a prefix that somebody else gives, and that pools stand behind.
type ProviderPrefix struct {
	Name   string         `json:"name"`
	Source string         `json:"source"`           // file NAME, interface NAME, or api
	Length int            `json:"length,omitempty"` // that it must have; 0: any
	Prefix string         `json:"prefix"`           // empty: none is known
	Former []FormerPrefix `json:"former"`           // the newest first
	Links  []string       `json:"links"`            // that use it
}

// A FormerPrefix is one whose pools retire.
type FormerPrefix struct {
	Prefix string    `json:"prefix"`
	Until  time.Time `json:"until"` // when no lease of it can live any more, and its pools go
}

// ProviderPrefixes are all that the configuration has.
type ProviderPrefixes struct {
	Prefixes []ProviderPrefix `json:"provider_prefixes"`
}

// Errors of provider's prefixes.
var (
	ErrNoProvider  = errors.New("no such provider prefix")
	ErrOtherSource = errors.New("the prefix has another source")
)

// maxProviderBody is the most octets of a request to set one.
const maxProviderBody = 1 << 10

var providerRoutes = []route{
	{"GET", "/v1/provider-prefixes", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, ProviderPrefixes{node.ProviderPrefixes()})
	}},
	{"PUT", "/v1/provider-prefixes/{name}", true, nil, putProviderPrefix},
}

// providerPut is the body of a request to set a prefix.
type providerPut struct {
	Prefix string `json:"prefix"`
}

func putProviderPrefix(w http.ResponseWriter, r *http.Request, node Node) {
	const remedy = `send {"prefix": "2001:db8:ab00::/56"}`
	var body providerPut
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxProviderBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		refuse(w, statusOfBody(err), "the body can't be read: "+err.Error(), remedy)
		return
	}
	name := r.PathValue("name")
	plan, err := node.PutProviderPrefix(r.Context(), name, body.Prefix)
	switch {
	case err == nil:
		reply(w, http.StatusOK, plan)
	case errors.Is(err, ErrNoProvider):
		refuse(w, http.StatusNotFound, "there is no provider prefix "+strconv.Quote(printable(name)), "GET /v1/provider-prefixes lists what there is")
	case errors.Is(err, ErrOtherSource):
		refuse(w, http.StatusUnprocessableEntity, printable(name)+" follows another source", "only a prefix with `api: true` in the configuration can be set")
	default:
		replyReloadError(w, err)
	}
}
