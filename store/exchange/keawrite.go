package exchange

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// keaWritten is how many of keaColumns are written: those of Kea 1.9.4 to 2.3 (schema 3.1 and 4.0), which every later Kea reads too.
const keaWritten = colHardwareSource + 1

// A KeaWriter writes leases as a file of Kea's memfile.
type KeaWriter struct {
	w      *bufio.Writer
	subnet func(*Lease) uint32
	line   []byte
	begun  bool
}

// NewKeaWriter writes to w. Subnet is the id that Kea's configuration gives the lease's subnet.
func NewKeaWriter(w io.Writer, subnet func(*Lease) uint32) *KeaWriter {
	return &KeaWriter{w: bufio.NewWriterSize(w, 64<<10), subnet: subnet}
}

func (k *KeaWriter) begin() {
	if !k.begun {
		k.begun = true
		_, _ = k.w.WriteString(strings.Join(keaColumns[:keaWritten], ",") + "\n") // Flush tells
	}
}

// Write writes one lease: Bound, Declined, or Released, which is a line that deletes what stood before.
func (k *KeaWriter) Write(l *Lease) error {
	k.begin()
	var valid uint32
	expire, state := int64(0), keaAssigned
	switch {
	case l.State == binding.Declined:
		state = keaDeclined
		valid = uint32(min(max(int64(l.Expires)-int64(l.Last), 1), int64(wire.Infinity)-1))
		expire = l.Last.Unix() + int64(valid)
	case l.State == binding.Released:
		valid, expire = 0, l.Last.Unix()
	case l.Expires == binding.Never:
		valid, expire = wire.Infinity, l.Last.Unix()+int64(wire.Infinity)
	default:
		expire = l.Expires.Unix()
		valid = uint32(max(expire-l.Last.Unix(), 1)) // Kea takes the difference for when the client was heard
	}
	preferred, duid := min(l.Preferred, valid), l.DUID
	if l.State == binding.Declined {
		duid, preferred = []byte{0, 0, 0}, 0 // Kea's empty DUID
	}
	kind := "0"
	if l.Kind == wire.IAPD {
		kind = "2"
	}
	hardware, hardwareType, source := hardwareOf(l)
	b := netip.AddrFrom16(l.Key.Address).AppendTo(k.line[:0])
	for _, field := range []string{
		wire.FormatDUID(duid), decimal(valid), strconv.FormatInt(expire, 10), decimal(k.subnet(l)), decimal(preferred), kind,
		decimal(l.IAID), decimal(uint32(l.Key.Length)), flag(l.Forward), flag(l.Reverse), keaEscape(l.Name), hardware,
		strconv.Itoa(state), keaEscape(contextOf(l.Extension)), hardwareType, source,
	} {
		b = append(append(b, ','), field...)
	}
	k.line = append(b, '\n')
	_, err := k.w.Write(k.line)
	return err
}

// Flush ends the file. Without leases it is the header alone.
func (k *KeaWriter) Flush() error {
	k.begin()
	return k.w.Flush()
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func flag(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

// hardwareOf is the client's link-layer address, its type, and where Kea would have found it: 2 is the DUID, 8 a relay's option.
func hardwareOf(l *Lease) (hardware, hardwareType, source string) {
	if v, ok := binding.Extension(l.Extension).Find(binding.ExtHardwareAddress); ok && len(v) > 2 {
		return wire.FormatDUID(v[2:]), strconv.Itoa(int(v[0])<<8 | int(v[1])), "8"
	}
	if number, addr, ok := wire.HardwareAddress(l.DUID); ok && len(addr) <= 20 {
		return wire.FormatDUID(addr), strconv.Itoa(int(number)), "2"
	}
	return "", "", ""
}

// keaEscape writes what a field can't have as Kea does.
func keaEscape(field string) string {
	if !strings.ContainsAny(field, ",\n\r") && !strings.Contains(field, keaComma) {
		return field
	}
	var b strings.Builder
	for i := range len(field) {
		switch c := field[i]; {
		case c == ',' || c == '\n' || c == '\r' || strings.HasPrefix(field[i:], keaComma):
			fmt.Fprintf(&b, "%s%s", keaComma, hex.EncodeToString([]byte{c}))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
