package dnstest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func configureBIND(d *Daemon) ([]string, error) {
	listen := fmt.Sprintf("listen-on port %d { %s; }; listen-on-v6 { none; };", d.Addr.Port(), d.Addr.Addr())
	if d.Addr.Addr().Is6() {
		listen = fmt.Sprintf("listen-on { none; }; listen-on-v6 port %d { %s; };", d.Addr.Port(), d.Addr.Addr())
	}
	var b strings.Builder
	fmt.Fprintf(&b, `options {
	directory "%s";
	%s
	pid-file "named.pid";
	session-keyfile "session.key";
	managed-keys-directory ".";
	recursion no;
	notify no;
	dnssec-validation no;
	empty-zones-enable no;
};
controls { };
`, d.folder, listen)
	who := "any"
	if d.Key.Name != "" {
		who = fmt.Sprintf("key %q", strings.TrimSuffix(d.Key.Name, "."))
		fmt.Fprintf(&b, "key %q { algorithm %s; secret %q; };\n", strings.TrimSuffix(d.Key.Name, "."), strings.TrimSuffix(d.Key.Algorithm, "."), d.Key.Secret)
	}
	for _, zone := range d.Zones {
		fmt.Fprintf(&b, "zone %q { type primary; file %q; allow-update { %s; }; allow-transfer { %s; }; %s };\n", zone, zone+"zone", who, who, d.Extra)
	}
	path := filepath.Join(d.folder, "named.conf")
	return []string{"-g", "-n", "1", "-c", path}, os.WriteFile(path, []byte(b.String()), 0o600)
}

func configureKnot(d *Daemon) ([]string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `server:
  rundir: "%s"
  listen: %s@%d
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "%s"
`, d.folder, d.Addr.Addr(), d.Addr.Port(), d.folder)
	who := "    address: 127.0.0.1\n"
	if d.Key.Name != "" {
		fmt.Fprintf(&b, "key:\n  - id: %s\n    algorithm: %s\n    secret: %s\n", d.Key.Name, strings.TrimSuffix(d.Key.Algorithm, "."), d.Key.Secret)
		who = "    key: " + d.Key.Name + "\n"
	}
	fmt.Fprintf(&b, "acl:\n  - id: all\n%s    action: [query, update, transfer]\nzone:\n", who)
	for _, zone := range d.Zones {
		fmt.Fprintf(&b, "  - domain: %s\n    storage: \"%s\"\n    file: %szone\n    acl: all\n", zone, d.folder, zone)
	}
	path := filepath.Join(d.folder, "knot.conf")
	return []string{"-c", path}, os.WriteFile(path, []byte(b.String()), 0o600)
}
