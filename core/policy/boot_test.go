package policy

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

const booting = `
listen: {interfaces: [eth0]}
options: {boot-file-url: "tftp://[::1]/far"}
relays: {supplied-options: [59, 60]}
links:
  - name: lan
    match: {interface: eth0}
    addresses: [{pool: "2001:db8:1::/64"}]
    options: {client-architectures: [1], always: [boot-file-url], vendor-class: [{enterprise: 9, data: [x]}]}
    boot:
      - {architecture: [7, 9], url: "tftp://[::1]/x64", params: [a, bc]}
      - {architecture: [7, 16], vendor-class: HTTPClient, url: "http://[::1]/x64", always: true}
      - {architecture: 7, user-class: [iPXE, gPXE], url: "http://[::1]/script"}
      - {user-class: iPXE, url: "http://[::1]/any"}
`

// bootMessage is an Information-request with these options.
func bootMessage(architectures, userClass, vendorClass string, codes ...wire.OptionCode) *wire.Packet {
	var options []byte
	for _, o := range []struct {
		code wire.OptionCode
		data string
	}{{wire.OptionVendorClass, "\x00\x00\x00\x09\x00\x0aHTTPClient"}, {wire.OptionVendorClass, vendorClass}, {wire.OptionUserClass, userClass}, {wire.OptionClientArchitecture, architectures}} {
		if o.data != "" {
			options = wire.AppendOption(options, o.code, []byte(o.data))
		}
	}
	return &wire.Packet{Message: wire.Message{Type: wire.InformationRequest, Options: options, ORO: oro(codes...)}}
}

// TestBootFile: which file of a list is for whom, beside plain options of the same layer and of others.
func TestBootFile(t *testing.T) {
	p := compile(t, booting, "")
	layers := Layers{&p.Links[0].Options}
	const http, ipxe, none = "\x00\x00\x01\x57\x00\x10HTTPClient:Arch:", "\x00\x01a\x00\x04iPXE", ""
	for _, tt := range []struct {
		name, architectures, user, vendor string
		want                              string // the URL, and what is in the answer for 16 and 61
	}{
		{"its architecture", "\x00\x07", none, none, "tftp://[::1]/x64 0009 0007"},
		{"its first one", "\x00\x01\x00\x09\x00\x07", none, none, "tftp://[::1]/x64 0009 00090007"},
		{"the plain one for others, always", "\x00\x01", none, none, "tftp://[::1]/far 0009 0001"},
		{"by HTTP", "\x00\x10", none, http, "http://[::1]/x64 0157 0010"},
		{"in the file's order", "\x00\x07", none, http, "tftp://[::1]/x64 0009 0007"},
		{"another vendor", "\x00\x10", none, "\x00\x00\x01\x57\x00\x09PXEClient", "tftp://[::1]/far 0009"},
		{"a vendor class that is cut", "\x00\x10", none, "\x00\x00\x01\x57\x00\x20HTTPClient", "tftp://[::1]/far 0009"},
		{"hardly a vendor class", "\x00\x10", none, "\x00\x00\x01\x57\x00", "tftp://[::1]/far 0009"},
		{"a user class before architectures", "\x00\x09", ipxe, none, "http://[::1]/any 0009"},
		{"with its architecture first", "\x00\x09\x00\x07", ipxe, none, "http://[::1]/script 0009 0007"},
		{"another user class of the entry", "\x00\x07", "\x00\x04gPXE", none, "http://[::1]/script 0009 0007"},
		{"a user class that is cut", "\x00\x07", "\x00\x05iPXE", none, "tftp://[::1]/x64 0009 0007"},
		{"too many architectures", strings.Repeat("\x00\x01", 64) + "\x00\x07", none, none, "tftp://[::1]/far 0009 0001"},
	} {
		m := &bootMessage(tt.architectures, tt.user, tt.vendor, 59, 61).Message
		var got [4]string
		for code, data, rest, ok := wire.Options(layers.Append(nil, m)).Next(); ok; code, data, rest, ok = rest.Next() {
			switch code {
			case wire.OptionBootFileURL:
				got[0] += string(data)
			case wire.OptionVendorClass:
				got[1] += hex.EncodeToString(data[2:4])
			case wire.OptionClientArchitecture:
				got[2] += hex.EncodeToString(data)
			default:
				got[3] += "?"
			}
		}
		if text := strings.TrimSpace(strings.Join(got[:], " ")); text != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, text, tt.want)
		}
	}
}

// TestBootFileOfRelays: what relays supply isn't sent where the server has boot files.
func TestBootFileOfRelays(t *testing.T) {
	p := compile(t, strings.NewReplacer("options: {boot-file-url: \"tftp://[::1]/far\"}\n", "", "always: [boot-file-url], ", "").Replace(booting), "")
	layers := Layers{&p.Links[0].Options}
	pkt := bootMessage("\x00\x01", "", "", 59, 60)
	pkt.RelayCount, pkt.Relays[0].RSOO = 1, wire.AppendOption(nil, 59, []byte("relay's"))
	if got := p.AppendSupplied(nil, layers, pkt); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	p.Links[0].Options.boot = nil
	if got := p.AppendSupplied(nil, layers, pkt); len(got) == 0 {
		t.Error("without boot files there is nothing either")
	}
}

// TestBootFileAllocatesNothing takes the longest way.
func TestBootFileAllocatesNothing(t *testing.T) {
	p := compile(t, booting, "")
	layers := Layers{&p.Links[0].Options}
	m := &bootMessage(strings.Repeat("\x00\x01", 40)+"\x00\x10\x00\x07", "\x00\x01a\x00\x01b", "\x00\x00\x01\x57\x00\x0aHTTPClient", 59, 60, 61).Message
	dst := make([]byte, 0, 1024)
	if got := testing.AllocsPerRun(200, func() { dst = layers.Append(dst[:0], m) }); got != 0 || !strings.Contains(string(dst), "http://[::1]/x64") {
		t.Errorf("%v allocations for %q", got, dst)
	}
}
