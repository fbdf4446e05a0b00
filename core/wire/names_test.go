package wire_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Labels of metrics: every reason has one of its own.
func TestDropNames(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]wire.Drop{}
	for d := range wire.DropCount {
		name := d.String()
		if !form.MatchString(name) {
			t.Errorf("reason %d is named %q", uint8(d), name)
		}
		if other, twice := seen[name]; twice {
			t.Errorf("reasons %d and %d are both named %q", uint8(other), uint8(d), name)
		}
		seen[name] = d
	}
	if got, want := wire.DropNoClientID.String(), "no-client-id"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got, want := wire.DropCount.String(), fmt.Sprintf("reason-%d", uint8(wire.DropCount)); got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{wire.Solicit.String(), "Solicit"},
		{wire.InformationRequest.String(), "Information-request"},
		{wire.RelayForward.String(), "Relay-forward"},
		{wire.AddrRegReply.String(), "ADDR-REG-REPLY"},
		{wire.MessageType(0).String(), "type-0"},
		{wire.MessageType(30).String(), "type-30"},
		{wire.MessageType(255).String(), "type-255"},
		{wire.StatusSuccess.String(), "Success"},
		{wire.StatusNoPrefixAvail.String(), "NoPrefixAvail"},
		{wire.StatusCode(7).String(), "UnknownQueryType"},
		{wire.StatusCode(16).String(), "status-16"},
		{wire.StatusCode(65535).String(), "status-65535"},
		{wire.IANA.String(), "IA_NA"},
		{wire.IAPD.String(), "IA_PD"},
		{wire.Kind(0).String(), "kind-0"},
	} {
		if test.got != test.want {
			t.Errorf("String() = %q, want %q", test.got, test.want)
		}
	}
}

// TestStatusCodes: numbers and names as the standards have them (RFC 9915, Section 21.13; RFC 5007, Section 4.1.3; RFC 5460,
// Section 5.5; RFC 7653, Section 6.2).
func TestStatusCodes(t *testing.T) {
	for code, want := range []string{
		"Success", "UnspecFail", "NoAddrsAvail", "NoBinding", "NotOnLink", "UseMulticast", "NoPrefixAvail", "UnknownQueryType",
		"MalformedQuery", "NotConfigured", "NotAllowed", "QueryTerminated", "DataMissing", "CatchUpComplete", "NotSupported", "TLSConnectionRefused",
	} {
		if got := wire.StatusCode(code).String(); got != want {
			t.Errorf("status %d is %s, want %s", code, got, want)
		}
	}
}
