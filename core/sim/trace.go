package sim

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// note writes a line of the trace.
func (w *world) note(format string, args ...any) {
	if w.Trace == nil {
		return
	}
	line := fmt.Sprintf("%9.3f ", float64(w.now)/1000) + fmt.Sprintf(format, args...) + "\n"
	if _, err := w.Trace.Write([]byte(line)); err != nil {
		w.Trace = nil // nobody reads any more
	}
}

// digest adds to the digest what happened where.
func (w *world) digest(where int, what []byte) {
	var head [9]byte
	head[0] = byte(where)
	for i := range 8 {
		head[1+i] = byte(w.now >> (8 * i))
	}
	// A Digest's Write returns no error.
	_, _ = w.hash.Write(head[:])
	_, _ = w.hash.Write(what)
}

// show is a lease as people write it.
func show(key binding.Key) string {
	if key.Length == 128 {
		return netip.AddrFrom16(key.Address).String()
	}
	return netip.PrefixFrom(netip.AddrFrom16(key.Address), int(key.Length)).String()
}

var kindNames = map[wire.Kind]string{wire.IANA: "na", wire.IAPD: "pd"}

// String names a client's IA: DUID, kind and IAID.
func (who identity) String() string {
	return fmt.Sprintf("%x %s %d", who.duid, kindNames[who.kind], who.iaid)
}

// describe is what a client asks, in one line.
func (w *world) describe(m *wire.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %x of %x", typeNames[m.Type], m.TransactionID, m.ClientID)
	for _, n := range w.nodes {
		if string(m.ServerID) == string(n.policy.ServerID) {
			fmt.Fprintf(&b, " to %s", n.name)
		}
	}
	for i := range m.IACount {
		ia := &m.IAs[i]
		fmt.Fprintf(&b, ", %s %d", kindNames[ia.Kind], ia.IAID)
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			fmt.Fprintf(&b, " %s", show(binding.Key{Address: lease.Address, Length: lease.Length}))
		}
	}
	return b.String()
}

// describe is what a server says, in one line.
func (a *answer) describe() string {
	var b strings.Builder
	b.WriteString(map[wire.MessageType]string{wire.Advertise: "Advertise", wire.Reply: "Reply"}[a.kind])
	for i := range a.ias {
		ia := &a.ias[i]
		fmt.Fprintf(&b, ", %s %d", kindNames[ia.kind], ia.iaid)
		if ia.status != wire.StatusSuccess {
			fmt.Fprintf(&b, " status %d", ia.status)
		}
		for _, o := range ia.leases {
			fmt.Fprintf(&b, " %s for %d s", show(o.key), o.valid)
		}
	}
	return b.String()
}
