package exchange

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// maxPlace is how many octets the pieces of a place take at most: a name and an identity find room beside them.
const maxPlace = binding.MaxExtension - 3 - 256 - 3 - 4 - binding.MaxIdentity

// A context is what Kea's store-extended-info keeps in a lease's user context. Until 2.2 the list was called relays.
type context struct {
	ISC struct {
		RelayInfo []relay `json:"relay-info,omitempty"`
		Relays    []relay `json:"relays,omitempty"`
	} `json:"ISC"`
}

// A relay is what one relay said. Hop 0 is the one closest to the client.
type relay struct {
	Hop     uint8  `json:"hop"`
	Link    string `json:"link"`
	Options string `json:"options,omitempty"` // 0x and the options as received, in hexadecimal
	Peer    string `json:"peer"`
}

// appendPlace appends pieces that say where a client is: its hardware address where the DUID doesn't tell it, and what relays said.
// A user context that isn't Kea's own says nothing.
func appendPlace(dst, duid []byte, hardware, hardwareType, userContext string) ([]byte, error) {
	start := len(dst)
	if hardware != "" {
		octets, err := appendHex(nil, hardware)
		if err != nil {
			return dst, err
		}
		number, err := strconv.ParseUint(cmp.Or(hardwareType, "1"), 10, 16)
		if err != nil {
			number = 1 // Ethernet
		}
		told, addr, ok := wire.HardwareAddress(duid)
		if !ok || told != uint16(number) || !bytes.Equal(addr, octets) {
			number = max(number, 1) // Kea doesn't know the type
			dst = keep(dst, start, binding.ExtHardwareAddress, append(binary.BigEndian.AppendUint16(nil, uint16(number)), octets...))
		}
	}
	if !strings.Contains(userContext, `"relay`) {
		return dst, nil
	}
	var c context
	if json.Unmarshal([]byte(userContext), &c) != nil {
		return dst, nil
	}
	relays := append(c.ISC.RelayInfo, c.ISC.Relays...)
	slices.SortStableFunc(relays, func(a, b relay) int { return int(a.Hop) - int(b.Hop) })
	for i := range relays {
		dst = appendRelay(dst, start, &relays[i])
	}
	return dst, nil
}

func appendRelay(dst []byte, start int, r *relay) []byte {
	if a, err := netip.ParseAddr(r.Peer); err == nil {
		a16 := a.As16()
		dst = keep(dst, start, binding.ExtPeerAddress, a16[:])
	}
	if a, err := netip.ParseAddr(r.Link); err == nil {
		a16 := a.As16()
		dst = keep(dst, start, binding.ExtLinkAddress, a16[:])
	}
	octets, err := hex.DecodeString(strings.TrimPrefix(r.Options, "0x"))
	if err != nil {
		return dst
	}
	for code, data, rest, ok := wire.Options(octets).Next(); ok; code, data, rest, ok = rest.Next() {
		for _, o := range placeOptions {
			if o.code == code {
				dst = keep(dst, start, o.kind, data)
			}
		}
	}
	return dst
}

// placeOptions are the options of relays that a binding keeps.
var placeOptions = []struct {
	code wire.OptionCode
	kind binding.ExtensionKind
}{
	{wire.OptionRemoteID, binding.ExtRemoteID}, {wire.OptionSubscriberID, binding.ExtSubscriberID},
	{wire.OptionRelayID, binding.ExtRelayID}, {wire.OptionInterfaceID, binding.ExtInterfaceID},
	{wire.OptionClientLinkLayer, binding.ExtHardwareAddress},
}

// keep appends a piece, unless a relay closer to the client gave one, or there is no room. The pieces begin at start.
func keep(dst []byte, start int, kind binding.ExtensionKind, data []byte) []byte {
	if _, ok := binding.Extension(dst[start:]).Find(kind); ok || len(data) == 0 || len(dst)-start+3+len(data) > maxPlace {
		return dst
	}
	return binding.AppendExtension(dst, kind, data)
}

// contextOf is what Kea would have in the user context of a lease at that place; empty: nothing.
func contextOf(e binding.Extension) string {
	r := relay{Link: "::", Peer: "::"}
	said := false
	if v, ok := e.Find(binding.ExtLinkAddress); ok && len(v) == 16 {
		r.Link, said = netip.AddrFrom16([16]byte(v)).String(), true
	}
	if v, ok := e.Find(binding.ExtPeerAddress); ok && len(v) == 16 {
		r.Peer = netip.AddrFrom16([16]byte(v)).String()
	}
	var options []byte
	for _, o := range placeOptions {
		if v, ok := e.Find(o.kind); ok && o.code != wire.OptionClientLinkLayer {
			options = wire.AppendOption(options, o.code, v)
		}
	}
	if len(options) > 0 {
		r.Options, said = "0x"+strings.ToUpper(hex.EncodeToString(options)), true
	}
	if !said {
		return "" // it came without relay
	}
	var c context
	c.ISC.RelayInfo = []relay{r}
	text, err := json.Marshal(&c)
	if err != nil {
		return ""
	}
	return string(text)
}
