package takeover

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
)

// A Contender is a pair of servers and how their pools are dealt out. Each has one /64 of addresses to give from and 512
// prefixes of 56 bits, or half of that where the pools are split.
type Contender struct {
	Server string // Kea or Lockstep6
	Pools  string // as the tables call it
	Listen bool   // the servers learn from the clients' messages to each other

	model, dense string // of lockstep6
	keaAddresses [2]string
	keaPrefixes  [2]netip.Prefix
}

// The servers' names.
const (
	Kea       = "Kea"
	Lockstep6 = "lockstep6"
)

var (
	wholeAddresses = "2001:db8:1::/64"
	halfAddresses  = [2]string{"2001:db8:1::/65", "2001:db8:1:0:8000::/65"}
	wholePrefixes  = netip.MustParsePrefix("2001:db8:8000::/47")
	halfPrefixes   = [2]netip.Prefix{netip.MustParsePrefix("2001:db8:8000::/48"), netip.MustParsePrefix("2001:db8:8001::/48")}
)

// Contenders are all pairs, in the order of the tables.
func Contenders() []Contender {
	return []Contender{
		{Server: Kea, Pools: "split", keaAddresses: halfAddresses, keaPrefixes: halfPrefixes},
		{Server: Kea, Pools: "the same on both", keaAddresses: [2]string{wholeAddresses, wholeAddresses}, keaPrefixes: [2]netip.Prefix{wholePrefixes, wholePrefixes}},
		{Server: Lockstep6, Listen: true, Pools: "`identical`", model: "identical", dense: "agree"},
		{Server: Lockstep6, Listen: true, Pools: "`identical`, `dense: exclusive`", model: "identical", dense: "exclusive"},
		{Server: Lockstep6, Listen: true, Pools: "`split`", model: "split"},
		{Server: Lockstep6, Listen: true, Pools: "`unique`", model: "unique"},
	}
}

var (
	//go:embed kea.json.tmpl
	keaText     string
	keaTemplate = template.Must(template.New("kea.json").Parse(keaText))

	//go:embed lockstep6.yaml.tmpl
	lockstep6Text     string
	lockstep6Template = template.Must(template.New("lockstep6.yaml").Parse(lockstep6Text))
)

// A command is a program with its arguments and what its environment has beside ours.
type command struct{ argv, env []string }

// command writes the configuration of server number i into its folder, and tells how to start it there.
func (c *Contender) command(o *Options, i int, dir string) (*command, error) {
	if c.Server == Kea {
		config := filepath.Join(dir, "kea.json")
		err := fill(keaTemplate, config, map[string]any{
			"Dir": dir, "Address": serverAddress(i), "Addresses": c.keaAddresses[i],
			"Prefix": c.keaPrefixes[i].Addr(), "Length": c.keaPrefixes[i].Bits(),
		})
		env := []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=" + dir, "KEA_DHCP_DATA_DIR=" + dir}
		return &command{argv: []string{o.Kea, "-c", config}, env: env}, err
	}
	config := filepath.Join(dir, "lockstep6.yaml")
	err := fill(lockstep6Template, config, map[string]any{
		"Model": c.model, "Dense": c.dense, "Addresses": wholeAddresses, "Prefixes": wholePrefixes, "Halves": halfPrefixes,
	})
	listen := netip.AddrPortFrom(serverAddress(i), serverPort)
	return &command{
		argv: []string{
			o.Lockstep6, "serve", "--config", config, "--node", string(rune('a' + i)),
			"--data", filepath.Join(dir, "data"), "--listen", listen.String(),
		},
		env: []string{"TAKEOVER_KEY=" + clusterKey(o.Seed)},
	}, err
}

// clusterKey is the nodes' key, in hex: another seed gives all clients other leases.
func clusterKey(seed uint64) string {
	key := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
	return hex.EncodeToString(key[:])
}

func fill(t *template.Template, file string, values map[string]any) error {
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o600)
}
