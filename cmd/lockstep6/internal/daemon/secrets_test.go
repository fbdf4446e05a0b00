package daemon

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/io/admin/contract"
)

// The secrets that a configuration can have, each of which has a word that nothing else has: in hexadecimal digits, in base64, or as it is.
const (
	markedKey     = "5ec2e7000000000000000000000000000000000000000000000000000c105e12"
	markedPrivacy = "5ec2e7111111111111111111111111111111111111111111111111111c105e12"
	markedTSIG    = "secret of a test" // dnsKey's
	markedToken   = "admin-token-of-the-test-73518842"
	markedHook    = "hook-token-of-the-test-7351"
)

const markedFile = `privacy: {metrics: hidden, key: "` + markedPrivacy + `"}
reconfigure: {}
hooks: [{name: routes, on: [addresses], url: "http://127.0.0.1:9/", token: "file:hook.token"}]
admin: {listen: "127.0.0.1:0", tls: {certificate: admin.crt, key: admin.key}, token: "file:admin.token"}
leasequery: {requestors: ["::1"]}
history: {keep: 400d}
`

// markedFolder has the files of the secrets.
func markedFolder(t *testing.T) (folder string, private []byte) {
	t.Helper()
	folder, err := os.MkdirTemp("", "l6-") // a socket's path may have 107 octets only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	for name, text := range map[string]string{
		"dns.key": base64.StdEncoding.EncodeToString([]byte(markedTSIG)), "admin.token": markedToken, "hook.token": markedHook,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := contract.WriteCertificate(filepath.Join(folder, "admin.crt"), filepath.Join(folder, "admin.key"), 1); err != nil {
		t.Fatal(err)
	}
	if private, err = os.ReadFile(filepath.Join(folder, "admin.key")); err != nil {
		t.Fatal(err)
	}
	return folder, private
}

// secretsIn are the marked secrets that a text has, in whatever spelling.
func secretsIn(text string, more ...[]byte) []string {
	var all []string
	for _, digits := range []string{markedKey, markedPrivacy} {
		octets, _ := hex.DecodeString(digits) // they are
		more = append(more, octets)
	}
	for _, word := range []string{markedTSIG, markedToken, markedHook} {
		more = append(more, []byte(word))
	}
	for _, octets := range more {
		all = append(all, string(octets), base64.StdEncoding.EncodeToString(octets), fmt.Sprint(octets))
		all = append(all, spellings(octets)...)
	}
	return leaked(text, all)
}

// answers are what the node says to all questions that need no name: by its socket, where everything may be asked.
func (r *reloading) answers(socket string) string {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	get := func(path string) string {
		answer, err := client.Get("http://localhost" + path)
		if err != nil {
			r.t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		return string(text)
	}
	document := get("/v1/openapi.yaml")
	c, err := contract.Read([]byte(document))
	if err != nil {
		r.t.Fatal(err)
	}
	all := document + get("/debug/pprof/goroutine?debug=2") + get("/debug/pprof/heap?debug=1") + get("/debug/pprof/allocs?debug=1")
	for _, operation := range c.Operations() {
		if method, path, _ := strings.Cut(operation, " "); method == "GET" && !strings.Contains(path, "{") {
			all += operation + "\n" + get(path)
		}
	}
	return all
}

// TestSecretsStay: a node with every secret that there is, at level debug, through a life with failures of all that uses them, says none of
// them: in its log, by the API and its events, in metrics, in what a profile shows, nor in what it says of files that are wrong.
func TestSecretsStay(t *testing.T) {
	folder, private := markedFolder(t)
	text := edited(t, reloadCluster, "log: {leases: false}", "log: {level: debug}",
		"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", markedKey) + markedFile + refusing(t)
	r := startNode(t, folder, "a", text)
	r.accepting(1, "2001:db8:1::1").acquire()
	r.client(2, "2001:db8:1::1").acquireNamed(privateHost)
	r.until("hook and DNS failed", func() bool {
		log := r.log.String()
		return strings.Contains(log, "id=hook-failed") && strings.Contains(log, "id=dns-refused")
	})
	r.write(text + "nonsense: " + markedToken[:5] + "\n")
	r.hangup <- os.Interrupt
	r.until("the reload was refused", func() bool { return strings.Contains(r.log.String(), "id=reload-fault") })
	reconfigure := r.site.Load().Policy.Reconfigure.Secret
	if reconfigure == [32]byte{} {
		t.Fatal("the node has no secret for Reconfigure")
	}
	body := strings.Split(string(private), "\n")
	for what, said := range map[string]string{"log": r.log.String(), "API": r.answers(filepath.Join(folder, "data", "admin.sock")), "metrics": (&toldNode{reloading: r}).metrics()} {
		if len(said) < 1000 {
			t.Errorf("%s: %q is all", what, said)
		}
		if found := secretsIn(said, reconfigure[:], []byte(body[1])); len(found) > 0 {
			t.Errorf("the %s has %q", what, found)
		}
	}
}

// TestSecretsStayInFaults: what is wrong with a secret is said without it: by check, by the start and by a reload.
func TestSecretsStayInFaults(t *testing.T) {
	folder, _ := markedFolder(t)
	file := filepath.Join(folder, "lockstep6.yaml")
	for name, content := range map[string]string{
		"short.key": markedKey[:62], "long.key": markedKey + "00", "bad.key": markedKey[:60] + "zz",
		"bad.tsig": base64.StdEncoding.EncodeToString([]byte(markedTSIG)) + "=!", "two.token": markedToken + " " + markedToken,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := strings.Replace(reloadCluster, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", markedKey, 1) + markedFile +
		dnsSection(startZones(t).addr)
	for _, wrong := range [][2]string{
		{`key: "` + markedKey, `key: "` + markedKey + "0"},
		{`key: "` + markedKey, `key: "` + markedKey[:60]},
		{`key: "` + markedKey, `key: "file:short.key`},
		{`key: "` + markedKey, `key: "file:long.key`},
		{`key: "` + markedKey, `key: "file:bad.key`},
		{`key: "` + markedKey + `"`, `key: {use: "` + markedKey + `", accept: ["` + markedKey + `", "` + markedKey + `x"]}`},
		{`key: "` + markedPrivacy, `key: "` + markedPrivacy + "x"},
		{`secret: "file:dns.key`, `secret: "` + base64.StdEncoding.EncodeToString([]byte(markedTSIG))},
		{`secret: "file:dns.key`, `secret: "file:bad.tsig`},
		{`token: "file:hook.token`, `token: "` + markedHook},
		{`url: "http://127.0.0.1:9/`, `url: "http://user:` + markedHook + `@127.0.0.1:9/`},
		{`token: "file:admin.token`, `token: "` + markedToken},
		{`token: "file:admin.token`, `token: "file:two.token`},
	} {
		text := edited(t, good, wrong[0], wrong[1])
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := faultsOf(file)
		if err == nil {
			t.Errorf("%s: nothing is wrong with it", wrong[1])
			continue
		}
		if found := secretsIn(err.Error()); len(found) > 0 || strings.Contains(err.Error(), markedKey[:60]) {
			t.Errorf("%s: %v has %q", wrong[1], err, found)
		}
	}
}

// faultsOf is what is wrong with a file, as check and serve find it.
func faultsOf(file string) error {
	c, err := ReadConfig(file)
	if err != nil {
		return err
	}
	if _, err := policy.Compile(c, policy.Input{File: file, Node: "a", Resolve: Resolver(file)}); err != nil {
		return err
	}
	if _, err := PrivacyKey(c, file, nil); err != nil {
		return err
	}
	if err := CheckDNS(c, file); err != nil {
		return err
	}
	_, err = CheckAdmin(c, file)
	return err
}
