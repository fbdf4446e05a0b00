package admin

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// A page whose name an attacker lets resolve to the address of a node, or of a port that leads to one (`ssh -L`, to admin.sock too), is for
// the browser of one origin with that node (DNS rebinding). What gives it away is the Host: it has the page's name. An address in its place
// is what the browser really asked, and localhost leads nowhere else, so neither can be claimed by anybody.

// hosts says by which names a node may be asked where no token is wanted.
type hosts struct {
	names   []string // of admin.names
	covered *keeper  // a name that the certificate has is right too; nil: no TLS
}

// have tells whether a Host, with a port or without, is one of them.
func (h *hosts) have(host string) bool {
	host = withoutPort(host)
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = plainName(host)
	return host == "localhost" || slices.Contains(h.names, host) || h.covered != nil && host != "" && h.covered.covers(host)
}

// withoutPort is a host without its port and the brackets of an address.
func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// localHost tells whether a URL's host, with a port or without, is this machine's own for whoever asks.
func localHost(host string) bool {
	host = withoutPort(host)
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return plainName(host) == "localhost"
}

// plainName is a name in the form in which names are compared (RFC 4343).
func plainName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// elsewhere tells whether a page of another site has the browser ask. A link that somebody follows to a node is no such thing. Browsers say so
// to https, and to a loopback address (W3C, Fetch Metadata Request Headers).
func elsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "cross-site" && site != "same-site" {
		return false
	}
	followed := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !followed
}
