package admin

import (
	_ "embed"
	"net/http"
)

// document describes the whole interface, as OpenAPI 3.1.
//
//go:embed openapi.yaml
var document []byte

var documentRoutes = []route{
	{"GET", "/v1/openapi.yaml", false, nil, func(w http.ResponseWriter, _ *http.Request, _ Node) {
		w.Header().Set("Content-Type", "application/yaml") // RFC 9512
		_, _ = w.Write(document)                           // the other side has gone
	}},
}
