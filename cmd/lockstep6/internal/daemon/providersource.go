package daemon

import (
	"bufio"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
)

// maxPrefixFile is the most octets that are read of a file with a prefix.
const maxPrefixFile = 64 << 10

// interfaceAddresses is where Linux lists all IPv6 addresses, with their flags.
const interfaceAddresses = "/proc/net/if_inet6"

// readSource is the prefix that a source gives now; known is the one that is in force. Invalid without an error: it has nothing to say.
func readSource(p *config.ProviderPrefix, configFile string, known netip.Prefix) (netip.Prefix, error) {
	switch {
	case p.File != "":
		name := p.File
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(configFile), name)
		}
		return prefixOfFile(name, p.Length)
	case p.Interface != "":
		text, err := os.ReadFile(interfaceAddresses)
		if err != nil {
			return netip.Prefix{}, err
		}
		return prefixOfInterface(string(text), p.Interface, p.Length, known), nil
	default:
		return netip.Prefix{}, nil
	}
}

// prefixOfFile reads the first line that isn't empty or a comment. A file that isn't there, or has none, says nothing.
func prefixOfFile(name string, length int) (netip.Prefix, error) {
	info, err := os.Stat(name) // before it is opened, which waits for a writer where it is a pipe
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return netip.Prefix{}, nil
	case err != nil || !info.Mode().IsRegular() || info.Size() > maxPrefixFile:
		return netip.Prefix{}, cmp.Or(err, fmt.Errorf("%s is no file of %d octets at most", name, maxPrefixFile))
	}
	f, err := os.Open(name)
	if err != nil {
		return netip.Prefix{}, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			return config.ParsePrefix(text, length)
		}
	}
	return netip.Prefix{}, nil
}

// Flags of addresses in interfaceAddresses (linux/if_addr.h).
const (
	addressTemporary  = 0x01
	addressDADFailed  = 0x08
	addressDeprecated = 0x20
	addressTentative  = 0x40
)

// prefixOfInterface is the prefix of that length around an interface's address: of those that aren't deprecated the one that is known
// already, else a global one before a unique local one (RFC 4193), then the lowest. List has lines of address, index,
// length, scope and flags, in hexadecimal, and the interface's name.
func prefixOfInterface(list, name string, length int, known netip.Prefix) netip.Prefix {
	var found []netip.Prefix
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) != 6 || fields[5] != name || fields[3] != "00" {
			continue
		}
		octets, err := hex.DecodeString(fields[0])
		flags, bad := strconv.ParseUint(fields[4], 16, 32)
		if err != nil || bad != nil || len(octets) != 16 || flags&(addressTemporary|addressDADFailed|addressDeprecated|addressTentative) != 0 {
			continue
		}
		prefix := netip.PrefixFrom(netip.AddrFrom16([16]byte(octets)), length).Masked()
		if checked, err := config.ParsePrefix(prefix.String(), length); err == nil {
			found = append(found, checked)
		}
	}
	if len(found) == 0 || slices.Contains(found, known) {
		return known
	}
	local := func(p netip.Prefix) int {
		if p.Addr().IsPrivate() {
			return 1
		}
		return 0
	}
	return slices.MinFunc(found, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(local(a), local(b)), a.Addr().Compare(b.Addr()))
	})
}
