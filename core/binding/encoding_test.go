package binding

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep6/lockstep6/core/wire"
)

// goldenDraft is the lease whose octets docs/store-format.md shows.
func goldenDraft() Draft {
	return Draft{
		Key:  Key{Address: [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0x2a}, Length: 56},
		Kind: wire.IAPD, IAID: 0x0a0b0c0d, DUID: []byte{0, 3, 0, 1, 2, 0, 0, 0, 0, 1},
		State: Bound, Flags: 0x05, Owner: 2, Mark: 99,
		Preferred: 3000, Valid: 4000, LastTransaction: 0x30000000, Expires: 0x30000fa0, Since: 0x2f000000,
		Extension: AppendExtension(AppendExtension(nil, ExtInterfaceID, []byte("eth0")), ExtRemoteID, []byte{0, 0, 0, 9, 'x'}),
	}
}

// golden is that lease as version 7: the first is a change, with the value's length and the key in front.
var golden = strings.Join([]string{
	"3f",                               // 63 octets of value
	"20010db800012a000000000000000000", // 2001:db8:1:2a00::
	"38",                               // /56
	"01",                               // format
	"0000000000000007",                 // version
	"01", "02", "05", "02",             // bound, IA_PD, flags, owner
	"0a0b0c0d",             // IAID
	"00000bb8", "00000fa0", // preferred, valid
	"30000000", "30000fa0", "2f000000", // last transaction, expires, since
	"0a", "00030001020000000001", // DUID
	"040004", "65746830", // Interface-ID
	"010005", "0000000978", // Remote-ID
}, "")

func TestGoldenChange(t *testing.T) {
	table := newTable(t, Options{Capacity: 2})
	h := table.NewHandle()
	h.Enter()
	d := goldenDraft()
	if _, outcome := h.publishStored(nil, &d, 7); outcome != Published {
		t.Fatal(outcome)
	}
	r := h.Find(&d.Key)
	change := AppendChange([]byte("front"), r)
	if got := hex.EncodeToString(change[5:]); got != golden || string(change[:5]) != "front" {
		t.Errorf("want %s\ngot  %s", golden, got)
	}
	h.Close()

	key, value, rest, err := NextChange(append(change[5:], "rest"...))
	if err != nil || string(rest) != "rest" {
		t.Fatalf("next change: rest %q, %v", rest, err)
	}
	got, err := DecodeValue(key, value)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(expected(&d, 7), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGoldenRemoval(t *testing.T) {
	key := goldenDraft().Key
	change := AppendRemoval(nil, &key, 8)
	if got, want := hex.EncodeToString(change), "0a"+golden[2:36]+"01"+"0000000000000008"+"00"; got != want {
		t.Errorf("want %s\ngot  %s", want, got)
	}
	k, value, rest, err := NextChange(change)
	if err != nil || len(rest) != 0 {
		t.Fatal(rest, err)
	}
	version, removed, err := ValueVersion(value)
	if version != 8 || !removed || err != nil {
		t.Errorf("want version 8, removed; got %d, %v, %v", version, removed, err)
	}
	got, err := DecodeValue(k, value)
	if diff := gocmp.Diff(Stored{Key: key, Version: 8, Removed: true}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestDamagedValues(t *testing.T) {
	change, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	key, value, _, err := NextChange(change)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(b []byte, at int, octets ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], octets)
		return b
	}
	for _, test := range []struct {
		name       string
		key, value []byte
		want       error
	}{
		{"key cut", key[:16], value, ErrKey},
		{"key too long", append(bytes.Clone(key), 0), value, ErrKey},
		{"key of length 0", edit(key, 16, 0), value, ErrKey},
		{"key of length 129", edit(key, 16, 129), value, ErrKey},
		{"address that isn't 128 long", key, edit(value, 10, 1), ErrKey},
		{"unknown kind", key, edit(value, 10, 3), ErrKey},
		{"empty", key, nil, ErrFormat},
		{"newer format", key, edit(value, 0, 2), ErrFormat},
		{"version cut", key, value[:9], ErrValue},
		{"version 0", key, edit(value, 1, 0, 0, 0, 0, 0, 0, 0, 0), ErrValue},
		{"version beyond the bound", key, edit(value, 1, 0, 0x80, 0, 0, 0, 0, 0, 1), ErrValue},
		{"removal with more", key, edit(value, 9, 0), ErrValue},
		{"unknown state", key, edit(value, 9, 5), ErrValue},
		{"header cut", key, value[:37], ErrValue},
		{"DUID cut", key, value[:47], ErrValue},
		{"DUID too long", key, append(edit(value, 37, 131), make([]byte, 131)...), ErrValue},
		{"piece cut", key, value[:len(value)-1], ErrValue},
		{"piece of the kind that is for memory only", key, edit(value, 48, 0), ErrValue},
		{"extension too long", key, AppendExtension(bytes.Clone(value), 9, make([]byte, MaxExtension)), ErrValue},
	} {
		if _, err := DecodeValue(test.key, test.value); !errors.Is(err, test.want) {
			t.Errorf("%s: want %v, got %v", test.name, test.want, err)
		}
	}
	for cut := range change {
		if _, _, _, err := NextChange(change[:cut]); !errors.Is(err, ErrChange) {
			t.Errorf("change cut to %d octets: want %v, got %v", cut, ErrChange, err)
		}
	}
}

// FuzzChange feeds anything to the decoders. What they accept is the same after another round through the
// format, and can be loaded; nothing makes them panic.
func FuzzChange(f *testing.F) {
	change, err := hex.DecodeString(golden)
	if err != nil {
		f.Fatal(err)
	}
	key := goldenDraft().Key
	f.Add(change)
	f.Add(append(AppendRemoval(nil, &key, 8), change...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	table := newTable(f, Options{Capacity: 1 << 20, ExtensionBytes: 1 << 22})
	h := table.NewHandle()
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			key, value, rest, err := NextChange(b)
			if err != nil {
				return
			}
			b = rest
			s, err := DecodeValue(key, value)
			version, removed, versionErr := ValueVersion(value)
			if err != nil {
				continue
			}
			if versionErr != nil || version != s.Version || removed != s.Removed {
				t.Fatalf("version: want %d %v, got %d %v %v", s.Version, s.Removed, version, removed, versionErr)
			}
			if err := h.Load(key, value); err != nil {
				t.Fatal(err)
			}
			checkLoaded(t, h, &s)
		}
	})
}

// checkLoaded expects what was loaded in the table, encodes it again, and takes it out.
func checkLoaded(t *testing.T, h *Handle, s *Stored) {
	t.Helper()
	h.Enter()
	defer h.Leave()
	r := h.Find(&s.Key)
	if s.Removed {
		if r != nil {
			t.Fatalf("%v is removed and there", s.Key)
		}
		return
	}
	bare := *s
	bare.News, bare.Before = false, nil // are for who reads the log; a table has the lease as it is
	if diff := gocmp.Diff(bare, stored(t, r), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if outcome := h.Remove(r); outcome != Published {
		t.Fatal(outcome)
	}
}

// TestLoadTogether loads the same leases, in several versions, from several goroutines: the highest stands.
func TestLoadTogether(t *testing.T) {
	const leases, versions = 300, 4
	table := newTable(t, Options{Capacity: leases, Seed: 1})
	done := make(chan error)
	for version := range uint64(versions) {
		h := table.NewHandle()
		go func() {
			defer h.Close()
			for n := range uint64(leases) {
				d := numberedDraft(n)
				d.IAID = uint32(version)
				d.Extension = AppendExtension(nil, ExtFQDN, []byte{byte(version)})
				s := expected(&d, 1+(version+n)%versions)
				if err := h.Load(AppendKey(nil, &s.Key), appendStored(nil, &s)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range versions { // all of them, even where one failed: the table goes with the test
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	audit(t, table)
	h := table.NewHandle()
	h.Enter()
	for n := range uint64(leases) {
		key := numberedKey(n)
		if r := h.Find(&key); r == nil || r.Version() != versions || r.Mark() != 0 {
			t.Errorf("lease %d: want version %d of mark 0, got %+v", n, versions, r)
		}
	}
	h.Close()
}
