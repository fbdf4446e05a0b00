package ddns

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"

	"github.com/lockstep6/lockstep6/core/naming"
)

// A Key signs messages (RFC 8945).
type Key struct {
	Name      naming.Name
	Algorithm string // hmac-sha256, hmac-sha384 or hmac-sha512
	Secret    []byte // at least one octet
}

// algorithms are those that are spoken (RFC 8945, Section 6).
var algorithms = map[string]func() hash.Hash{"hmac-sha256": sha256.New, "hmac-sha384": sha512.New384, "hmac-sha512": sha512.New}

// NewKey makes the key that is configured under this name. Text is its secret: base64, or a file as BIND's tsig-keygen writes it, in
// which the key of this name counts. Errors say what is wrong with the text, and nothing of the secret.
func NewKey(name naming.Name, algorithm, text string) (*Key, error) {
	if algorithms[algorithm] == nil {
		return nil, fmt.Errorf("algorithm %q isn't hmac-sha256, hmac-sha384 or hmac-sha512", algorithm)
	}
	secret := strings.TrimSpace(text)
	if strings.ContainsAny(secret, "{;\"") {
		keys, err := parseKeyFile(text)
		if err != nil {
			return nil, err
		}
		if secret, err = chooseKey(keys, name, algorithm); err != nil {
			return nil, err
		}
	}
	octets, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(secret), ""))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the secret isn't base64; write what stands between the quotes after `secret` in the DNS server's key, or the whole key")
	case len(octets) == 0:
		return nil, fmt.Errorf("the secret is empty; `tsig-keygen -a %s %s` makes one", algorithm, strings.TrimSuffix(name.String(), "."))
	}
	return &Key{Name: name, Algorithm: algorithm, Secret: octets}, nil
}

// chooseKey is the secret of the key of this name, whose algorithm has to be the one that is configured.
func chooseKey(keys []fileKey, name naming.Name, algorithm string) (string, error) {
	var others []string
	for _, k := range keys {
		own, err := naming.ParseName(k.name)
		switch {
		case err != nil:
			return "", fmt.Errorf("the key's name: %w", err)
		case string(own) != string(name):
			others = append(others, own.String())
		case strings.ToLower(strings.TrimSuffix(k.algorithm, ".")) != algorithm:
			return "", fmt.Errorf("key %s has algorithm %q in the file, and %q in the configuration; write the same in both", own, k.algorithm, algorithm)
		case k.secret == "":
			return "", fmt.Errorf("key %s has no secret in the file", own)
		default:
			return k.secret, nil
		}
	}
	if len(others) == 0 {
		return "", fmt.Errorf("there is no key in the file; `tsig-keygen -a %s %s` writes one", algorithm, strings.TrimSuffix(name.String(), "."))
	}
	return "", fmt.Errorf("the file has key %s, and not %s; a key has the same name on both sides", strings.Join(others, ", "), name)
}
