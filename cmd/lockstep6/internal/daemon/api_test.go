package daemon

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/admin/contract"
)

const apiToken = "0123456789abcdef0123456789abcdef"

const apiConfig = "history: {keep: 400d}\n" + threeNodes + `
    addresses: [{pool: "2001:db8:1::/64"}]
    reservations: [{duid: "00:04:99", addresses: ["2001:db8:1::99"], prefixes: ["2001:db8:9000::/56"]}]
  - name: business
    match: {interface-ids: ["ge-0/0/2.100", "0x0001"], link-addresses: ["2001:db8:2::/64"]}
    lifetimes: {preferred: infinite, valid: infinite}
    prefixes: [{pool: "2001:db8:a000::/40", length: 48}]
admin:
  listen: "127.0.0.1:0"
  tls: {certificate: admin.crt, key: admin.key}
  token: file:admin.token
`

// TestAPI: what a running node answers is as the document has it that it serves itself.
func TestAPI(t *testing.T) {
	r := serveNode(t, apiConfig, "b")
	r.grant(t, "2001:db8:1::5", "00:03:00:01:02:00:00:00:00:01", 7, binding.AppendExtension(nil, binding.ExtRemoteID, []byte{0, 0, 17, 139, 'x'}))
	_, _, document := r.ask(t, "GET", "/v1/openapi.yaml", "")
	c, err := contract.Read(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range c.Operations() {
		method, path, _ := strings.Cut(operation, " ")
		if method != "GET" || strings.Contains(path, "{") {
			continue
		}
		status, header, body := r.ask(t, method, path, "")
		want := 200
		if path == "/v1/dns" || path == "/v1/reconfigure" {
			want = 404 // the node has no dns, and asks nobody
		}
		if path == "/v1/dns/records" {
			want = 400 // it wants to know of which lease
		}
		if status != want {
			t.Errorf("%s: %d %s", operation, status, body)
		}
		if err := c.Check(method, path, status, header.Get("Content-Type"), body); err != nil {
			t.Error(err)
		}
	}
}

// TestFinding: what the indexes find is what a look at all bindings finds.
func TestFinding(t *testing.T) {
	r := serveNode(t, apiConfig, "b")
	const client = "00:03:00:01:02:00:00:00:00:01"
	r.grant(t, "2001:db8:1::5", client, 7, binding.AppendExtension(nil, binding.ExtFQDN, []byte("\x01\x02pc\x07example\x03net\x00")))
	r.grant(t, "2001:db8:8000::/56", client, 7, nil)
	r.grant(t, "2001:db8:a000::/48", client, 8, nil)
	r.grant(t, "2001:db8:9000::/56", "00:04:99", 7, nil)
	r.grant(t, "2001:db8:1::99", "00:04:99", 7, nil)
	for query, want := range map[string]string{
		"":                                  "2001:db8:1::5 2001:db8:1::99 2001:db8:8000::/56 2001:db8:9000::/56 2001:db8:a000::/48",
		"lease=2001:db8:1::5":               "2001:db8:1::5",
		"lease=2001:db8:8000::/56":          "2001:db8:8000::/56",
		"lease=2001:db8:8000::/57":          "",
		"lease=2001:db8:1::5&duid=00:04:99": "",
		"duid=" + client + "&iaid=7":        "2001:db8:1::5 2001:db8:8000::/56",
		"duid=" + client + "&iaid=9":        "",
		"duid=" + client:                    "2001:db8:1::5 2001:db8:8000::/56 2001:db8:a000::/48",
		"iaid=7":                            "2001:db8:1::5 2001:db8:1::99 2001:db8:8000::/56 2001:db8:9000::/56",
		"link=business":                     "2001:db8:a000::/48",
		"name=pc.example.net":               "2001:db8:1::5",
		"name=*.example.net":                "2001:db8:1::5",
		"name=other*":                       "",
		"link=lan":                          "2001:db8:1::5 2001:db8:1::99 2001:db8:8000::/56 2001:db8:9000::/56",
		"pool=2001:db8:8000::/40":           "2001:db8:8000::/56",
		"duid=" + client + "&iaid=7&pool=2001:db8:1::/64": "2001:db8:1::5",
	} {
		var all []string
		for cursor := ""; ; {
			leases, next := r.page(t, query+"&limit=1"+cursor)
			all = append(all, leases...)
			if next == "" {
				break
			}
			cursor = "&cursor=" + next
		}
		slices.Sort(all)
		if got := strings.Join(all, " "); got != want {
			t.Errorf("%s finds %s, want %s", query, got, want)
		}
	}
}

// TestPagesUnderChanges: what stands from the first page to the last is on one of them, whatever comes and goes.
func TestPagesUnderChanges(t *testing.T) {
	r := serveNode(t, apiConfig, "b")
	const standing = 3000
	want := map[string]int{}
	for i := range standing {
		lease := fmt.Sprintf("2001:db8:1::a:%x", i)
		r.grant(t, lease, fmt.Sprintf("00:04:%04x", i), 1, nil)
		want[lease] = 1
	}
	got := map[string]int{}
	cursor := ""
	for page := 0; ; page++ {
		leases, next := r.page(t, "within=2001:db8:1::a:0/112&limit=100"+cursor)
		for _, l := range leases {
			got[l]++
		}
		if next == "" {
			break
		}
		cursor = "&cursor=" + next
		r.grant(t, fmt.Sprintf("2001:db8:1::b:%x", page), "00:04:ff:ff", uint32(page), nil)
		if status, _, body := r.ask(t, "DELETE", fmt.Sprintf("/v1/bindings/2001:db8:1::b:%x", page), ""); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("leases on pages (-want +got):\n%.2000s", diff)
	}
	_, next := r.page(t, "limit=1")
	if status, _, body := r.ask(t, "GET", "/v1/bindings?cursor=A"+next[1:], ""); status != http.StatusGone {
		t.Errorf("a cursor of another run: %d %s", status, body)
	}
}

// TestLinksAndConfig: a link is told with what the configuration says, and no secret is.
func TestLinksAndConfig(t *testing.T) {
	r := serveNode(t, apiConfig, "b")
	var links struct{ Links []admin.Link }
	if _, _, body := r.ask(t, "GET", "/v1/links", ""); json.Unmarshal(body, &links) != nil || len(links.Links) != 2 {
		t.Fatalf("links %s", body)
	}
	want := admin.Link{
		Name:     "business",
		Match:    admin.Match{Interfaces: []string{}, LinkAddresses: []string{"2001:db8:2::/64"}, InterfaceIDs: []string{"ge-0/0/2.100", "0x0001"}, RelayIDs: []string{}, PoolNames: []string{}},
		Prefixes: []string{"2001:db8:2::/64"}, Delegable: []string{"2001:db8:a000::/40"}, Pools: []string{"2001:db8:a000::/40"},
		Lifetimes:   admin.Lifetimes{Preferred: "infinite", Valid: "infinite", Renew: "infinite", Rebind: "infinite"},
		RapidCommit: "off", Gate: &admin.Gate{Link: "business", Open: true},
	}
	if diff := cmp.Diff(want, links.Links[1]); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	_, _, body := r.ask(t, "GET", "/v1/config", "")
	text := string(body)
	if strings.Contains(text, "0102030405060708") || strings.Contains(text, apiToken) || !strings.Contains(text, `"key":"(redacted)"`) ||
		!strings.Contains(text, `"token":"file:admin.token"`) || !strings.Contains(text, `"node":"b"`) || !strings.Contains(text, `"length":56`) {
		t.Errorf("configuration %s", text)
	}
}

// TestDrains: a node of a cluster sits back and comes forward again; a stop ends it, and what comes then is refused.
func TestDrains(t *testing.T) {
	r := serveNode(t, apiConfig, "b")
	seat := func() bool { return r.site.Load().View.Gate.BackSeat(worker.Time(r.clock())) }
	if seat() {
		t.Fatal("in the back seat from the start")
	}
	if status, _, body := r.ask(t, "POST", "/v1/drain?mode=new", ""); status != 202 || string(body) != "{\"mode\":\"new\"}\n" || !seat() {
		t.Errorf("drained: %d %s, back seat %v", status, body, seat())
	}
	if status, _, body := r.ask(t, "DELETE", "/v1/drain", ""); status != 200 || string(body) != "{\"mode\":\"none\"}\n" || seat() {
		t.Errorf("not drained any more: %d %s, back seat %v", status, body, seat())
	}
	if status, _, body := r.ask(t, "POST", "/v1/drain", ""); status != 202 || string(body) != "{\"mode\":\"stop\"}\n" {
		t.Errorf("stopping: %d %s", status, body)
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if err := r.operator.SetDrain(admin.DrainNone); err != admin.ErrStopping {
		t.Errorf("ending a stop: %v", err)
	}
}

func TestSingleHasNobodyToLeaveClientsTo(t *testing.T) {
	_, rest, _ := strings.Cut(apiConfig, "\nlisten:")
	r := serveNode(t, "listen:"+rest, "")
	if status, _, body := r.ask(t, "POST", "/v1/drain?mode=new", ""); status != 409 || !strings.Contains(string(body), "single node") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body := r.ask(t, "DELETE", "/v1/drain", ""); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body := r.ask(t, "GET", "/v1/links", ""); status != 200 || !strings.Contains(string(body), `"gate":null`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestLogLevel(t *testing.T) {
	r := serveNode(t, apiConfig, "b")
	if status, _, body := r.ask(t, "PUT", "/v1/log-level", `{"level":"error"}`); status != 200 || r.options.Level.Level() != slog.LevelError {
		t.Errorf("%d %s, level %v", status, body, r.options.Level.Level())
	}
	if _, _, body := r.ask(t, "GET", "/v1/log-level", ""); string(body) != "{\"level\":\"error\",\"configured\":\"info\"}\n" {
		t.Errorf("%s", body)
	}
}

// TestToken: where a token comes from, and what isn't one.
func TestToken(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"good": " " + apiToken + "\n", "short": apiToken[1:], "two": apiToken + " x", "binary": apiToken + "\x00"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("L6_TOKEN", apiToken)
	for from, want := range map[string]string{
		"file:good": "", "env:L6_TOKEN": "", "file:none": "openssl rand", "env:L6_NONE": "openssl rand", "file:short": "32 at least", "file:two": "one word", "file:binary": "one word",
	} {
		token, err := Token(config.Secret(from), filepath.Join(dir, "lockstep6.yaml"))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || err == nil && string(token) != apiToken {
			t.Errorf("%s: %q, %v, want %q", from, token, err, want)
		}
	}
}

// TestRightsOfTheCommandLine: --admin is held to the rights that the file gives.
func TestRightsOfTheCommandLine(t *testing.T) {
	d := &Daemon{log: slog.New(slog.DiscardHandler)}
	d.options.Admin = netip.MustParseAddrPort("[2001:db8::1]:8067")
	d.inForce = &candidate{config: parseConfig(t, strings.Replace(apiConfig, "  tls: {certificate: admin.crt, key: admin.key}\n", "", 1))}
	if _, err := d.openAdmin(); err == nil || !strings.Contains(err.Error(), "in the clear") {
		t.Errorf("a token without TLS at an address that isn't loopback: %v", err)
	}
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestDocumentedRequests runs docs/api.md's examples against a node.
func TestDocumentedRequests(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	r := serveNode(t, apiConfig, "b")
	r.grant(t, "2001:db8:1::7f3a", "00:04:01", 1, nil)
	r.grant(t, "2001:db8:8000:100::/56", "00:04:01", 1, nil)
	ca, err := os.ReadFile(filepath.Join(r.dir, "admin.crt"))
	if err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("fail-with-body\nsilent\nshow-error\nconnect-to = \"node-a.example:8067:%s\"\n", r.admin.Addr())
	for name, content := range map[string]string{"ca.pem": string(ca), ".curlrc": settings} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script := strings.ReplaceAll(block[1], "/var/lib/lockstep6/admin.sock", r.socket)
		command := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
		command.Dir, command.Env = r.dir, append(os.Environ(), "HOME="+r.dir, "NO_PROXY=*")
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, block[1], out)
		}
		ran += strings.Count(script, "curl ")
	}
	if ran < 25 {
		t.Errorf("only %d examples were found", ran)
	}
	if err := <-r.ended; err != nil { // the last example stops the node
		t.Error(err)
	}
	for file, want := range map[string]string{"bindings.ndjson": `"lease":"2001:db8:1::7f3a"`, "bindings.csv": "lease,kind,state"} {
		if got, err := os.ReadFile(filepath.Join(r.dir, file)); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %v\n%s", file, err, got)
		}
	}
}

func parseConfig(t *testing.T, text string) *config.Config {
	t.Helper()
	c, faults := config.Parse("test.yaml", []byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return c
}
