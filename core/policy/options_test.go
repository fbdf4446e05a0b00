package policy

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// oro is the data of an Option Request option.
func oro(codes ...wire.OptionCode) (out []byte) {
	for _, code := range codes {
		out = binary.BigEndian.AppendUint16(out, uint16(code))
	}
	return out
}

// opt is a configured option with one octet of data, which tells where it came from.
func opt(code wire.OptionCode, always bool, data byte) config.Option {
	return config.Option{Code: code, Always: always, Encoded: wire.AppendOption(nil, code, []byte{data})}
}

// set compiles options; faults fail the test.
func set(t testing.TB, upper []config.Option, lower Options) Options {
	t.Helper()
	c := &compiler{cfg: &config.Config{}, p: &Policy{}}
	o := c.options("options", upper, lower)
	for _, err := range c.faults {
		t.Fatal(err)
	}
	return o
}

// sent lists the options in a reply as code:data, in hex.
func sent(t *testing.T, b []byte) string {
	t.Helper()
	var out []string
	for len(b) > 0 {
		n := int(binary.BigEndian.Uint16(b[2:]))
		out = append(out, hex.EncodeToString(b[1:2])+":"+hex.EncodeToString(b[4:4+n]))
		b = b[4+n:]
	}
	return strings.Join(out, " ")
}

func TestAppend(t *testing.T) {
	o := set(t, []config.Option{
		opt(wire.OptionNTPServer, false, 1),
		opt(wire.OptionDNSServers, false, 2),
		opt(wire.OptionDomainSearch, true, 3),
		opt(wire.OptionInformationRefresh, false, 4),
		opt(wire.OptionVendorInformation, false, 5),
		opt(wire.OptionVendorClass, true, 6),
		opt(wire.OptionUserClass, false, 7),
		opt(wire.OptionSIPNames, false, 8),
		opt(wire.OptionSIPAddresses, false, 9),
		opt(wire.OptionSOLMaxRT, false, 10),
		opt(wire.OptionINFMaxRT, false, 11),
	}, Options{})
	const always = "10:06 18:03"
	tests := []struct {
		name string
		kind wire.MessageType
		oro  []byte
		want string
	}{
		{"nothing asked", wire.Solicit, nil, always},
		{"in the order of codes", wire.Request, oro(56, 23), "10:06 17:02 18:03 38:01"},
		{"each once", wire.Renew, oro(23, 23, 24, 24, 23), "10:06 17:02 18:03"},
		{"what isn't configured", wire.Rebind, oro(31, 64, 103, 65535), always},
		{"an odd octet at the end", wire.Solicit, append(oro(23), 0), "10:06 17:02 18:03"},
		{"codes that must not be there", wire.Solicit, oro(1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 25, 26), always},
		{"vendor information when asked", wire.Solicit, oro(17), "10:06 11:05 18:03"},
		{"refresh time when stateless", wire.InformationRequest, oro(32), "10:06 18:03 20:04"},
		{"refresh time else", wire.Request, oro(32), always},
		{"SIP names", wire.Request, oro(21), "10:06 15:08 18:03"},
		{"SIP addresses", wire.Request, oro(22), "10:06 16:09 18:03"},
		{"SIP both", wire.Request, oro(22, 21), "10:06 15:08 16:09 18:03"},
		{"maximal retransmission times", wire.Solicit, oro(83, 82), "10:06 18:03 52:0a 53:0b"},
		{"Confirm", wire.Confirm, oro(23), ""},
		{"Release", wire.Release, oro(23), ""},
		{"Decline", wire.Decline, oro(23), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := sent(t, o.Append(nil, &wire.Message{Type: test.kind, ORO: test.oro}))
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestAppendReadsBounded: the 257th code isn't read any more, the 256th is.
func TestAppendReadsBounded(t *testing.T) {
	o := set(t, []config.Option{opt(23, false, 1)}, Options{})
	for at, want := range map[int]string{maxRequested - 1: "17:01", maxRequested: ""} {
		codes := make([]wire.OptionCode, at+1)
		for i := range codes {
			codes[i] = 24
		}
		codes[at] = 23
		if got := sent(t, o.Append(nil, &wire.Message{Type: wire.Solicit, ORO: oro(codes...)})); got != want {
			t.Errorf("at %d: got %q, want %q", at, got, want)
		}
	}
}

func TestOverlay(t *testing.T) {
	link := set(t, []config.Option{opt(23, true, 1), opt(24, true, 1), opt(56, true, 1)}, Options{})
	own := set(t, []config.Option{opt(24, false, 2), opt(31, true, 2)}, link)
	if diff := cmp.Diff("17:01 1f:02 38:01", sent(t, own.Append(nil, &wire.Message{Type: wire.Solicit}))); diff != "" {
		t.Errorf("own option isn't asked for (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("17:01 18:02 1f:02 38:01", sent(t, own.Append(nil, &wire.Message{Type: wire.Solicit, ORO: oro(24)}))); diff != "" {
		t.Errorf("own option is asked for (-want +got):\n%s", diff)
	}
	if !own.Has(24) || !own.Has(56) || own.Has(17) || own.Has(65535) {
		t.Error("Has tells another story")
	}
}

// TestOptionFaults: what the server makes itself, or what the standard has sent only when asked, is refused.
func TestOptionFaults(t *testing.T) {
	many := make([]config.Option, maxOptions+1)
	for i := range many {
		many[i] = opt(wire.OptionCode(1000+i), false, 0)
	}
	tests := []struct {
		name    string
		options []config.Option
		want    string
	}{
		{"Client Identifier", []config.Option{opt(1, false, 0)}, "option 1"},
		{"IA_TA", []config.Option{opt(4, false, 0)}, "option 4"},
		{"Prefix Exclude", []config.Option{opt(67, false, 0)}, "option 67"},
		{"Relay Source Port", []config.Option{opt(135, false, 0)}, "option 135"},
		{"SOL_MAX_RT always", []config.Option{opt(82, true, 0)}, "only to clients that ask"},
		{"too many", many, "too many"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &compiler{cfg: &config.Config{}, p: &Policy{}}
			c.options("options", test.options, Options{})
			if len(c.faults) != 1 || !strings.Contains(c.faults[0].Error(), test.want) {
				t.Errorf("got %v, want one fault with %q", c.faults, test.want)
			}
		})
	}
}

func TestAppendSupplied(t *testing.T) {
	p := &Policy{}
	for _, code := range []wire.OptionCode{wire.OptionERPLocalDomain, 1000} {
		p.supplied[code/64] |= 1 << (code % 64)
	}
	rsoo := func(options ...config.Option) (out []byte) {
		for _, o := range options {
			out = append(out, o.Encoded...)
		}
		return out
	}
	long := make([]config.Option, maxSupplied)
	for i := range long {
		long[i] = opt(2000, false, 0)
	}
	tests := []struct {
		name         string
		kind         wire.MessageType
		inner, outer []byte
		oro          []byte
		own          []config.Option
		want         string
	}{
		{"enabled and asked", wire.Request, rsoo(opt(65, false, 1)), nil, oro(65), nil, "41:01"},
		{"not asked", wire.Request, rsoo(opt(65, false, 1)), nil, oro(23), nil, ""},
		{"not enabled", wire.Request, rsoo(opt(23, false, 1), opt(65, false, 2)), nil, oro(23, 65), nil, "41:02"},
		{"own value", wire.Request, rsoo(opt(65, false, 1)), nil, oro(65), []config.Option{opt(65, false, 9)}, ""},
		{"innermost wins", wire.Solicit, rsoo(opt(65, false, 1)), rsoo(opt(65, false, 2)), oro(65), nil, "41:01"},
		{"from both", wire.Solicit, rsoo(opt(65, false, 1)), rsoo(opt(65, false, 2), opt(1000, false, 3)), oro(65, 1000), nil, "41:01 e8:03"},
		{"at most one", wire.Solicit, rsoo(opt(65, false, 1), opt(65, false, 2)), nil, oro(65, 65), nil, "41:01"},
		{"cut off", wire.Solicit, append(rsoo(opt(65, false, 1)), 3, 232, 0), nil, oro(65, 1000), nil, "41:01"},
		{"bounded", wire.Solicit, append(rsoo(long...), rsoo(opt(65, false, 1))...), nil, oro(65), nil, ""},
		{"Release", wire.Release, rsoo(opt(65, false, 1)), nil, oro(65), nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			own := set(t, test.own, Options{})
			pkt := relayed(wire.Relay{RSOO: test.inner}, wire.Relay{RSOO: test.outer})
			pkt.Message = wire.Message{Type: test.kind, ORO: test.oro}
			if got := sent(t, p.AppendSupplied(nil, Layers{&own}, pkt)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// BenchmarkAppend answers a client that asks for what a home gateway asks for.
func BenchmarkAppend(b *testing.B) {
	o := set(b, []config.Option{
		opt(23, false, 1), opt(24, false, 1), opt(56, false, 1), opt(64, false, 1), opt(82, false, 1), opt(17, false, 1),
	}, Options{})
	dst := make([]byte, 0, 512)
	for name, list := range map[string][]byte{
		"gateway": oro(23, 24, 31, 56, 64, 67, 82, 83, 94, 95, 96, 17),
		"hostile": []byte(strings.Repeat("\x00\x17", 4000)),
	} {
		b.Run(name, func(b *testing.B) {
			m := &wire.Message{Type: wire.Request, ORO: list}
			b.ReportAllocs()
			for b.Loop() {
				dst = o.Append(dst[:0], m)
			}
		})
	}
}
