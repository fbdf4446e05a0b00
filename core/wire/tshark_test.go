package wire_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/wire"
)

// tshark runs Wireshark's dissectors over a capture.
func tshark(t *testing.T, c *capture, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatal("tshark isn't installed; `make deps` installs it")
	}
	command := exec.Command(path, append([]string{
		"-r", "-", "-n", "-o", "udp.check_checksum:TRUE",
	}, arguments...)...)
	command.Stdin = bytes.NewReader(*c)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, complaints.String())
	}
	return string(out)
}

// everyMessage has each type of message that the encoder makes, and each option.
func everyMessage(t *testing.T) [][]byte {
	t.Helper()
	xid := [3]byte{0xab, 0xcd, 0xef}
	serverDUID := wire.AppendDUIDUUID(nil, [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	identified := func(m wire.MessageType) []byte {
		b := wire.AppendHeader(nil, m, xid)
		b = wire.AppendOption(b, wire.OptionClientID, duidLL)
		return wire.AppendOption(b, wire.OptionServerID, serverDUID)
	}
	var all [][]byte
	for m := wire.Solicit; m <= wire.InformationRequest; m++ {
		b := identified(m)
		if m != wire.Advertise && m != wire.Reply && m != wire.Reconfigure {
			b = wire.AppendUint16Option(b, wire.OptionElapsedTime, 100)
			b = wire.AppendOption(b, wire.OptionORO, []byte{0, 23, 0, 24, 0, 82})
		}
		all = append(all, b)
	}
	advertise := wire.AppendUint8Option(appendLeases(identified(wire.Advertise)), wire.OptionPreference, 255)
	reply := wire.AppendOption(appendLeases(identified(wire.Reply)), wire.OptionRapidCommit, nil)
	reply = wire.AppendOption(reply, wire.OptionReconfigureAccept, nil)
	all = append(all, advertise, appendConfiguration(t, reply), appendRefusals(identified(wire.Reply)))

	// Replies through every depth of relays.
	forwarded := []byte(header)
	for hop := range byte(wire.MaxRelays) {
		forwarded = forward(hop, "2001:db8:7::1", "fe80::7", forwarded, option(wire.OptionInterfaceID, []byte("eth0")),
			option(wire.OptionRelaySourcePort, []byte{0x20, 0x22}), option(wire.OptionRemoteID, []byte("\x00\x00\x0a\x4cline")),
			option(wire.OptionSubscriberID, []byte("someone")), option(wire.OptionRelayID, duidLL),
			option(wire.OptionClientLinkLayer, []byte("\x00\x01abcdef")), option(wire.OptionERO, []byte{0, 37, 0, 38, 0, 53, 0, 79}))
		out, marks := wire.OpenRelays(nil, mustParse(t, forwarded))
		all = append(all, wire.CloseRelays(append(out, advertise...), marks))
	}
	return all
}

func appendLeases(b []byte) []byte {
	address, prefix, inside := addr("2001:db8:1::5"), addr("2001:db8:dead:bee0::"), addr("2001:db8:dead:beef::")
	b, mark := wire.OpenIA(b, wire.IANA, 0x01020304)
	wire.SetTimes(b, mark, 1800, 2880)
	b = wire.AppendIAAddress(b, &address, 3600, wire.Infinity)
	b = wire.AppendStatus(b, wire.StatusSuccess, "granted")
	b = wire.CloseOption(b, mark)
	b, mark = wire.OpenIA(b, wire.IAPD, 0x05060708)
	b = wire.AppendIAPrefix(b, &prefix, 59, 3600, 7200, wire.PrefixExclude(nil, prefix, 59, inside, 64))
	b = wire.CloseOption(b, mark)
	wire.SetTimes(b, mark, 1801, 2881)
	return b
}

// appendRefusals has every status code, at the message and in IAs.
func appendRefusals(b []byte) []byte {
	for code := wire.StatusSuccess; code <= wire.StatusNoPrefixAvail; code++ {
		var mark int
		b, mark = wire.OpenIA(b, wire.IANA, uint32(code))
		b = wire.AppendStatus(b, code, "nothing für you")
		b = wire.CloseOption(b, mark)
	}
	return wire.AppendStatus(b, wire.StatusUnspecFail, "")
}

func appendConfiguration(t *testing.T, b []byte) []byte {
	t.Helper()
	name := func(texts ...string) (data []byte) {
		for _, text := range texts {
			for label := range strings.SplitSeq(text, ".") {
				data = append(append(data, byte(len(label))), label...)
			}
			data = append(data, 0)
		}
		return data
	}
	b = wire.AppendOption(b, wire.OptionDNSServers, rows(octets("2001:db8::53"), octets("2001:db8::54")))
	b = wire.AppendOption(b, wire.OptionDomainSearch, name("example.com", "a.b.example.net"))
	b = wire.AppendOption(b, wire.OptionAFTRName, name("aftr.example.com"))
	b = wire.AppendOption(b, wire.OptionSIPNames, name("sip.example.com"))
	b = wire.AppendOption(b, wire.OptionClientFQDN, append([]byte{1}, name("host.example.com")...))
	b, ntp := wire.OpenOption(b, wire.OptionNTPServer)
	b = wire.AppendOption(b, 1, octets("2001:db8::123"))
	b = wire.CloseOption(b, ntp)
	b, vendor := wire.OpenOption(b, wire.OptionVendorInformation)
	b = append(b, 0, 0, 0x11, 0x8b)
	b = wire.AppendOption(b, 1, []byte("x"))
	b = wire.CloseOption(b, vendor)
	b = wire.AppendUint32Option(b, wire.OptionInformationRefresh, 86400)
	b = wire.AppendUint32Option(b, wire.OptionSOLMaxRT, 3600)
	return wire.AppendUint32Option(b, wire.OptionINFMaxRT, 3600)
}

// complaints are the lines in which Wireshark finds fault.
func complaints(detail string) (found []string) {
	for line := range strings.Lines(detail) {
		for _, word := range []string{"alformed", "Expert Info", "Unknown", "Error", "[Checksum Status: Bad]"} {
			if strings.Contains(line, word) {
				found = append(found, strings.TrimSpace(line))
				break
			}
		}
	}
	return found
}

// Wireshark finds nothing to complain of in anything that the encoder makes.
func TestTshark(t *testing.T) {
	messages := everyMessage(t)
	c := newCapture()
	for _, b := range messages {
		c.add(b)
	}
	detail := tshark(t, c, "-V")
	for _, line := range complaints(detail) {
		t.Errorf("tshark: %s", line)
	}
	// It passes over octets that make no option in silence: so it has to name every option that we see.
	var want strings.Builder
	for _, b := range messages {
		want.WriteString(strings.TrimPrefix(allCodes(b), ",") + "\n")
	}
	if diff := cmp.Diff(want.String(), tshark(t, c, "-Y", "dhcpv6", "-T", "fields", "-e", "dhcpv6.option.type")); diff != "" {
		t.Errorf("options (-want +tshark):\n%s", diff)
	}
	if t.Failed() {
		t.Log(detail)
	}
}

// allCodes lists the codes of all options in a message, each before those inside it.
func allCodes(b []byte) (codes string) {
	skip := map[bool]int{true: 34, false: 4}[b[0] == byte(wire.RelayReply) || b[0] == byte(wire.RelayForward)]
	var walk func(b []byte)
	walk = func(b []byte) {
		eachOption(b, func(code wire.OptionCode, data []byte) {
			codes += fmt.Sprintf(",%d", code)
			switch code {
			case wire.OptionRelayMessage:
				codes += allCodes(data)
			case wire.OptionIANA, wire.OptionIAPD:
				walk(data[12:])
			case wire.OptionIAAddress:
				walk(data[24:])
			case wire.OptionIAPrefix:
				walk(data[25:])
			}
		})
	}
	walk(b[skip:])
	return codes
}

// The test above can fail: Wireshark does complain of what is broken.
func TestTsharkComplains(t *testing.T) {
	for name, b := range map[string][]byte{
		"half a Preference":  rows(header, clientID, option(7)),
		"half an IA Address": rows(header, clientID, option(3, make([]byte, 12), option(5, make([]byte, 9)))),
	} {
		c := newCapture()
		c.add(b)
		if detail := tshark(t, c, "-V"); len(complaints(detail)) == 0 {
			t.Errorf("%s: no complaint in\n%s", name, detail)
		}
	}
}

// And it reads what was meant.
func TestTsharkMeaning(t *testing.T) {
	c := newCapture()
	b := wire.AppendHeader(nil, wire.Reply, [3]byte{0xab, 0xcd, 0xef})
	c.add(appendConfiguration(t, appendLeases(b)))
	fields := []struct{ name, want string }{
		{"dhcpv6.msgtype", "7"},
		{"dhcpv6.xid", "0xabcdef"},
		{"dhcpv6.iaid", "01020304,05060708"},
		{"dhcpv6.iaid.t1", "1800,1801"},
		{"dhcpv6.iaid.t2", "2880,2881"},
		{"dhcpv6.iaaddr.ip", "2001:db8:1::5"},
		{"dhcpv6.iaaddr.pref_lifetime", "3600"},
		{"dhcpv6.iaaddr.valid_lifetime", "4294967295"},
		{"dhcpv6.iaprefix.pref_addr", "2001:db8:dead:bee0::"},
		{"dhcpv6.iaprefix.pref_len", "59"},
		{"dhcpv6.iaprefix.pref_lifetime", "3600"},
		{"dhcpv6.iaprefix.valid_lifetime", "7200"},
		{"dhcpv6.pd_exclude.pref_len", "64"},
		{"dhcpv6.pd_exclude.subnet_id", "78"},
		{"dhcpv6.status_code", "0"},
		{"dhcpv6.status_msg", "granted"},
		{"dhcpv6.dns_server", "2001:db8::53,2001:db8::54"},
		{"dhcpv6.search_list_entry", "example.com.,a.b.example.net."},
		{"dhcpv6.aftr_name", "aftr.example.com."},
		{"dhcpv6.client_domain", "host.example.com."},
	}
	arguments := []string{"-T", "fields", "-E", "separator=;"}
	want := map[string]string{}
	for _, f := range fields {
		arguments = append(arguments, "-e", f.name)
		want[f.name] = f.want
	}
	got := map[string]string{}
	for i, value := range strings.Split(strings.TrimRight(tshark(t, c, arguments...), "\n"), ";") {
		got[fields[i].name] = value
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +tshark):\n%s", diff)
	}
}
