package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// An access says what may be done at a listener, and by whom.
type access struct {
	all       bool // everything, by whoever reaches it: it is a file that only its owner may open
	encrypted bool
	open      bool               // reading needs no token
	token     *[sha256.Size]byte // its digest, so that a comparison takes as long whatever is sent; nil: there is none
	local     bool               // only this machine reaches it, and reading needs no token
	turns     chan struct{}      // has room for as many requests as are answered at a time; nil: for any number
}

const realm = `Bearer realm="lockstep6"`

// permits answers a request that isn't allowed, and tells whether it is.
func (a *access) permits(w http.ResponseWriter, r *http.Request, changes bool) bool {
	if a.all {
		return true
	}
	sent, has := bearer(r)
	switch {
	case has && !a.knows(sent):
		w.Header().Set("WWW-Authenticate", realm+`, error="invalid_token"`)
		refuse(w, http.StatusUnauthorized, "the token isn't this node's", "send the one that admin.token names; it is read when the node starts")
		return false
	case !has && (changes || !a.open) && a.token != nil && (a.encrypted || !changes):
		w.Header().Set("WWW-Authenticate", realm)
		refuse(w, http.StatusUnauthorized, "this address wants a token", "send Authorization: Bearer TOKEN, with the one that admin.token names")
		return false
	case changes && !a.encrypted:
		refuse(w, http.StatusForbidden, "this address only reads", "use admin.sock in the data folder, or configure admin.tls and admin.token")
		return false
	case changes && a.token == nil:
		refuse(w, http.StatusForbidden, "this address only reads, as it has no token", "use admin.sock in the data folder, or configure admin.token")
		return false
	case !a.open && a.token == nil:
		w.Header().Set("WWW-Authenticate", realm)
		refuse(w, http.StatusUnauthorized, "reading needs a token here, and the node has none",
			"configure admin.tls and admin.token, or admin.read: anyone where a firewall keeps others out")
		return false
	}
	return true
}

// bearer is the token that a request has (RFC 6750, Section 2.1).
func bearer(r *http.Request) (token string, has bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", false
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}
	return strings.TrimSpace(token), true
}

// trusts tells whether a request has the token.
func (a *access) trusts(r *http.Request) bool {
	sent, has := bearer(r)
	return has && a.knows(sent)
}

func (a *access) knows(token string) bool {
	if a.token == nil {
		return false
	}
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], a.token[:]) == 1
}

// maxBody is the most octets that a request's body may have.
const maxBody = 1 << 20

// shield keeps off what a browser could be made to do by a page that its user visits, and bodies without end.
//
// A page whose name an attacker lets resolve to 127.0.0.1 is, for the browser, of one origin with a node that listens there
// (DNS rebinding); what gives it away is the Host. A request that has the token needs no such check: the page hasn't got it.
// Neither does what everybody may ask for.
func (a *access) shield(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff") // what clients call themselves is in answers, and none of it is a page
		if a.local && !slices.Contains(open, r.URL.Path) && !localHost(r.Host) && !a.trusts(r) {
			refuse(w, http.StatusForbidden, "the Host "+printable(r.Host)+" isn't a name of this machine's own",
				"ask by 127.0.0.1, [::1] or localhost; a proxy must set the Host to one of them")
			return
		}
		if err := crossOrigin.Check(r); err != nil {
			refuse(w, http.StatusForbidden, "a page of another site may not change this node", "use a program that isn't a browser")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		p := newPatient(w)
		next.ServeHTTP(p, r)
		p.extend()
	})
}

// localHost tells whether a Host, with a port or without, names this machine in a way that nobody else can claim.
func localHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// printable bounds what of a request is said again.
func printable(text string) string {
	const most = 64
	return opaque([]byte(text[:min(len(text), most)]))
}
