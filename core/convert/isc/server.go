package isc

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// A key signs updates of DNS, or is for OMAPI.
type key struct {
	at        draft.Place
	name      string
	algorithm string // as written, in lower case
	secret    string // in base64
}

// A zone is one of DNS that dhcpd updates.
type zone struct {
	at      draft.Place
	name    string
	servers []string // addresses
	names   bool     // a server is given by its name
	key     *key
}

// A serverDUID is what server-duid says. Without octets dhcpd makes one of that type, and keeps it with its leases.
type serverDUID struct {
	at     draft.Place
	kind   string // LLT, EN or LL
	octets []byte
}

func (p *parser) serverDUID(t *token) {
	kind := p.next()
	d := &serverDUID{at: t.at, kind: strings.ToUpper(kind.text)}
	ok := true
	switch {
	case !kind.name() || d.kind != "LLT" && d.kind != "EN" && d.kind != "LL":
		p.bad(kind, fmt.Sprintf("the DUID's type is %s", kind), "write server-duid LLT, LL or EN")
		return
	case d.kind == "EN":
		ok = p.enterpriseDUID(d)
	case !p.peek().is(";"):
		ok = p.linkLayerDUID(d)
	}
	if ok && p.semi() {
		p.duid = d
	}
}

func (p *parser) enterpriseDUID(d *serverDUID) bool {
	n := p.next()
	enterprise, ok := number(n.text, 10)
	if n.kind != kindNumber || !ok {
		return p.bad(n, fmt.Sprintf("the enterprise number is %s", n), "write server-duid EN 2495 00:01:02;")
	}
	id := p.peek()
	if id.kind != kindText && !id.digits() {
		return p.bad(id, "the DUID has no identifier", "write server-duid EN 2495 00:01:02;")
	}
	d.octets = binary.BigEndian.AppendUint32([]byte{0, 2}, enterprise)
	d.octets, ok = p.stringOrHex(id, d.octets)
	return ok
}

func (p *parser) linkLayerDUID(d *serverDUID) bool {
	types := map[string]uint16{"ethernet": 1, "token-ring": 6, "fddi": 8, "infiniband": 32}
	hw := p.next()
	n, isNumber := number(hw.text, 10)
	hardware, ok := types[hw.word()]
	if !ok && (hw.kind != kindNumber || !isNumber || n > 65535) {
		return p.bad(hw, fmt.Sprintf("%s isn't a kind of hardware", hw), "write server-duid "+d.kind+" ethernet ...;")
	}
	if !ok {
		hardware = uint16(n)
	}
	d.octets = binary.BigEndian.AppendUint16([]byte{0, 3}, hardware)
	if d.kind == "LLT" {
		d.octets[1] = 1
		t := p.next()
		since, ok := number(t.text, 10)
		if t.kind != kindNumber || !ok {
			return p.bad(t, fmt.Sprintf("the DUID's time is %s", t), "write seconds since 2000")
		}
		d.octets = binary.BigEndian.AppendUint32(d.octets, since)
	}
	octets, ok := p.hexList()
	d.octets = append(d.octets, octets...)
	return ok
}

// key reads a key for DNS or OMAPI.
func (p *parser) key(t *token) {
	k := &key{at: t.at}
	if n := p.peek(); n.kind == kindText {
		p.next()
		k.name = n.text
	} else if k.name = p.hostName(); k.name == "" {
		p.bad(n, "the key has no name", "write key NAME { algorithm hmac-sha256; secret ...; }")
		return
	}
	if !p.expect("{") {
		p.skip()
		return
	}
	secret := false
	for !p.take("}") {
		switch what := p.next(); {
		case what.word() == "algorithm" && k.algorithm == "":
			if k.algorithm = strings.ToLower(p.hostName()); k.algorithm == "" {
				p.bad(p.peek(), "the key's algorithm has no name", "write algorithm hmac-sha256;")
				return
			}
			if !p.semi() {
				return
			}
		case what.word() == "secret" && !secret:
			if secret = true; !p.secret(k) {
				return
			}
		default:
			p.bad(what, fmt.Sprintf("%s can't stand in the key", what), "write algorithm and secret once each")
			p.take("}")
			return
		}
	}
	p.take(";")
	if k.algorithm == "" || !secret {
		p.fail(t, "the key "+k.name+" lacks its algorithm or its secret", "give it both")
	}
	p.keys[k.name] = k
}

// secret reads base64, in quotes or without. What + and / cut it into is put together again.
func (p *parser) secret(k *key) bool {
	first := p.peek()
	var text strings.Builder
	for t := first; t.kind != kindEnd && !t.is(";") && !t.is("}"); t = p.peek() {
		text.WriteString(t.text)
		p.next()
	}
	plain := strings.TrimRight(text.String(), "=")
	if _, err := base64.RawStdEncoding.Strict().DecodeString(plain); err != nil || plain == "" {
		return p.bad(first, "the secret isn't in base64", "write it as tsig-keygen does")
	}
	k.secret = plain + strings.Repeat("=", (4-len(plain)%4)%4)
	return p.semi()
}

// zone reads a zone of DNS, and who takes its updates.
func (p *parser) zone(t *token) {
	z := &zone{at: t.at, name: p.hostName()}
	if z.name == "" {
		p.bad(p.peek(), "the zone has no name", "write zone example.com. { primary6 2001:db8::53; key NAME; }")
		return
	}
	if !p.expect("{") {
		p.skip()
		return
	}
	seen := make(map[string]bool)
	for !p.take("}") {
		what := p.next()
		word := what.word()
		if word != "key" && seen[word] {
			p.bad(what, "the zone has a second "+word, "list the addresses behind the first one, with commas")
			return
		}
		seen[word] = true
		ok := true
		switch word {
		case "primary", "secondary", "primary6", "secondary6":
			ok = p.servers(z, word)
		case "key":
			ok = p.zoneKey(z)
		default:
			ok = p.bad(what, fmt.Sprintf("%s can't stand in a zone", what), "write primary, primary6 or key")
		}
		if !ok || !p.semi() {
			p.take("}")
			return
		}
	}
	p.zones = append(p.zones, z)
}

func (p *parser) servers(z *zone, word string) bool {
	for {
		if strings.HasSuffix(word, "6") {
			a, ok := p.address6()
			if !ok {
				return false
			}
			z.servers = append(z.servers, a.String())
		} else {
			from := p.at
			if octets, ok := p.looksUp(nil); !ok {
				return false
			} else if len(octets) == 4 {
				z.servers = append(z.servers, fmt.Sprintf("%d.%d.%d.%d", octets[0], octets[1], octets[2], octets[3]))
			} else {
				z.names = z.names || p.at > from
			}
		}
		if !p.take(",") {
			return true
		}
	}
}

func (p *parser) zoneKey(z *zone) bool {
	t := p.peek()
	name := t.text
	if t.kind == kindText {
		p.next()
	} else if name = p.hostName(); name == "" {
		return p.bad(t, "the zone's key has no name", "write key NAME;")
	}
	if z.key = p.keys[name]; z.key == nil {
		p.fail(t, "there is no key "+name, "declare it before the zone")
	}
	return true
}
