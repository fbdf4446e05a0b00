package reconfigure

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/wire"
)

// TestReadRequest: what a relay may ask, what must be discarded, and what it is told to be malformed (RFC 6977, Sections 6.2.1 and 6.5).
func TestReadRequest(t *testing.T) {
	server := unhex(t, "00030001aa")
	const (
		one, other = "00010005" + "00030001c1", "00010005" + "00030001c2"
		link       = "00500010" + "20010db8000100000000000000000001"
		renew      = "00130001" + "05"
		ours       = "00020005" + "00030001aa"
		foreign    = "00020005" + "00030001bb"
	)
	for name, test := range map[string]struct {
		options string
		clients int
		ask     wire.MessageType
		drop    wire.Drop
		fault   string
	}{
		"one client":                    {one + link, 1, 0, wire.DropNone, ""},
		"two, and one of them again":    {ours + one + other + link + renew + one, 2, wire.Renew, wire.DropNone, ""},
		"with what a relay may add":     {link + one + "00420004" + "00400000" + "00120001ff" + "0035000400030001", 1, 0, wire.DropNone, ""},
		"nobody":                        {link, 0, 0, wire.DropNoClientID, ""},
		"no link":                       {one, 1, 0, wire.DropNoLink, ""},
		"another server's":              {one + link + foreign, 1, 0, wire.DropForeignServer, ""},
		"two servers'":                  {one + link + foreign + ours, 1, 0, wire.DropForeignServer, ""},
		"no DUID":                       {link + "00010002" + "0003", 1, 0, wire.DropNone, "a Client Identifier is no DUID"},
		"a short link":                  {one + "00500004" + "20010db8", 1, 0, wire.DropNone, "the Link Address option isn't of 16 octets"},
		"two links":                     {one + link + link, 1, 0, wire.DropNone, "the Link Address option stands twice"},
		"a Solicit":                     {one + link + "00130001" + "01", 1, 0, wire.DropNone, "the Reconfigure Message option asks for no message that a client can be asked for"},
		"no message":                    {one + link + "00130000", 1, 0, wire.DropNone, "the Reconfigure Message option asks for no message that a client can be asked for"},
		"an option past the end":        {one + link + "00130009" + "05", 1, 0, wire.DropNone, "an option runs past the message's end"},
		"the same, before there is any": {"00130009" + "05", 0, 0, wire.DropNoClientID, "an option runs past the message's end"},
	} {
		var p wire.Packet
		if drop := p.Parse(append([]byte{byte(wire.ReconfigureRequest), 1, 2, 3}, unhex(t, test.options)...)); drop != wire.DropNone {
			t.Fatalf("%s: %s", name, drop)
		}
		r, drop, fault := ReadRequest(&p.Message, server)
		if len(r.Clients) != test.clients || r.Ask != test.ask || drop != test.drop || fault != test.fault {
			t.Errorf("%s: %d clients, ask %d, %v, %q", name, len(r.Clients), r.Ask, drop, fault)
		}
		if drop == wire.DropNone && fault == "" && hex.EncodeToString(r.Link[:]) != link[8:] {
			t.Errorf("%s: link %x", name, r.Link)
		}
	}
}

// TestAppendAnswer: the answer has the transaction-id, the server, a status, and who isn't asked.
func TestAppendAnswer(t *testing.T) {
	got := AppendAnswer(nil, [3]byte{1, 2, 3}, []byte("server"), wire.StatusSuccess, "so", [][]byte{[]byte("one"), []byte("two")})
	want := unhex(t, "13010203"+"00020006"+hex.EncodeToString([]byte("server"))+"000d0004"+"0000"+"736f"+"00010003"+"6f6e65"+"00010003"+"74776f")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
