package admin

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/io/admin/contract"
)

func readDocument(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Read(document)
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return c
}

// documented is a route as the document has it.
func documented(r route) string { return r.method + " " + strings.ReplaceAll(r.path, "...}", "}") }

// TestDocumentHasEveryRoute: openapi.yaml describes just what there is.
func TestDocumentHasEveryRoute(t *testing.T) {
	described := readDocument(t).Operations()
	var served []string
	for _, r := range table() {
		served = append(served, documented(r))
		if !slices.Contains(described, documented(r)) {
			t.Errorf("openapi.yaml has no %s: describe it under paths, with the schemas of its bodies under components.schemas, and give "+
				"exchanges in openapi_test.go a request for it", documented(r))
		}
	}
	for _, name := range described {
		if !slices.Contains(served, name) {
			t.Errorf("openapi.yaml has %s, which no route of table() serves: remove it there, or add the route to table()", name)
		}
	}
}

// An exchange is a request whose answer must be as the document has it.
type exchange struct {
	method, path, body string
	status             int
}

// exchanges has one request at least for each route, and what each can be refused for.
var exchanges = []exchange{
	{"GET", "/live", "", 200},
	{"GET", "/ready", "", 200},
	{"GET", "/v1/state", "", 200},
	{"GET", "/v1/rates", "", 200},
	{"GET", "/v1/rates?after=1", "", 200},
	{"GET", "/v1/rates?after=x", "", 400},
	{"GET", "/v1/peers", "", 200},
	{"GET", "/v1/bindings?whose=all", "", 200},
	{"GET", "/v1/bindings?limit=1", "", 200},
	{"GET", "/v1/bindings?limit=0", "", 400},
	{"GET", "/v1/bindings?cursor=x", "", 400},
	{"GET", "/v1/bindings/export?whose=all", "", 200},
	{"GET", "/v1/bindings/export?format=csv", "", 200},
	{"GET", "/v1/bindings/export?format=x", "", 400},
	{"DELETE", "/v1/bindings/2001:db8:8000::/56", "", 200},
	{"DELETE", "/v1/bindings/2001:db8:1::6", "", 409},
	{"DELETE", "/v1/bindings/2001:db8:1::99", "", 404},
	{"DELETE", "/v1/bindings/x", "", 400},
	{"DELETE", "/v1/bindings/2001:db8:1::5?whose=x", "", 400},
	{"GET", "/v1/links", "", 200},
	{"GET", "/v1/hooks", "", 200},
	{"POST", "/v1/hooks/routes/resend", "", 202},
	{"POST", "/v1/hooks/none/resend", "", 404},
	{"GET", "/v1/outbox", "", 200},
	{"POST", "/v1/outbox/resend", "", 202},
	{"GET", "/v1/reconfigure", "", 200},
	{"POST", "/v1/reconfigure", `{"link":"lan"}`, 202},
	{"POST", "/v1/reconfigure", `{"client":"00:03:00:01:02:00:00:00:00:01","message":"rebind","dry_run":true}`, 200},
	{"POST", "/v1/reconfigure", `{"link":"none"}`, 404},
	{"POST", "/v1/reconfigure", `{"class":"none"}`, 404},
	{"POST", "/v1/reconfigure", `{"lease":"2001:db8:1::99"}`, 404},
	{"POST", "/v1/reconfigure", `{"class":"all"}`, 409},
	{"POST", "/v1/reconfigure", `{"class":"busy"}`, 409},
	{"POST", "/v1/reconfigure", `{"link":"lan","stale":true}`, 400},
	{"POST", "/v1/reconfigure", `{}`, 400},
	{"POST", "/v1/reconfigure", `{"link":"lan","message":"solicit"}`, 400},
	{"POST", "/v1/reconfigure", `{"client":"x"}`, 400},
	{"POST", "/v1/reconfigure", `{"lease":"x"}`, 400},
	{"POST", "/v1/reconfigure", `{"linck":"lan"}`, 400},
	{"DELETE", "/v1/reconfigure", "", 200},
	{"GET", "/v1/config", "", 200},
	{"GET", "/v1/log-level", "", 200},
	{"PUT", "/v1/log-level", `{"level":"debug"}`, 200},
	{"PUT", "/v1/log-level", `{"level":"loud"}`, 400},
	{"PUT", "/v1/log-level", `{"levels":"debug"}`, 400},
	{"PUT", "/v1/log-level", `{"level":"debug"} {}`, 400},
	{"PUT", "/v1/log-level", `{"level":"` + strings.Repeat("x", maxBody) + `"}`, 413},
	{"POST", "/v1/drain?mode=new", "", 202},
	{"POST", "/v1/drain?mode=x", "", 400},
	{"GET", "/v1/drain", "", 200},
	{"DELETE", "/v1/drain", "", 200},
	{"POST", "/v1/drain", "", 202},
	{"GET", "/metrics", "", 200},
	{"GET", "/v1/pools", "", 200},
	{"GET", "/v1/refusals", "", 200},
	{"GET", "/v1/refusals?client=fe80::9&limit=1", "", 200},
	{"GET", "/v1/refusals?limit=0", "", 400},
	{"GET", "/v1/events?after=7&follow", "", 200},
	{"GET", "/v1/events?follow=perhaps", "", 400},
	{"GET", "/v1/history?at=now&remote_id=9:0xff", "", 200},
	{"GET", "/v1/history?remote_id=", "", 400},
	{"POST", "/v1/reload?dry_run=true", "", 200},
	{"POST", "/v1/reload?digest=wrong", "", 422},
	{"POST", "/v1/reload?digest=unsafe", "", 409},
	{"POST", "/v1/reload?digest=old", "", 409},
	{"POST", "/v1/reload?digest=broken", "", 503},
	{"GET", "/v1/links/lan%201%2F2/reservations", "", 200},
	{"GET", "/v1/links/none/reservations", "", 404},
	{"PUT", "/v1/links/lan%201%2F2/reservations/duid/00:03:01?force=true", `{"addresses":[]}`, 200},
	{"PUT", "/v1/links/lan%201%2F2/reservations/duid/00:03:01", `{"addresses":[]}`, 409},
	{"PUT", "/v1/links/lan%201%2F2/reservations/duid/zz", `{"addresses":[]}`, 400},
	{"PUT", "/v1/links/lan%201%2F2/reservations/duid/00:03:01", strings.Repeat(" ", MaxReservation+1), 413},
	{"DELETE", "/v1/links/lan/reservations/remote-id/a%2Fb?enterprise=9", "", 200},
	{"DELETE", "/v1/links/none/reservations/duid/00:03:01", "", 404},
	{"GET", "/v1/provider-prefixes", "", 200},
	{"PUT", "/v1/provider-prefixes/uplink", `{"prefix":"2001:db8::/48"}`, 200},
	{"PUT", "/v1/provider-prefixes/uplink", `{"prefix":""}`, 422},
	{"PUT", "/v1/provider-prefixes/uplink", `{"prefixes":""}`, 400},
	{"PUT", "/v1/provider-prefixes/uplink", `{"prefix":"` + strings.Repeat("x", maxProviderBody) + `"}`, 413},
	{"PUT", "/v1/provider-prefixes/none", `{"prefix":"2001:db8::/48"}`, 404},
	{"PUT", "/v1/provider-prefixes/ppp", `{"prefix":"2001:db8::/48"}`, 422},
	{"POST", "/v1/backup?dir=/copy", "", 200},
	{"POST", "/v1/backup?dir=/late", "", 200},
	{"POST", "/v1/backup?dir=/there", "", 409},
	{"POST", "/v1/backup", "", 400},
	{"GET", "/v1/dns", "", 200},
	{"GET", "/v1/dns/records?lease=2001:db8:1::5", "", 200},
	{"GET", "/v1/dns/records?lease=2001:db8:1::99", "", 404},
	{"GET", "/v1/dns/records?lease=2001:db8:1::98", "", 503},
	{"GET", "/v1/dns/records?lease=x", "", 400},
	{"GET", "/v1/dns/records", "", 400},
	{"POST", "/v1/dns/audit", "", 200},
	{"POST", "/v1/dns/audit?zone=none", "", 404},
	{"POST", "/v1/dns/audit?zone=", "", 400},
	{"POST", "/v1/dns/repair?zone=Example.NET.", "", 200},
	{"POST", "/v1/dns/repair?zone=busy", "", 409},
	{"POST", "/v1/dns/repair?zone=broken", "", 503},
	{"GET", "/v1/openapi.yaml", "", 200},
	{"GET", "/debug/pprof/goroutine", "", 200},
	{"GET", "/debug/pprof/profile?seconds=0", "", 200},
	{"GET", "/debug/pprof/trace?seconds=0", "", 200},
	{"GET", "/debug/pprof/none", "", 404},
	{"GET", "/debug/pprof/heap?debug=x", "", 400},
}

// TestBodies: what handlers answer is as the document has it, refusals too.
func TestBodies(t *testing.T) {
	c := readDocument(t)
	node := &full{fake{stored: testLeases(), periods: testPeriods()}}
	_, socket := serve(t, node)
	answered := map[string]bool{}
	for _, x := range exchanges {
		answered[answer(t, c, socket, x)] = true
	}
	for _, r := range table() {
		if !answered[documented(r)] {
			t.Errorf("no request of exchanges in openapi_test.go reaches %s: add one that is answered by 200 or 202", documented(r))
		}
	}
	node.broken = errors.New("the disk is full")
	answer(t, c, socket, exchange{"GET", "/ready", "", 503})
	answer(t, c, socket, exchange{"DELETE", "/v1/bindings/2001:db8:1::5", "", 503})
	node.control.fault = ErrStopping
	answer(t, c, socket, exchange{"POST", "/v1/drain", "", 409})
	answer(t, c, socket, exchange{"DELETE", "/v1/drain", "", 409})
	node.torn = errors.New("the disk is gone")
	answer(t, c, socket, exchange{"GET", "/v1/history", "", 200})
	node.noDNS = true
	answer(t, c, socket, exchange{"GET", "/v1/dns", "", 404})
	answer(t, c, socket, exchange{"GET", "/v1/dns/records?lease=::1", "", 404})
	answer(t, c, socket, exchange{"POST", "/v1/dns/audit", "", 404})
	node.noPast = true
	answer(t, c, socket, exchange{"GET", "/v1/history", "", 404})
}

// answer holds one answer against the document, and returns the route where it was a good one.
func answer(t *testing.T, c *contract.Contract, socket string, x exchange) string {
	t.Helper()
	status, header, body := send(t, socket, x.method, x.path, x.body, nil)
	path, _, _ := strings.Cut(x.path, "?")
	if status != x.status {
		t.Errorf("%s %s: %d, want %d: %.300s", x.method, x.path, status, x.status, body)
		return ""
	}
	if err := c.Check(x.method, path, status, header.Get("Content-Type"), body); err != nil {
		t.Error(err)
	}
	if status >= 300 {
		return ""
	}
	mux := http.NewServeMux()
	for _, r := range table() {
		mux.HandleFunc(r.method+" "+r.path, func(http.ResponseWriter, *http.Request) {})
	}
	r, err := http.NewRequestWithContext(t.Context(), x.method, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, pattern := mux.Handler(r)
	return strings.ReplaceAll(pattern, "...}", "}")
}

// send sends a request through the socket.
func send(t *testing.T, socket, method, path, body string, header http.Header) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, b.Bytes()
}

// TestDocumentedTakes: each operation takes the parameters that are described, in that order.
func TestDocumentedTakes(t *testing.T) {
	c := readDocument(t)
	for _, r := range table() {
		if diff := cmp.Diff(r.takes, c.Parameters(documented(r))); diff != "" {
			t.Errorf("openapi.yaml, parameters of %s (-taken +described):\n%s", documented(r), diff)
		}
	}
}

// TestDocumentedParameters: whatever a handler looks for in a query is described, and nothing else is.
func TestDocumentedParameters(t *testing.T) {
	known := map[string]string{}
	for _, p := range Parameters() {
		known[p.Name] = "filter.go"
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			asked(t, name, known)
		}
	}
	described := map[string]bool{}
	c := readDocument(t)
	for _, operation := range c.Operations() {
		for _, p := range c.Parameters(operation) {
			described[p] = true
			if known[p] == "" {
				t.Errorf("openapi.yaml has the parameter %s of %s, which no handler looks for", p, operation)
			}
		}
	}
	for p, file := range known {
		if !described[p] {
			t.Errorf("%s looks for the query parameter %q: describe it in openapi.yaml under the operation's parameters, with in: query", file, p)
		}
	}
}

// asked finds the query parameters of which a file asks by name: Get and Has of query, or of r.URL.Query().
func asked(t *testing.T, name string, into map[string]string) {
	t.Helper()
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "Get" && method.Sel.Name != "Has" {
			return true
		}
		of := string(source[method.X.Pos()-1 : method.X.End()-1])
		literal, ok := call.Args[0].(*ast.BasicLit)
		if parameter, err := strconv.Unquote(literalText(literal)); ok && err == nil && (of == "query" || strings.HasSuffix(of, "Query()")) {
			into[parameter] = name
		}
		return true
	})
}

func literalText(l *ast.BasicLit) string {
	if l == nil {
		return ""
	}
	return l.Value
}
