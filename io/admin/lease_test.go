package admin

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

func TestNewLease(t *testing.T) {
	stored := testLeases()
	at := func(offset int64) time.Time { return time.Unix(946684800+800_000_000+offset, 0).UTC() }
	want := Lease{
		Lease: "2001:db8:1::5", Kind: "IA_NA", State: "bound", DUID: "00:03:00:01:02:00:00:00:00:01", IAID: 7,
		Preferred: "50m0s", Valid: "infinite", Since: at(-10), LastTransaction: at(0), Expires: at(10).Format(time.RFC3339),
		HardwareAddress: "02:00:00:00:00:01", InterfaceID: "port 7", RemoteID: "9:0xff",
	}
	if diff := cmp.Diff(want, NewLease(&stored[0], testOwner, testNow)); diff != "" {
		t.Errorf("lease (-want +got):\n%s", diff)
	}
	stored[0].Expires = binding.Time(wire.Infinity)
	if l := NewLease(&stored[0], testOwner, testNow); l.Expires != "never" || l.State != "bound" {
		t.Errorf("an infinite lease is %s and expires %s", l.State, l.Expires)
	}
	stored[0].State, stored[0].Expires = binding.Declined, testNow-1
	if l := NewLease(&stored[0], testOwner, testNow); l.State != "declined" {
		t.Errorf("a declined address is shown as %s", l.State)
	}
}

// TestNewLeaseOfAPeer: an observed lease has an owner and the strength of its claim, an own one has neither.
func TestNewLeaseOfAPeer(t *testing.T) {
	for _, test := range []struct {
		owner, flags uint8
		want         Lease
	}{
		{0, engine.FlagStrong, Lease{}},
		{0, engine.FlagConfirmed, Lease{Confirmed: true}},
		{3, 0, Lease{Owner: testOwner, Claim: "weak"}},
		{3, engine.FlagStrong | engine.FlagConfirmed, Lease{Owner: testOwner, Claim: "strong", Confirmed: true}},
	} {
		l := NewLease(&binding.Stored{Owner: test.owner, Flags: test.flags}, testOwner, testNow)
		if got := (Lease{Owner: l.Owner, Claim: l.Claim, Confirmed: l.Confirmed}); got != test.want {
			t.Errorf("owner %d, flags %b: %+v, want %+v", test.owner, test.flags, got, test.want)
		}
	}
}

// TestNewLeaseWithoutIAID: an IAID that isn't known is shown as such, and in CSV as nothing.
func TestNewLeaseWithoutIAID(t *testing.T) {
	for flags, want := range map[uint8]string{0: "0", engine.FlagAnonymous: ""} {
		l := NewLease(&binding.Stored{Owner: 3, Flags: flags}, testOwner, testNow)
		names, values := l.Fields()
		if got := values[slices.Index(names, "iaid")]; got != want || l.IAIDUnknown != (want == "") {
			t.Errorf("flags %#x: IAID %q, unknown %t", flags, got, l.IAIDUnknown)
		}
	}
}

func TestWhere(t *testing.T) {
	e := binding.AppendExtension(nil, binding.ExtHardwareAddress, []byte{0, 1, 2, 0, 0, 0, 0, 1})
	e = binding.AppendExtension(e, binding.ExtPeerAddress, []byte{0xfe, 0x80, 15: 1})
	e = binding.AppendExtension(e, binding.ExtLinkAddress, []byte{0x20, 1, 15: 2})
	e = binding.AppendExtension(e, binding.ExtSubscriberID, []byte("customer 5\n"))
	e = binding.AppendExtension(e, binding.ExtRelayID, []byte{0, 4, 1})
	want := Lease{
		HardwareAddress: "02:00:00:00:00:01", PeerAddress: "fe80::1", LinkAddress: "2001::2",
		SubscriberID: "0x637573746f6d657220350a", RelayID: "00:04:01",
	}
	other := []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 9} // the relay saw another address than the DUID was made from
	var got Lease
	got.where(other, e)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("where (-want +got):\n%s", diff)
	}
	for want, duid := range map[string][]byte{
		"02:00:00:00:00:09": other, "02:00:00:00:00:08": {0, 1, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 8}, "": {0, 4, 0, 1, 2, 3},
	} {
		var got Lease
		if got.where(duid, nil); got.HardwareAddress != want {
			t.Errorf("DUID %x: want hardware address %q, got %q", duid, want, got.HardwareAddress)
		}
	}
}

func TestParseLease(t *testing.T) {
	for text, want := range map[string]string{
		"2001:db8::1": "2001:db8::1/128", "2001:db8::/56": "2001:db8::/56", "2001:db8::1/128": "2001:db8::1/128",
		"": "", "192.0.2.1": "", "192.0.2.0/24": "", "fe80::1%eth0": "", "2001:db8::/129": "", "hello": "", "2001:db8::1/": "",
	} {
		got, err := ParseLease(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q is read as %v, %v; want %q", text, got, err, want)
		}
		if err != nil && got.IsValid() {
			t.Errorf("%q is wrong and gives %v: a filter made of it must not choose anything", text, got)
		}
	}
}

func TestParseDUID(t *testing.T) {
	for text, want := range map[string]string{
		"00:03:00:01:AB": "00:03:00:01:ab", "00-04-01": "00:04:01", "000401": "00:04:01",
		"": "", "00:01": "", "0": "", "zz:zz:zz": "",
	} {
		got, err := ParseDUID(text)
		if (err == nil) != (want != "") || err == nil && wire.FormatDUID(got) != want {
			t.Errorf("%q is read as %x, %v; want %q", text, got, err, want)
		}
	}
}
