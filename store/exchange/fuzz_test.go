package exchange

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// fuzz holds what a reader makes of any octets against what its users rely on.
func fuzz(f *testing.F, file string, open func(io.Reader) Reader) {
	f.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := open(bytes.NewReader(data))
		var fault *Fault
		for range 2*len(data) + 2 { // no reader makes more of nothing
			var l Lease
			switch err := r.Next(&l); {
			case errors.As(err, &fault):
				continue
			case err != nil:
				return
			}
			check(t, &l)
			writeBack(t, &l)
		}
		t.Error("it reads on and on")
	})
}

// check holds a lease against what a binding can say.
func check(t *testing.T, l *Lease) {
	t.Helper()
	if l.State == binding.Bound {
		if err := checkDUID(l.DUID); err != nil {
			t.Errorf("%s: %v", text(l), err)
		}
	}
	if l.Kind == wire.IANA && l.Key.Length != 128 || l.Kind == wire.IAPD && l.Key.Length == 0 || l.Kind != wire.IANA && l.Kind != wire.IAPD {
		t.Errorf("%s: the key doesn't fit its kind", text(l))
	}
	if len(l.DUID) > wire.MaxDUID || len(l.Extension) > maxPlace || l.State < binding.Bound || l.State > binding.Declined {
		t.Errorf("%s: out of bounds", text(l))
	}
}

// writeBack writes a living lease as Kea has it, and reads it again.
func writeBack(t *testing.T, l *Lease) {
	t.Helper()
	if l.State != binding.Bound || l.Expires <= l.Last {
		return
	}
	var b bytes.Buffer
	w := NewKeaWriter(&b, func(*Lease) uint32 { return 1 })
	if err := errors.Join(w.Write(l), w.Flush()); err != nil {
		t.Fatal(err)
	}
	var got Lease
	if err := NewKea(&b, "").Next(&got); err != nil {
		t.Fatalf("%s is written as\n%s: %v", text(l), b.Bytes(), err)
	}
	want := Lease{Key: l.Key, Kind: l.Kind, IAID: l.IAID, DUID: l.DUID, State: l.State, Last: l.Last, Expires: l.Expires}
	got = Lease{Key: got.Key, Kind: got.Kind, IAID: got.IAID, DUID: got.DUID, State: got.State, Last: got.Last, Expires: got.Expires}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("written and read (-want +got)\n%s", diff)
	}
}

func FuzzKea(f *testing.F) {
	fuzz(f, "kea-leases6.csv", func(r io.Reader) Reader { return NewKea(r, "f") })
}

func FuzzISC(f *testing.F) {
	fuzz(f, "dhcpd6.leases", func(r io.Reader) Reader { return NewISC(r, "f", false) })
}

func FuzzDnsmasq(f *testing.F) {
	fuzz(f, "dnsmasq.leases", func(r io.Reader) Reader { return NewDnsmasq(r, "f", 1795745214) })
}

func FuzzDibbler(f *testing.F) {
	fuzz(f, "server-AddrMgr.xml", func(r io.Reader) Reader { return NewDibbler(r, "f") })
}
