package reconfigure

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/wire"
)

var (
	secret = [SecretSize]byte{1, 2, 3, 31: 32}
	client = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1}
	server = []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 0xaa}
	peer   = [16]byte{0xfe, 0x80, 15: 1}
)

// TestKeyIsHMAC: generation and key are what the standard library's HMAC makes of secret, message and DUID.
func TestKeyIsHMAC(t *testing.T) {
	sum := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret[:])
		for _, part := range parts {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	longest := make([]byte, wire.MaxDUID)
	for _, duid := range [][]byte{client, {1}, longest} {
		a := Accept(&secret, duid, &peer, [3]byte{7, 8, 9}, 0x01020304)
		want := append([]byte{1, 2, 3, 4}, sum([]byte{1, 7, 8, 9}, peer[:], duid)[:8]...)
		if diff := cmp.Diff(want, a[:]); diff != "" {
			t.Errorf("acceptance (-want +got):\n%s", diff)
		}
		key := KeyOf(&secret, duid, &a)
		if diff := cmp.Diff(sum([]byte{2}, a[4:], duid)[:16], key[:]); diff != "" {
			t.Errorf("key (-want +got):\n%s", diff)
		}
	}
}

// TestKeysDiffer: whatever differs in the message or the secret gives another key, and a later time doesn't.
func TestKeysDiffer(t *testing.T) {
	xid := [3]byte{7, 8, 9}
	a := Accept(&secret, client, &peer, xid, 100)
	key := KeyOf(&secret, client, &a)
	later := Accept(&secret, client, &peer, xid, 200)
	if KeyOf(&secret, client, &later) != key || !later.Same(&a) || later.Since() != 200 {
		t.Error("a message that was sent again has another key")
	}
	stranger, other := [16]byte{0xfe, 0x80, 15: 2}, secret
	other[0]++
	for name, b := range map[string]Acceptance{
		"peer": Accept(&secret, client, &stranger, xid, 100), "transaction": Accept(&secret, client, &peer, [3]byte{7, 8, 10}, 100),
		"client": Accept(&secret, server, &peer, xid, 100), "secret": Accept(&other, client, &peer, xid, 100),
	} {
		if b.Same(&a) || KeyOf(&secret, client, &b) == key {
			t.Errorf("another %s has the same key", name)
		}
	}
	if KeyOf(&other, client, &a) == key {
		t.Error("another secret makes the same key")
	}
}

// TestNothingIsAllocated: keys are made on the packet path.
func TestNothingIsAllocated(t *testing.T) {
	dst := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		a := Accept(&secret, client, &peer, [3]byte{1}, 5)
		key := KeyOf(&secret, client, &a)
		dst = AppendKey(dst[:0], &key, 9)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAppendKey shows the option octet by octet (RFC 9915, Sections 20.4.1 and 21.11).
func TestAppendKey(t *testing.T) {
	key := Key{0x10, 15: 0x1f}
	want := unhex(t, "000b"+"001c"+"03"+"01"+"00"+"0102030405060708"+"01"+"1000000000000000000000000000001f")
	if diff := cmp.Diff(want, AppendKey(nil, &key, 0x0102030405060708)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAppendMessage shows the message octet by octet (RFC 9915, Sections 8, 18.3.11, 20.4.1 and 21.19), and computes its digest anew.
func TestAppendMessage(t *testing.T) {
	key := Key{0x10, 15: 0x1f}
	for _, ask := range []wire.MessageType{wire.Renew, wire.Rebind, wire.InformationRequest} {
		got := AppendMessage([]byte("before"), ask, client, server, &key, 0x0102030405060708)[len("before"):]
		head := unhex(t, "0a000000"+
			"0001000a"+"00030001020000000001"+
			"0002000a"+"000300010200000000aa"+
			"00130001"+hex.EncodeToString([]byte{byte(ask)})+
			"000b001c"+"030100"+"0102030405060708"+"02")
		h := hmac.New(md5.New, key[:])
		h.Write(head)
		h.Write(make([]byte, 16))
		if diff := cmp.Diff(h.Sum(head), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ask, diff)
		}
		m, err := dhcpv6.MessageFromBytes(got)
		if err != nil {
			t.Fatal(err)
		}
		if m.MessageType != dhcpv6.MessageTypeReconfigure || m.TransactionID != (dhcpv6.TransactionID{}) || len(m.Options.Options) != 4 {
			t.Errorf("an independent library reads %s", m.Summary())
		}
		if !Asks(ask) || Asks(wire.Request) {
			t.Error("a Reconfigure asks for a Renew, a Rebind or an Information-request")
		}
	}
}
