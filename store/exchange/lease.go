package exchange

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Lease is one entry of a lease file: what the server knew of a lease at one moment. Its slices are good until the next call of Next.
type Lease struct {
	Key       binding.Key
	Kind      wire.Kind
	IAID      uint32
	DUID      []byte        // of the client; empty of a declined address
	State     binding.State // Bound, Released or Declined
	Preferred uint32        // seconds, as granted; wire.Infinity: for ever
	Valid     uint32
	Last      binding.Time // when the client was last heard
	Expires   binding.Time
	Name      string // the client's whole name as text, without the last dot; empty: none
	Forward   bool   // the server keeps the name's AAAA record
	Reverse   bool   // and the PTR record
	Extension []byte // where the client is: pieces of a binding.Extension, none of them a name
	// Only, if not nil, are all leases that the client's IA has from this entry on: what it had before and isn't among them is over.
	Only []binding.Key

	File string
	Line int // of File, from 1, on which the entry begins
}

// Reason is why an entry isn't a lease that can be taken.
type Reason uint8

// The reasons for which a reader gives no lease.
const (
	Malformed        Reason = iota // it can't be read
	NotRepresentable               // it says what no binding can say: a temporary address, a registered one
)

// String is the reason as reports show it.
func (r Reason) String() string {
	return [...]string{"malformed", "not representable"}[r]
}

// A Fault is an entry that can't be taken.
type Fault struct {
	Reason Reason
	File   string
	Line   int // from 1
	Text   string
}

// Error implements error.
func (f *Fault) Error() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Reason, f.Text)
}

// A Reader reads the entries of a server's lease files in the order in which the server reads them.
type Reader interface {
	// Next reads one entry into l, all of whose fields it sets. The error is io.EOF at the end, and a *Fault where an entry can't be
	// taken; then the next call goes on behind it. Any other error is the end.
	Next(l *Lease) error
}

// maxLine is the most octets of a line that is read. The longest that a server writes are user contexts of some KiB.
const maxLine = 1 << 20

// errLong says that a line, or an entry, is longer than any server writes.
var errLong = errors.New("longer than 1 MiB")

// address reads an IPv6 address that a client can have.
func address(text string) (a [16]byte, err error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return a, fmt.Errorf("%.60q isn't an IPv6 address", text)
	}
	if addr.IsMulticast() || addr.IsUnspecified() || addr.Is4In6() {
		return a, fmt.Errorf("%s is no address of a client", addr)
	}
	return addr.As16(), nil
}

// keyOf names an address (length 128) or a prefix. Octets behind a prefix's length must be 0.
func keyOf(text string, length uint64, kind wire.Kind) (k binding.Key, err error) {
	if k.Address, err = address(text); err != nil {
		return k, err
	}
	if kind == wire.IANA {
		k.Length = 128
		return k, nil
	}
	if length < 1 || length > 128 {
		return k, fmt.Errorf("a prefix has the length %d", length)
	}
	k.Length = uint8(length)
	if p := netip.PrefixFrom(netip.AddrFrom16(k.Address), int(length)); p.Masked() != p {
		return k, fmt.Errorf("%s isn't a prefix: there are bits behind its length", p)
	}
	return k, nil
}

// checkDUID refuses what no client's DUID can be (RFC 9915, Section 11.1).
func checkDUID(duid []byte) error {
	if len(duid) < wire.MinDUID || len(duid) > wire.MaxDUID {
		return fmt.Errorf("the client's DUID has %d octets, %d to %d are possible", len(duid), wire.MinDUID, wire.MaxDUID)
	}
	return nil
}

// lastUnix is the last moment that a binding can name but Never, by Unix time: early in 2136. Nobody was heard behind it.
var lastUnix = (binding.Never - 1).Unix()

// yearOf is the year of a Unix time for messages. What is too far for a date counts as the last year that has one.
func yearOf(unix int64) int {
	const last = 253402300799 // the end of 9999
	return time.Unix(min(unix, last), 0).UTC().Year()
}

// ends is when a lease ends, by Unix time, or never.
func ends(unix int64, never bool) binding.Time {
	if never {
		return binding.Never
	}
	return binding.TimeOf(unix)
}
