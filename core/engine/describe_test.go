package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A lease is what a reply gives a client, as an independent library reads it.
type lease struct {
	kind             wire.Kind
	iaid             uint32
	key              binding.Key
	preferred, valid uint32
	t1, t2           uint32
}

// leasesOf are the leases of a reply that aren't withdrawn.
func leasesOf(t testing.TB, reply []byte) (out []lease) {
	t.Helper()
	for _, l := range allLeases(t, reply) {
		if l.valid > 0 {
			out = append(out, l)
		}
	}
	return out
}

func allLeases(t testing.TB, reply []byte) (out []lease) {
	t.Helper()
	m := innerMessage(t, reply)
	for _, ia := range m.Options.IANA() {
		for _, a := range ia.Options.Addresses() {
			out = append(out, lease{wire.IANA, be32(ia.IaId), binding.Key{Address: [16]byte(a.IPv6Addr.To16()), Length: 128},
				seconds(a.PreferredLifetime), seconds(a.ValidLifetime), seconds(ia.T1), seconds(ia.T2)})
		}
	}
	for _, ia := range m.Options.IAPD() {
		for _, p := range ia.Options.Prefixes() {
			var key binding.Key // of the prefix that has all addresses the library makes nil
			if p.Prefix != nil {
				length, _ := p.Prefix.Mask.Size()
				key = binding.Key{Address: [16]byte(p.Prefix.IP.To16()), Length: uint8(length)}
			}
			out = append(out, lease{wire.IAPD, be32(ia.IaId), key,
				seconds(p.PreferredLifetime), seconds(p.ValidLifetime), seconds(ia.T1), seconds(ia.T2)})
		}
	}
	return out
}

func innerMessage(t testing.TB, b []byte) *dhcpv6.Message {
	t.Helper()
	d, err := dhcpv6.FromBytes(b)
	if err != nil {
		t.Fatalf("%x can't be read: %v", b, err)
	}
	m, err := d.GetInnerMessage()
	if err != nil {
		t.Fatalf("%x has no message: %v", b, err)
	}
	return m
}

func seconds[D interface{ Seconds() float64 }](d D) uint32 { return uint32(d.Seconds()) }

// checkReply checks what holds for every reply to a message, whatever it says (RFC 9915, Sections 16.3, 16.10, 18.1,
// 18.3, 21.4, 21.6 and 21.8, and Appendix B).
func checkReply(sent, reply, serverID []byte) error {
	var question, answer wire.Packet
	if drop := question.Parse(sent); drop != wire.DropNone {
		return fmt.Errorf("answered what should be dropped as %s", drop)
	}
	if err := checkAsked(sent, serverID); err != nil {
		return err
	}
	d, err := dhcpv6.FromBytes(reply)
	if err != nil {
		return fmt.Errorf("%x can't be read: %w", reply, err)
	}
	levels := 0
	for inner := d; inner.IsRelay(); levels++ {
		if inner = inner.(*dhcpv6.RelayMessage).Options.RelayMessage(); inner == nil {
			return fmt.Errorf("level %d relays nothing", levels)
		}
	}
	m, err := d.GetInnerMessage()
	if err != nil {
		return err
	}
	if drop := answer.Parse(m.ToBytes()); drop != wire.DropNone {
		return fmt.Errorf("our own codec reads %x as %s", reply, drop)
	}
	q, a := &question.Message, &answer.Message
	switch {
	case levels != question.RelayCount:
		return fmt.Errorf("%d relay levels for %d", levels, question.RelayCount)
	case q.Type == wire.AddrRegInform:
		return checkRegistered(q, a)
	case a.Type != wire.Reply && !(a.Type == wire.Advertise && q.Type == wire.Solicit):
		return fmt.Errorf("a %s for a %s", a.Type, q.Type)
	case a.TransactionID != q.TransactionID:
		return fmt.Errorf("transaction-id %x for %x", a.TransactionID, q.TransactionID)
	case !bytes.Equal(a.ServerID, serverID):
		return fmt.Errorf("Server Identifier %x isn't ours", a.ServerID)
	case !bytes.Equal(a.ClientID, q.ClientID) || (a.ClientID == nil) != (q.ClientID == nil):
		return fmt.Errorf("Client Identifier %x for %x", a.ClientID, q.ClientID)
	}
	if key := m.Options.GetOne(dhcpv6.OptionAuth) != nil; (key || a.ReconfigureAccept) && !q.ReconfigureAccept || key && !a.ReconfigureAccept {
		return fmt.Errorf("Reconfigure Accept %v and a key %v for a client that said %v (Sections 20.4 and 21.20)", a.ReconfigureAccept, key, q.ReconfigureAccept)
	}
	if err := checkName(q, a); err != nil {
		return err
	}
	if err := checkNever(m, q.Type); err != nil {
		return err
	}
	return checkOptions(m, q.Type)
}

// checkAsked checks, with an independent library, that a message that was answered is none that a server has to discard (RFC 9915,
// Sections 16.2 to 16.12; RFC 9686, Section 4.2.1).
func checkAsked(sent, serverID []byte) error {
	d, err := dhcpv6.FromBytes(sent)
	if err != nil {
		return nil // it may be stricter than the standard is
	}
	m, err := d.GetInnerMessage()
	if err != nil {
		return fmt.Errorf("answered %x, which has no message", sent)
	}
	client, server := m.Options.GetOne(dhcpv6.OptionClientID), m.Options.GetOne(dhcpv6.OptionServerID)
	ours := server != nil && bytes.Equal(server.ToBytes(), serverID)
	ok := client != nil
	switch wire.MessageType(m.MessageType) {
	case wire.Solicit, wire.Confirm, wire.Rebind, wire.AddrRegInform:
		ok = ok && server == nil
	case wire.Request, wire.Renew, wire.Decline, wire.Release:
		ok = ok && ours
	case wire.InformationRequest:
		ok = (server == nil || ours) && m.Options.OneIANA() == nil && m.Options.OneIAPD() == nil && m.Options.OneIATA() == nil
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("answered a %s that should be discarded: %x", m.MessageType, sent)
	}
	return nil
}

// checkRegistered checks the reply to a registration: the same transaction-id, and the same IA Address option (RFC 9686, Section 4.3).
func checkRegistered(q, a *wire.Message) error {
	sent, _ := q.Options.Find(wire.OptionIAAddress)
	returned, _ := a.Options.Find(wire.OptionIAAddress)
	if a.Type != wire.AddrRegReply || a.TransactionID != q.TransactionID || !bytes.Equal(sent, returned) {
		return fmt.Errorf("a %s %x with %x for %x with %x", a.Type, a.TransactionID, returned, q.TransactionID, sent)
	}
	return nil
}

// checkNever checks that there is nothing in a reply that must not be: what is obsolete (RFC 9915, Sections 21.5, 21.12
// and 21.13), what belongs elsewhere (Sections 18.3.6, 21.18 and 21.23), a second Authentication option (Section 20.2), or
// a status that ends with a NUL (Section 21.13).
func checkNever(m *dhcpv6.Message, question wire.MessageType) error {
	for _, code := range []dhcpv6.OptionCode{dhcpv6.OptionIATA, dhcpv6.OptionUnicast, dhcpv6.OptionInterfaceID, dhcpv6.OptionRelayMsg, dhcpv6.OptionRemoteID} {
		if m.Options.GetOne(code) != nil {
			return fmt.Errorf("a %s with %s", m.MessageType, code)
		}
	}
	stateless := question == wire.InformationRequest
	statuses := []*dhcpv6.OptStatusCode{m.Options.Status()}
	for _, ia := range m.Options.IANA() {
		statuses = append(statuses, ia.Options.Status())
		for _, a := range ia.Options.Addresses() {
			if a.Options.Status() != nil { // Section 21.6 knows none
				return fmt.Errorf("a %s with a status inside an IA Address", m.MessageType)
			}
		}
	}
	for _, ia := range m.Options.IAPD() {
		statuses = append(statuses, ia.Options.Status())
	}
	switch {
	case len(m.Options.Get(dhcpv6.OptionAuth)) > 1:
		return fmt.Errorf("a %s with two Authentication options", m.MessageType)
	case m.Options.GetOne(dhcpv6.OptionInformationRefreshTime) != nil && !stateless:
		return fmt.Errorf("a %s to a %s with Information Refresh Time", m.MessageType, question)
	case stateless && len(statuses) > 1:
		return fmt.Errorf("a %s to a %s with identity associations", m.MessageType, question)
	}
	for _, s := range statuses {
		if s != nil && (s.StatusCode == iana.StatusUseMulticast || strings.HasSuffix(s.StatusMessage, "\x00") || !utf8.ValidString(s.StatusMessage)) {
			return fmt.Errorf("a %s with the status %v %q", m.MessageType, s.StatusCode, s.StatusMessage)
		}
	}
	return nil
}

func checkOptions(m *dhcpv6.Message, question wire.MessageType) error {
	var times []uint32
	for _, ia := range m.Options.IANA() {
		for _, l := range ia.Options.Addresses() {
			if l.ValidLifetime > 0 {
				times = append(times, seconds(ia.T1), seconds(ia.T2), seconds(l.PreferredLifetime), seconds(l.ValidLifetime))
			}
		}
	}
	for _, ia := range m.Options.IAPD() {
		for _, l := range ia.Options.Prefixes() {
			if l.ValidLifetime > 0 {
				times = append(times, seconds(ia.T1), seconds(ia.T2), seconds(l.PreferredLifetime), seconds(l.ValidLifetime))
			}
		}
	}
	for i := 0; i < len(times); i += 4 {
		if times[i] != times[0] || times[i+1] != times[1] {
			return fmt.Errorf("T1 and T2 differ between IAs: %v", times)
		}
		outgoing := times[i+2] == 0 && times[i] <= times[i+1] // T1 and T2 are those of the lease beside it, or before its end
		if !slices.IsSorted(times[i:i+4]) && !outgoing {
			return fmt.Errorf("T1, T2, preferred, valid are %v", times[i:i+4])
		}
	}
	advertise := m.MessageType == dhcpv6.MessageTypeAdvertise
	rapid := m.Options.GetOne(dhcpv6.OptionRapidCommit) != nil
	switch {
	case m.Options.GetOne(dhcpv6.OptionPreference) != nil && !advertise:
		return fmt.Errorf("a %s with Preference", m.MessageType)
	case rapid != (question == wire.Solicit && !advertise):
		return fmt.Errorf("a %s to a %s, Rapid Commit: %v", m.MessageType, question, rapid)
	}
	return nil
}

// describeReply reads a reply with an independent library and prints what it says.
func describeReply(t *testing.T, b []byte) string {
	t.Helper()
	d, err := dhcpv6.FromBytes(b)
	if err != nil {
		t.Fatalf("the reply %x can't be read: %v", b, err)
	}
	var out strings.Builder
	for indent := ""; ; indent += "  " {
		relay, ok := d.(*dhcpv6.RelayMessage)
		if !ok {
			break
		}
		fmt.Fprintf(&out, "%srelay-reply hop=%d link=%s peer=%s%s\n", indent, relay.HopCount, relay.LinkAddr, relay.PeerAddr, relayOptions(relay))
		d = relay.Options.RelayMessage()
	}
	m := d.(*dhcpv6.Message)
	fmt.Fprintf(&out, "%s\n", strings.ToLower(m.MessageType.String()))
	for _, o := range m.Options.Options {
		describeOption(&out, o)
	}
	return out.String()
}

func relayOptions(r *dhcpv6.RelayMessage) (text string) {
	for _, o := range r.Options.Options {
		if o.Code() != dhcpv6.OptionRelayMsg {
			text += fmt.Sprintf(" %d:%s", o.Code(), octets(o.ToBytes()))
		}
	}
	return text
}

// octets writes octets in hexadecimal, or how many there are.
func octets(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("(%d octets)", len(b))
	}
	return fmt.Sprintf("%x", b)
}

func describeOption(out *strings.Builder, o dhcpv6.Option) {
	switch v := o.(type) {
	case *dhcpv6.OptIANA:
		fmt.Fprintf(out, "  na=%d T1=%d T2=%d\n", be32(v.IaId), int(v.T1.Seconds()), int(v.T2.Seconds()))
		for _, sub := range v.Options.Options {
			describeLease(out, sub)
		}
	case *dhcpv6.OptIAPD:
		fmt.Fprintf(out, "  pd=%d T1=%d T2=%d\n", be32(v.IaId), int(v.T1.Seconds()), int(v.T2.Seconds()))
		for _, sub := range v.Options.Options {
			describeLease(out, sub)
		}
	case *dhcpv6.OptFQDN:
		fmt.Fprintf(out, "  fqdn %s\n", describeFQDN(v))
	case *dhcpv6.OptStatusCode:
		fmt.Fprintf(out, "  status %s: %s\n", v.StatusCode, v.StatusMessage)
	default:
		switch o.Code() {
		case dhcpv6.OptionClientID, dhcpv6.OptionServerID:
			return
		}
		fmt.Fprintf(out, "  option %d: %x\n", o.Code(), o.ToBytes())
	}
}

func describeLease(out *strings.Builder, o dhcpv6.Option) {
	switch v := o.(type) {
	case *dhcpv6.OptIAAddress:
		fmt.Fprintf(out, "    %s preferred=%d valid=%d\n", v.IPv6Addr, int(v.PreferredLifetime.Seconds()), int(v.ValidLifetime.Seconds()))
	case *dhcpv6.OptIAPrefix:
		fmt.Fprintf(out, "    %s preferred=%d valid=%d", v.Prefix, int(v.PreferredLifetime.Seconds()), int(v.ValidLifetime.Seconds()))
		for _, sub := range v.Options.Options {
			fmt.Fprintf(out, " %d:%x", sub.Code(), sub.ToBytes())
		}
		out.WriteString("\n")
	case *dhcpv6.OptStatusCode:
		fmt.Fprintf(out, "    status %s: %s\n", v.StatusCode, v.StatusMessage)
	default:
		fmt.Fprintf(out, "    option %d: %x\n", o.Code(), o.ToBytes())
	}
}

func be32(b [4]byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func sorted(lines []string) string {
	slices.Sort(lines)
	if len(lines) == 0 {
		return "empty\n"
	}
	return strings.Join(lines, "")
}
