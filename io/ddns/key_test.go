package ddns

import (
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/naming"
)

func name(t testing.TB, text string) naming.Name {
	t.Helper()
	n, err := naming.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKeys(t *testing.T) {
	const secret = "c2VjcmV0IG9mIGEgdGVzdA=="
	file := "# made by tsig-keygen\nkey \"dhcp.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"" + secret + "\";\n};\n"
	for what, text := range map[string]string{
		"base64":           secret,
		"base64, new line": secret + "\n",
		"base64, wrapped":  secret[:10] + "\n" + secret[10:],
		"a file":           file,
		"other order":      `key dhcp.example. { secret "` + secret + `"; algorithm "HMAC-SHA256"; };`,
		"comments":         "/* key \"x\" { */ // more\n" + strings.ReplaceAll(file, "\n", " // there\n"),
		"several keys":     `key "other" { algorithm hmac-sha512; secret "AAAA"; };` + file,
		"upper case":       strings.ReplaceAll(file, "dhcp.example", "DHCP.Example"),
	} {
		key, err := NewKey(name(t, "dhcp.example"), "hmac-sha256", text)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if string(key.Secret) != "secret of a test" {
			t.Errorf("%s: secret is %q", what, key.Secret)
		}
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	for what, c := range map[string]struct{ algorithm, text, want string }{
		"algorithm":     {"hmac-md5", "AAAA", `algorithm "hmac-md5" isn't hmac-sha256`},
		"no base64":     {"hmac-sha256", "it's secret", "isn't base64"},
		"nothing":       {"hmac-sha256", "\n", "is empty; `tsig-keygen -a hmac-sha256 dhcp.example`"},
		"other name":    {"hmac-sha256", `key "other" { algorithm hmac-sha256; secret "AAAA"; };`, "has key other., and not dhcp.example."},
		"bad name":      {"hmac-sha256", `key "a..b" { algorithm hmac-sha256; secret "AAAA"; };`, "the key's name: "},
		"other kind":    {"hmac-sha512", `key "dhcp.example" { algorithm hmac-sha256; secret "AAAA"; };`, "write the same in both"},
		"no secret":     {"hmac-sha256", `key "dhcp.example" { algorithm hmac-sha256; };`, "has no secret"},
		"no key":        {"hmac-sha256", `# key "dhcp.example" { };`, "there is no key in the file"},
		"something":     {"hmac-sha256", "\nzone \"x\" { };", `line 2: there stands "zone"`},
		"open quote":    {"hmac-sha256", "key \"dhcp.example\n\" {};", "line 1: a quote isn't closed"},
		"open key":      {"hmac-sha256", "key \"dhcp.example\" {\nalgorithm hmac-sha256;\n", `line 3: "" isn't algorithm`},
		"no semicolon":  {"hmac-sha256", "key \"dhcp.example\" {\nalgorithm hmac-sha256\nsecret \"AAAA\"; };", `line 3: there stands "secret" in place of ";"`},
		"missing":       {"hmac-sha256", `key "dhcp.example" { secret ; };`, "the secret is missing"},
		"secret's tail": {"hmac-sha256", `key "dhcp.example" { secret "AAAA" SECRETSECRET; };`, `there stands "SECR..."`},
		"endless":       {"hmac-sha256", `key "dhcp.example" { /* }`, "isn't algorithm"},
	} {
		_, err := NewKey(name(t, "dhcp.example"), c.algorithm, c.text)
		if err == nil {
			t.Errorf("%s: no error", what)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", what, c.want, err)
		}
	}
}

// BIND's own program writes what is read here.
func TestKeysOfTSIGKeygen(t *testing.T) {
	path, err := exec.LookPath("tsig-keygen")
	if err != nil {
		if path = "/usr/sbin/tsig-keygen"; !exists(path) {
			t.Fatal("tsig-keygen isn't installed; `make deps` installs it")
		}
	}
	for algorithm, newHash := range algorithms {
		out, err := exec.Command(path, "-a", algorithm, "dhcp.example").Output()
		if err != nil {
			t.Fatal(err)
		}
		key, err := NewKey(name(t, "dhcp.example"), algorithm, string(out))
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if len(key.Secret) != newHash().Size() || !strings.Contains(string(out), base64.StdEncoding.EncodeToString(key.Secret)) {
			t.Errorf("%s: secret of %d octets", algorithm, len(key.Secret))
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func FuzzKey(f *testing.F) {
	f.Add(`key "dhcp.example" { algorithm hmac-sha256; secret "AAAA"; };`)
	f.Add("// x\n/* y */ # z\nkey k { secret AAAA; };")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := NewKey(naming.Name("\x01k\x00"), "hmac-sha256", text)
		if (err == nil) == (key == nil || len(key.Secret) == 0) {
			t.Fatalf("key %v, error %v", key, err)
		}
	})
}
