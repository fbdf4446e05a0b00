package address_test

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

var sink address.U128

// BenchmarkPrimary is what a Solicit costs here: one candidate in the common pools, checked for use.
func BenchmarkPrimary(b *testing.B) {
	for _, size := range []struct {
		name string
		pool *address.Pool
	}{
		{"64", pool(b, "2001:db8:1::/64", 128, "2001:db8:1::1", "2001:db8:1::100-2001:db8:1::1ff")},
		{"48", pool(b, "2001:db8:2::/48", 128)},
		{"pd40-56", pool(b, "2001:db8:8000::/40", 56)},
	} {
		for _, algorithm := range bothAlgorithms {
			b.Run(size.name+"/"+algorithm.String(), func(b *testing.B) {
				h := address.NewHasher(algorithm, countingKey())
				id := address.Identity{DUID: pageDUID, Kind: wire.IANA}
				b.ReportAllocs()
				for b.Loop() {
					id.IAID++
					slot, _ := h.Primary(size.pool, &id)
					sink = sink.Add(slot)
				}
			})
		}
	}
}

func BenchmarkSpill(b *testing.B) {
	h := address.NewHasher(address.XXH64, countingKey())
	p := pool(b, "2001:db8:8000::/40", 56)
	id := address.Identity{DUID: pageDUID, Kind: wire.IAPD}
	b.ReportAllocs()
	for b.Loop() {
		id.IAID++
		sink = sink.Add(h.Spill(p, &id, 1, 3))
	}
}

func BenchmarkChoose(b *testing.B) {
	pools := []*address.Pool{
		pool(b, "2001:db8:100::/40", 56), pool(b, "2001:db8:200::/42", 56), pool(b, "2001:db8:300::/41", 56), pool(b, "2001:db8:400::/44", 56),
	}
	for _, n := range []int{1, 2, 4} {
		b.Run(string(rune('0'+n)), func(b *testing.B) {
			h := address.NewHasher(address.XXH64, countingKey())
			id := address.Identity{DUID: pageDUID, Kind: wire.IAPD}
			order := make([]int, 0, n)
			b.ReportAllocs()
			for b.Loop() {
				id.IAID++
				order = h.Choose(pools[:n], &id, order)
				sink.Lo += uint64(order[0])
			}
		})
	}
}

func BenchmarkRank(b *testing.B) {
	h := address.NewHasher(address.XXH64, countingKey())
	b.ReportAllocs()
	for b.Loop() {
		sink.Lo += h.Rank("dhcp-1", pageDUID)
	}
}

func BenchmarkSlot(b *testing.B) {
	p := pool(b, "2001:db8:8000::/40", 56)
	lease := p.Lease(one(12345))
	for b.Loop() {
		slot, _ := p.Slot(lease)
		sink = sink.Add(slot)
	}
}
