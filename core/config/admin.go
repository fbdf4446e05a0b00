package config

import (
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/naming"
)

// MinToken is the fewest characters of the API's token: 128 bits in hexadecimal.
const MinToken = 32

// Read says who may read the API by TCP.
type Read uint8

// Readers. Through admin.sock whoever may open it may do everything.
const (
	ReadLocal  Read = iota // anyone where the address is loopback, else whoever has the token
	ReadAnyone             // whoever reaches the address
	ReadToken              // whoever has the token
)

// Admin says where the HTTP interface listens by TCP, and who may do what there; an invalid address: nowhere.
type Admin struct {
	Listen      netip.AddrPort
	Certificate string // file of PEM, relative to the configuration's folder; empty: no TLS
	Key         string // likewise
	Token       Secret // file:NAME or env:NAME; empty: none
	Read        Read
	Names       []string // by which the node may be asked without token, beside addresses and localhost; lower case, without a last dot
}

// Loopback tells whether only this machine reaches the address.
func (a *Admin) Loopback() bool { return a.Listen.Addr().Unmap().IsLoopback() }

// Free tells whether reading needs no token.
func (a *Admin) Free() bool { return a.Read == ReadAnyone || a.Read == ReadLocal && a.Loopback() }

// Fault is what must not be, and its remedy; empty: nothing. The address may be another one than the file's.
func (a *Admin) Fault() (field, problem, remedy string) {
	switch {
	case !a.Listen.IsValid():
		return "", "", ""
	case a.Token != "" && a.Certificate == "" && !a.Loopback():
		return "admin.token", "would go over the network in the clear", "add tls: {certificate: FILE, key: FILE}, or listen at 127.0.0.1 or [::1]"
	case a.Token == "" && a.Read == ReadToken:
		return "admin.read", "asks for a token, and there is none", "add token: file:NAME"
	}
	return "", "", ""
}

// Doubt is what is allowed and seldom meant, and its remedy; empty: nothing.
func (a *Admin) Doubt() (field, problem, remedy string) {
	switch {
	case !a.Listen.IsValid() || a.Loopback():
		return "", "", ""
	case a.Read == ReadAnyone && a.Certificate == "":
		return "admin.read", "whoever reaches " + a.Listen.String() + " can read all bindings, unencrypted",
			"let a firewall keep others out, or add tls and token"
	case a.Read == ReadAnyone:
		return "admin.read", "whoever reaches " + a.Listen.String() + " can read all bindings", "let a firewall keep others out, or add token"
	case a.Token == "":
		return "admin.listen", a.Listen.String() + " isn't loopback and there is no token, so only /live and /ready are answered there",
			"add tls and token, or read: anyone where a firewall keeps others out"
	}
	return "", "", ""
}

func (c *checker) admin(raw *rawAdmin) (a Admin) {
	if raw == nil || !raw.Listen.ok {
		return a
	}
	var err error
	if a.Listen, err = netip.ParseAddrPort(raw.Listen.value); err != nil {
		c.fail(raw.Listen.place, printable(raw.Listen.value)+" isn't an address with a port", "write 127.0.0.1:8067 or [::1]:8067")
		return a
	}
	if raw.TLS != nil {
		a.Certificate, a.Key = raw.TLS.Certificate.value, raw.TLS.Key.value
	}
	a.Token = c.token(&raw.Token)
	a.Names = c.adminNames(raw.Names)
	switch raw.Read.value {
	case "anyone":
		a.Read = ReadAnyone
	case "token":
		a.Read = ReadToken
	}
	if (raw.TLS != nil && a.Certificate == "") || raw.Token.given && a.Token == "" {
		return a // told already
	}
	if field, problem, remedy := a.Fault(); problem != "" {
		c.fail(c.at(field, raw.At), problem, remedy)
	} else if field, problem, remedy := a.Doubt(); problem != "" {
		c.warn(c.at(field, raw.At), problem, remedy)
	}
	return a
}

// adminNames are names of the node as a Host has them, without a port.
func (c *checker) adminNames(raw []text) (names []string) {
	for i := range raw {
		t := &raw[i]
		if !t.ok {
			continue
		}
		name, err := naming.ParseName(t.value)
		if _, isAddress := netip.ParseAddr(t.value); isAddress == nil || err != nil || strings.ContainsFunc(t.value, notOfHost) {
			c.fail(t.place, printable(t.value)+" isn't the name of a host", "write one such as node-a.example, without a port; addresses are taken as they are")
			continue
		}
		names = append(names, strings.TrimSuffix(name.String(), "."))
	}
	return names
}

// notOfHost tells what hosts' names don't have (RFC 1123, Section 2.1).
func notOfHost(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
}

// token checks where the token comes from. It can't stand in the file itself: that is shown by GET /v1/config.
func (c *checker) token(t *text) Secret {
	if !t.ok {
		return ""
	}
	secret := elsewhere(t.value)
	if secret == "" {
		c.fail(t.place, "isn't where a token comes from", "write file:NAME or env:NAME; `openssl rand -hex 32` makes one")
	}
	return secret
}

// elsewhere is a secret that doesn't stand in the file itself, as file:NAME or env:NAME; empty: the text is neither.
func elsewhere(text string) Secret {
	name, isFile := strings.CutPrefix(text, "file:")
	variable, isEnv := strings.CutPrefix(text, "env:")
	if isFile && name != "" && !strings.ContainsRune(name, 0) || isEnv && envNameForm.MatchString(variable) {
		return Secret(text)
	}
	return ""
}

// at is the place of a field, or of its table where the field isn't there.
func (c *checker) at(field string, table place) place {
	if p, ok := c.positions[field]; ok {
		return place{p.Line, p.Column, field}
	}
	return place{table.line, table.column, field}
}
