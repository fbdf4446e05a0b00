package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// A Hook is somebody who is told of each change of leases: a program that is run, or a URL. One of Run and URL is set.
type Hook struct {
	Name                string
	Addresses, Prefixes bool     // of which leases
	Links               []string // by name; none: all links
	Observed            bool     // of peers' leases too
	Renewals            bool     // of renewals too that change nothing but times
	Run                 []string // a program by its path from the root, and its arguments
	URL                 string
	Token               Secret // file:NAME or env:NAME; empty: none
	Timeout             uint32 // seconds
	Parallel            int    // runs or POSTs at a time
	Rate                int    // events a second; 0: any number
	Batch               int    // events in one POST; 1 for Run
}

// Defaults of hooks.
const (
	DefaultHookTimeout  = 10 // seconds
	DefaultRunParallel  = 4
	DefaultRunRate      = 100
	DefaultPostParallel = 1
	DefaultPostRate     = 10000
	DefaultPostBatch    = 500
)

func (c *checker) hooks(raw *rawConfig) (hooks []Hook) {
	lines := make(map[string]int)
	for i := range raw.Hooks {
		h := &raw.Hooks[i]
		if !h.At.given() {
			continue
		}
		switch name := h.Name.value; {
		case !h.Name.ok:
		case !nodeForm.MatchString(name):
			c.fail(h.Name.place, printable(name)+" can't be a hook's name", "write up to 63 letters, digits, dots, hyphens and underscores")
		case lines[name] > 0:
			c.fail(h.Name.place, fmt.Sprintf("another hook is called %s, in line %d", name, lines[name]), "give each its own name")
		default:
			lines[name] = h.Name.line
		}
		hooks = append(hooks, c.hook(h, raw.Links))
	}
	return hooks
}

func (c *checker) hook(raw *rawHook, links []rawLink) Hook {
	h := Hook{
		Name: raw.Name.value, Prefixes: !raw.On.given, Observed: raw.Observed.value, Renewals: raw.Renewals.value,
		Timeout: raw.Timeout.or(DefaultHookTimeout), Token: c.hookToken(raw),
	}
	for i := range raw.On.list {
		h.Addresses = h.Addresses || raw.On.list[i].value == "addresses"
		h.Prefixes = h.Prefixes || raw.On.list[i].value == "prefixes"
	}
	if raw.On.given && len(raw.On.list) == 0 {
		c.fail(raw.On.place, "names nothing", "write prefixes, addresses, or both")
	}
	for i := range raw.Links {
		l := &raw.Links[i]
		if l.ok && !slices.ContainsFunc(links, func(r rawLink) bool { return r.Name.value == l.value }) {
			c.fail(l.place, "there is no link "+printable(l.value), "write the name of a link")
		}
		h.Links = append(h.Links, l.value)
	}
	run, post := c.positions[raw.At.in("run").path] != (Position{}), raw.URL.given
	switch {
	case run && post:
		c.fail(raw.URL.place, "stands beside run", "make two hooks of it, or keep one of the two")
	case run:
		c.hookRun(&h, raw)
	case post:
		c.hookURL(&h, raw)
	default:
		c.fail(raw.At, "doesn't say whom to tell", "add run: [PROGRAM] or url: URL")
	}
	return h
}

func (c *checker) hookRun(h *Hook, raw *rawHook) {
	h.Parallel, h.Rate, h.Batch = int(raw.Parallel.or(DefaultRunParallel)), int(raw.Rate.or(DefaultRunRate)), 1
	for i := range raw.Run {
		h.Run = append(h.Run, raw.Run[i].value)
	}
	switch {
	case len(raw.Run) == 0:
		c.fail(raw.At.in("run"), "names no program", "write its whole path")
	case raw.Run[0].ok && !strings.HasPrefix(h.Run[0], "/"):
		c.fail(raw.Run[0].place, printable(h.Run[0])+" isn't a whole path", "begin it with /; no PATH is searched and no shell is used")
	}
	if raw.Batch.given {
		c.fail(raw.Batch.place, "is for url; a program is run for each event", "leave it out")
	}
}

func (c *checker) hookURL(h *Hook, raw *rawHook) {
	h.Parallel, h.Rate = int(raw.Parallel.or(DefaultPostParallel)), int(raw.Rate.or(DefaultPostRate))
	h.Batch, h.URL = int(raw.Batch.or(DefaultPostBatch)), raw.URL.value
	if !raw.URL.ok {
		return
	}
	u, err := url.Parse(h.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "":
		c.fail(raw.URL.place, printable(h.URL)+" isn't a URL", "write http://HOST:PORT/PATH or https://HOST/PATH")
	case u.User != nil:
		c.fail(raw.URL.place, "has a user or a password in it", "use token: file:NAME")
	case u.Scheme == "http" && h.Token != "" && !loopback(u.Hostname()):
		c.fail(raw.Token.place, "would go over the network in the clear", "use https, or a receiver at 127.0.0.1 or [::1]")
	}
}

// hookToken is where a hook's token comes from.
func (c *checker) hookToken(raw *rawHook) Secret {
	if raw.Token.given && !raw.URL.given {
		c.fail(raw.Token.place, "is for url, and there is none", "leave it out")
		return ""
	}
	return c.token(&raw.Token)
}

// loopback tells whether only this machine is reached by a host's name.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
