package address_test

import (
	"math/big"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep6/lockstep6/core/address"
)

func at(s string) [16]byte { return netip.MustParseAddr(s).As16() }

func one(n uint64) address.U128 { return address.U128{Lo: n} }

// ends returns the first and the last lease of "prefix" or "first-last".
func ends(t testing.TB, text string, length uint8) (first, last [16]byte) {
	t.Helper()
	if from, to, ok := strings.Cut(text, "-"); ok {
		return at(from), at(to)
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		t.Fatal(err)
	}
	first = p.Masked().Addr().As16()
	all := address.U128{Hi: ^uint64(0), Lo: ^uint64(0)}
	host := all.Rsh(uint(p.Bits())).Sub(all.Rsh(uint(length)))
	return first, address.FromBytes(first).Add(host).Bytes()
}

// pool makes a pool from "prefix" or "first-last", with exclusions of the same forms or single addresses.
func pool(t testing.TB, text string, length uint8, exclude ...string) *address.Pool {
	t.Helper()
	first, last := ends(t, text, length)
	var excluded []address.Range
	for _, e := range exclude {
		if !strings.ContainsAny(e, "-/") {
			e += "-" + e
		}
		from, to := ends(t, e, 128)
		excluded = append(excluded, address.Range{First: from, Last: to})
	}
	p, err := address.NewPool(first, last, length, address.CommonPrefix(first, last), excluded)
	if err != nil {
		t.Fatalf("pool %s length %d: %v", text, length, err)
	}
	return &p
}

// drawPool draws pools of all lengths and sizes, with exclusions within and around them.
func drawPool(t *rapid.T) (*address.Pool, []address.Range) {
	length := uint8(rapid.IntRange(1, 128).Draw(t, "length"))
	shift := uint(128 - length)
	draw := func(label string) address.U128 {
		a := address.U128{Hi: rapid.Uint64().Draw(t, label+" hi"), Lo: rapid.Uint64().Draw(t, label+" lo")}
		return a.Rsh(uint(rapid.IntRange(0, 127).Draw(t, label+" shift")))
	}
	align := func(a address.U128) address.U128 { return a.Rsh(shift).Lsh(shift) }
	first, last := align(draw("first")), align(draw("last"))
	if last.Less(first) {
		first, last = last, first
	}
	if count := last.Sub(first).Rsh(shift).Add(one(1)); count.IsZero() { // all addresses there are: one too many
		first = one(1)
	}
	var excluded []address.Range
	for range rapid.IntRange(0, 5).Draw(t, "exclusions") {
		from := first.Add(draw("from")) // may wrap: then it lies before the pool
		to := from.Add(draw("span"))
		if to.Less(from) {
			to = address.U128{Hi: ^uint64(0), Lo: ^uint64(0)}
		}
		excluded = append(excluded, address.Range{First: from.Bytes(), Last: to.Bytes()})
	}
	prefix := address.CommonPrefix(first.Bytes(), last.Bytes())
	p, err := address.NewPool(first.Bytes(), last.Bytes(), length, prefix, excluded)
	if err != nil {
		t.Fatalf("NewPool: %v", err)
	}
	return &p, excluded
}

// drawSlot draws a slot of the pool, its ends more often than not.
func drawSlot(t *rapid.T, p *address.Pool, label string) address.U128 {
	top := p.Size().Sub(one(1))
	slot := address.U128{Hi: rapid.Uint64().Draw(t, label+" hi"), Lo: rapid.Uint64().Draw(t, label+" lo")}.MulHi(p.Size())
	return rapid.SampledFrom([]address.U128{{}, top, top.Rsh(1), slot, slot}).Draw(t, label)
}

func TestNewPool(t *testing.T) {
	tests := []struct {
		name        string
		first, last string
		length      uint8
		want        error
		size        string
	}{
		{"one address", "2001:db8::1", "2001:db8::1", 128, nil, "1"},
		{"a /64 of addresses", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", 128, nil, "18446744073709551616"},
		{"a /40 of /56", "2001:db8::", "2001:db8:ff:ff00::", 56, nil, "65536"},
		{"an odd range", "2001:db8::a", "2001:db8::3e8", 128, nil, "991"},
		{"half of everything", "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128, nil, "170141183460469231731687303715884105728"},
		{"all but one", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128, nil, "340282366920938463463374607431768211455"},
		{"all /1", "::", "8000::", 1, nil, "2"},
		{"all /127", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 127, nil, "170141183460469231731687303715884105728"},
		{"everything", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128, address.ErrSize, ""},
		{"length 0", "::", "::", 0, address.ErrLength, ""},
		{"length 129", "::", "::", 129, address.ErrLength, ""},
		{"backwards", "2001:db8::2", "2001:db8::1", 128, address.ErrOrder, ""},
		{"first has host bits", "2001:db8::1", "2001:db8:1::", 56, address.ErrAligned, ""},
		{"last has host bits", "2001:db8::", "2001:db8:1::1", 56, address.ErrAligned, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			first, last := at(test.first), at(test.last)
			p, err := address.NewPool(first, last, test.length, first, nil)
			if err != test.want {
				t.Fatalf("want error %v, got %v", test.want, err)
			}
			if err != nil {
				return
			}
			want := []any{test.size, first, last, test.length}
			if diff := cmp.Diff(want, []any{p.Size().String(), p.First(), p.Last(), p.Length()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	first, backwards := at("2001:db8::"), address.Range{First: at("2001:db8::2"), Last: at("2001:db8::1")}
	if _, err := address.NewPool(first, first, 128, first, []address.Range{backwards}); err != address.ErrOrder {
		t.Errorf("an exclusion that ends before it begins: want %v, got %v", address.ErrOrder, err)
	}
}

func TestCommonPrefix(t *testing.T) {
	for _, test := range []struct{ first, last, want string }{
		{"2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::"},
		{"2001:db8::1000", "2001:db8::2fff", "2001:db8::"},
		{"2001:db8::1200", "2001:db8::13ff", "2001:db8::1200"},
		{"2001:db8::1201", "2001:db8::13fe", "2001:db8::1200"},
		{"2001:db8::7", "2001:db8::7", "2001:db8::7"},
		{"::", "ffff::", "::"},
		{"2001:db8:8000::", "2001:db8:80ff:ff00::", "2001:db8:8000::"},
	} {
		if got := netip.AddrFrom16(address.CommonPrefix(at(test.first), at(test.last))); got.String() != test.want {
			t.Errorf("%s and %s: want %s, got %s", test.first, test.last, test.want, got)
		}
	}
}

// TestSlotLease proves that slots and leases are one to one, and ascend together.
func TestSlotLease(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := drawPool(t)
		slot, other := drawSlot(t, p, "slot"), drawSlot(t, p, "other")
		lease := p.Lease(slot)
		back, ok := p.Slot(lease)
		if !ok || back != slot {
			t.Fatalf("slot %v: lease %x is slot %v, %v", slot, lease, back, ok)
		}
		if !p.Contains(lease) {
			t.Fatalf("the pool doesn't contain its lease %x", lease)
		}
		leases := address.FromBytes(lease).Cmp(address.FromBytes(p.Lease(other)))
		if want := slot.Cmp(other); want != leases {
			t.Fatalf("slots %v and %v compare as %d, their leases as %d", slot, other, want, leases)
		}
	})
}

// TestOutside asks for slots of addresses in and around pools, and compares with big integers.
func TestOutside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := drawPool(t)
		a := address.FromBytes(p.First())
		switch rapid.IntRange(0, 3).Draw(t, "where") {
		case 0:
			a = a.Sub(one(rapid.Uint64Range(0, 3).Draw(t, "before")))
		case 1:
			a = address.FromBytes(p.Last()).Add(one(rapid.Uint64().Draw(t, "behind")))
		case 2:
			a = address.U128{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		default:
			a = address.FromBytes(p.Lease(drawSlot(t, p, "slot"))).Add(one(rapid.Uint64Range(0, 2).Draw(t, "within")))
		}
		checkSlot(t, p, a.Bytes())
	})
}

// checkSlot compares Slot and Contains with big integers.
func checkSlot(t rapid.TB, p *address.Pool, addr [16]byte) {
	t.Helper()
	first, last := p.First(), p.Last()
	step := new(big.Int).Lsh(big.NewInt(1), uint(128-p.Length()))
	n := new(big.Int).SetBytes(addr[:])
	n.Sub(n, new(big.Int).SetBytes(first[:]))
	count := new(big.Int).Sub(new(big.Int).SetBytes(last[:]), new(big.Int).SetBytes(first[:]))
	count.Add(count, step)
	inside := n.Sign() >= 0 && n.Cmp(count) < 0
	slot, rest := new(big.Int).DivMod(n, step, new(big.Int))
	if got := p.Contains(addr); got != inside {
		t.Fatalf("Contains(%x) in %x to %x length %d: want %v, got %v", addr, first, last, p.Length(), inside, got)
	}
	got, ok := p.Slot(addr)
	if want := inside && rest.Sign() == 0; want != ok || ok && slot.String() != got.String() {
		t.Fatalf("Slot(%x) in %x to %x length %d: want %v %v, got %v %v", addr, first, last, p.Length(), slot, want, got, ok)
	}
}

func FuzzSlot(f *testing.F) {
	add := func(first, last, addr string, length uint8) {
		a, b, c := at(first), at(last), at(addr)
		f.Add(a[:], b[:], c[:], length)
	}
	add("2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::1", 128)
	add("2001:db8::", "2001:db8:ff:ff00::", "2001:db8:0:100::", 56)
	add("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", 128)
	add("::", "8000::", "ffff::", 1)
	f.Fuzz(func(t *testing.T, first, last, addr []byte, length uint8) {
		if len(first) != 16 || len(last) != 16 || len(addr) != 16 {
			return
		}
		p, err := address.NewPool([16]byte(first), [16]byte(last), length, [16]byte(first), nil)
		if err != nil {
			return
		}
		checkSlot(t, &p, [16]byte(addr))
		if slot, ok := p.Slot([16]byte(addr)); ok && p.Lease(slot) != [16]byte(addr) {
			t.Fatalf("slot %v of %x is the lease %x", slot, addr, p.Lease(slot))
		}
	})
}

func TestSparse(t *testing.T) {
	for text, want := range map[string]bool{
		"2001:db8::/64":              true,
		"2001:db8::/80":              true,
		"2001:db8::/81":              false,
		"2001:db8::-2001:db8::ffff":  false,
		"2001:db8::-2001:dba::":      true,
		"2001:db8::1-2001:db8::1:0":  false,
		"2001:db8::-2001:db8::1:0:0": false,
	} {
		if got := pool(t, text, 128).Sparse(); got != want {
			t.Errorf("%s: want %v, got %v", text, want, got)
		}
	}
}

// TestReserved asks for each end of IANA's registry and its neighbours.
func TestReserved(t *testing.T) {
	whole := pool(t, "2001:db8:1::/64", 128)
	wide := pool(t, "2001:db8::/32", 128) // the identifiers are reserved in every /64 of it
	for identifier, usable := range map[string]bool{
		"::": false, "::1": true, "::ffff:ffff:ffff:ffff": true,
		"::200:5eff:fdff:ffff": true, "::200:5eff:fe00:0": false, "::200:5eff:fe00:5212": false,
		"::200:5eff:fe00:5213": false, "::200:5eff:fe00:5214": false, "::200:5eff:feff:ffff": false, "::200:5eff:ff00:0": true,
		"::fdff:ffff:ffff:ff7f": true, "::fdff:ffff:ffff:ff80": false, "::fdff:ffff:ffff:ffff": false, "::fe00:0:0:0": true,
	} {
		lease := address.FromBytes(at("2001:db8:1::")).Add(address.FromBytes(at(identifier))).Bytes()
		for _, p := range []*address.Pool{whole, wide} {
			slot, ok := p.Slot(lease)
			if !ok || p.Usable(slot) != usable {
				t.Errorf("%s in a pool of %v: want usable %v, got %v (in the pool: %v)", identifier, p.Size(), usable, p.Usable(slot), ok)
			}
		}
	}
	// A prefix that begins with a reserved address is no address.
	if p := pool(t, "2001:db8::/40", 56); !p.Usable(one(0)) {
		t.Error("the first prefix of a pool isn't usable")
	}
}

// TestExcluded compares with the definition: what overlaps an excluded range isn't usable.
func TestExcluded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, excluded := drawPool(t)
		slots := []address.U128{drawSlot(t, p, "slot")}
		for _, e := range excluded { // and those around each end
			for _, end := range [][16]byte{e.First, e.Last} {
				for _, delta := range []address.U128{one(1), {}, {Hi: ^uint64(0), Lo: ^uint64(0)}} {
					shift := uint(128 - p.Length())
					lease := address.FromBytes(end).Rsh(shift).Add(delta).Lsh(shift)
					if slot, ok := p.Slot(lease.Bytes()); ok {
						slots = append(slots, slot)
					}
				}
			}
		}
		clean, err := address.NewPool(p.First(), p.Last(), p.Length(), p.Prefix(), nil)
		if err != nil {
			t.Fatal(err)
		}
		inLease := address.U128{}.Sub(one(1)).Rsh(uint(p.Length()))
		for _, slot := range slots {
			want := clean.Usable(slot)
			low := address.FromBytes(p.Lease(slot))
			high := low.Add(inLease)
			for _, e := range excluded {
				if !address.FromBytes(e.Last).Less(low) && !high.Less(address.FromBytes(e.First)) {
					want = false
				}
			}
			if got := p.Usable(slot); want != got {
				t.Fatalf("slot %v: want usable %v, got %v", slot, want, got)
			}
		}
	})
}
