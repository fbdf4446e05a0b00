package policy

import (
	"bytes"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// TestArchitectures: RFC 5970, Section 3.3: only types that the client asked about, most preferred first.
func TestArchitectures(t *testing.T) {
	boot := config.Option{Code: 61, Encoded: wire.AppendOption(nil, 61, []byte{0, 7, 0, 9, 0, 16})}
	link := set(t, []config.Option{boot}, Options{})
	own := set(t, []config.Option{opt(23, false, 1)}, Options{})
	many := bytes.Repeat([]byte{0, 1}, maxArchitectures)
	for _, test := range []struct {
		name    string
		kind    wire.MessageType
		queried []byte
		oro     []byte
		want    string
	}{
		{"one of them", wire.Solicit, []byte{0, 9}, nil, "3d:0009"},
		{"in the client's order", wire.Request, []byte{0, 16, 0, 0, 0, 7}, nil, "3d:00100007"},
		{"each once", wire.Renew, []byte{0, 7, 0, 7}, oro(61), "3d:0007"},
		{"none of them", wire.Solicit, []byte{0, 0, 0, 6}, oro(61), ""},
		{"a client that lists none", wire.InformationRequest, nil, oro(61), ""},
		{"an odd octet at the end", wire.Rebind, []byte{0, 9, 0}, nil, "3d:0009"},
		{"behind very many", wire.Solicit, append(many, 0, 7), nil, ""},
		{"the last that is looked at", wire.Solicit, append(many[2:len(many):len(many)], 0, 7), nil, "3d:0007"},
		{"Release", wire.Release, []byte{0, 7}, nil, ""},
	} {
		m := &wire.Message{Type: test.kind, ORO: test.oro}
		if test.queried != nil {
			m.Options = wire.AppendOption(nil, wire.OptionClientArchitecture, test.queried)
		}
		for _, layers := range []Layers{{&link}, {&own, &link}} {
			if got := sent(t, layers.Append(nil, m)); got != test.want {
				t.Errorf("%s: %q, want %q", test.name, got, test.want)
			}
		}
	}
}
