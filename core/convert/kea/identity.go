package kea

import (
	"encoding/binary"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// identify writes for whom a reservation is. Of flexible identifiers those have an equal that are a relay's Remote-ID, Subscriber-ID or Interface-ID.
func (t *translator) identify(n, list *draft.Node, h *host) bool {
	switch h.kind {
	case "duid":
		if len(h.id) < 3 || len(h.id) > 130 {
			t.lost(list, h.value, "reservation", "its DUID has a length that no DUID has")
			return false
		}
		n.Set("duid", draft.Hex(h.id))
	case "hw-address":
		n.Set("hardware", draft.Hex(h.id))
	default:
		return t.flexible(n, list, h)
	}
	return true
}

// flexible writes a reservation by flex-id, as the hook flex_id has it for identifier-expression.
func (t *translator) flexible(n, list *draft.Node, h *host) bool {
	switch t.flexID() {
	case 37:
		if len(h.id) > 4 {
			id := draft.Map()
			id.Set("enterprise", draft.Number(binary.BigEndian.Uint32(h.id)))
			id.Set("id", octetsNode(h.id[4:]))
			n.Set("remote-id", id)
			return true
		}
	case remoteIDOnly:
		n.Set("remote-id", octetsNode(h.id))
		return true
	case 38:
		n.Set("subscriber-id", octetsNode(h.id))
		return true
	case 18:
		n.Set("interface-id", octetsNode(h.id))
		return true
	}
	t.lost(list, h.value, "reservation", "its flex-id "+h.str("flex-id")+" is neither a relay's Remote-ID nor its Subscriber-ID nor its Interface-ID; a class with what flex_id compares can have a pool of its own")
	return false
}

// remoteIDOnly stands for the Remote-ID without its enterprise number.
const remoteIDOnly = -37

// flexID is the relay's option that the hook flex_id makes identifiers of, or 0.
func (t *translator) flexID() int {
	for _, lib := range t.kea.list("hooks-libraries") {
		if !strings.Contains(lib.str("library"), "libdhcp_flex_id") {
			continue
		}
		text := strings.Join(strings.Fields(lib.get("parameters").valueOf().str("identifier-expression")), "")
		for _, nearest := range []string{"relay6[0]", "relay6[-1]"} {
			switch rest, _ := strings.CutPrefix(text, nearest); rest {
			case ".option[37].hex", ".option[remote-id].hex":
				return 37
			case ".option[38].hex", ".option[subscriber-id].hex":
				return 38
			case ".option[18].hex", ".option[interface-id].hex":
				return 18
			}
			if text == "substring("+nearest+".option[37].hex,4,all)" {
				return remoteIDOnly
			}
		}
	}
	return 0
}

// octetsNode is octets as text where they are printable ASCII that isn't taken for hexadecimal, else in hexadecimal.
func octetsNode(b []byte) *draft.Node {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return draft.Hex(b)
		}
	}
	if s := string(b); len(b) == 0 || !strings.HasPrefix(s, "0x") && !strings.Contains(s, ":") {
		return draft.Text(s)
	}
	return draft.Hex(b)
}
