package address_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

func drawIdentity(t *rapid.T) *address.Identity {
	return &address.Identity{
		DUID: rapid.SliceOfN(rapid.Byte(), 3, address.MaxDUID).Draw(t, "DUID"),
		IAID: rapid.Uint32().Draw(t, "IAID"),
		Kind: rapid.SampledFrom([]wire.Kind{wire.IANA, wire.IAPD}).Draw(t, "kind"),
	}
}

func drawHasher(t *rapid.T) *address.Hasher {
	key := address.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
	return address.NewHasher(rapid.SampledFrom(bothAlgorithms).Draw(t, "algorithm"), key)
}

// TestCandidates proves of the walk over a client's candidates: it meets each usable one once, in order, and no
// other; Primary is its first; a spill begins within its stripe.
func TestCandidates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := drawPool(t)
		h, id := drawHasher(t), drawIdentity(t)
		var want, got []address.U128
		for counter := range uint32(address.Counters) {
			slot := h.Candidate(p, id, counter)
			if !slot.Less(p.Size()) {
				t.Fatalf("candidate %d is slot %v of %v", counter, slot, p.Size())
			}
			if p.Usable(slot) {
				want = append(want, slot)
			}
		}
		for slot, next, ok := h.NextUsable(p, id, 0); ok; slot, next, ok = h.NextUsable(p, id, next) {
			got = append(got, slot)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("usable candidates (-want +got):\n%s", diff)
		}
		primary, ok := h.Primary(p, id)
		if ok != (len(want) > 0) || ok && (primary != want[0] || !p.Usable(primary)) {
			t.Fatalf("primary %v, %v of the candidates %v", primary, ok, want)
		}
		const n = 3
		for stripe := range n {
			if size := p.StripeSize(stripe, n); !size.IsZero() && !h.Spill(p, id, stripe, n).Less(size) {
				t.Fatalf("spill in stripe %d: index %v of %v", stripe, h.Spill(p, id, stripe, n), size)
			}
		}
	})
}

func TestNoUsableCandidate(t *testing.T) {
	p := pool(t, "2001:db8::fdff:ffff:ffff:ff80-2001:db8::fdff:ffff:ffff:ffff", 128)
	h := address.NewHasher(address.XXH64, countingKey())
	id := &address.Identity{DUID: pageDUID, IAID: 1, Kind: wire.IANA}
	if slot, ok := h.Primary(p, id); ok {
		t.Errorf("a pool of reserved identifiers alone gave slot %v", slot)
	}
	if slot, next, ok := h.NextUsable(pool(t, "2001:db8::/64", 128), id, address.Counters); ok || next != address.Counters {
		t.Errorf("behind the last counter there is slot %v, next %d", slot, next)
	}
}

// TestEveryInputCounts changes one thing at a time; in a /64 each must change the candidate.
func TestEveryInputCounts(t *testing.T) {
	p, sibling := pool(t, "2001:db8::/64", 128), pool(t, "2001:db8:0:1::/64", 128)
	for _, algorithm := range bothAlgorithms {
		key := countingKey()
		h := address.NewHasher(algorithm, key)
		id := address.Identity{DUID: pageDUID, IAID: 1, Kind: wire.IANA}
		seen := map[address.U128]string{h.Candidate(p, &id, 0): "nothing"}
		note := func(what string, slot address.U128) {
			if other, ok := seen[slot]; ok {
				t.Errorf("%v: changing %s gives the slot of changing %s", algorithm, what, other)
			}
			seen[slot] = what
		}
		note("the prefix", h.Candidate(sibling, &id, 0))
		note("the counter", h.Candidate(p, &id, 1))
		for i := range key {
			other := key
			other[i] ^= 1
			note("a key octet", address.NewHasher(algorithm, other).Candidate(p, &id, 0))
		}
		for i := range pageDUID {
			other := bytes.Clone(pageDUID)
			other[i] ^= 0x80
			note("a DUID octet", h.Candidate(p, &address.Identity{DUID: other, IAID: 1}, 0))
		}
		note("the DUID's length", h.Candidate(p, &address.Identity{DUID: append(bytes.Clone(pageDUID), 0), IAID: 1}, 0))
		for bit := range 32 {
			note("an IAID bit", h.Candidate(p, &address.Identity{DUID: pageDUID, IAID: 1 ^ 1<<bit}, 0))
		}
		id.Kind = wire.IAPD
		if h.Candidate(p, &id, 0) != h.Candidate(p, &address.Identity{DUID: pageDUID, IAID: 1, Kind: wire.IANA}, 0) {
			t.Errorf("%v: the kind enters the hash", algorithm)
		}
	}
}

// TestLongDUID: a DUID beyond MaxDUID isn't legal, and must neither panic nor be cut.
func TestLongDUID(t *testing.T) {
	p := pool(t, "2001:db8::/48", 128)
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		a := &address.Identity{DUID: bytes.Repeat([]byte{1}, 1000)}
		b := &address.Identity{DUID: append(bytes.Repeat([]byte{1}, 999), 2)}
		if h.Candidate(p, a, 0) == h.Candidate(p, b, 0) || h.Rank("a", a.DUID) == h.Rank("a", b.DUID) {
			t.Errorf("%v: the end of a long DUID is ignored", algorithm)
		}
	}
}

// TestKeyCheck: equal keys have equal checks whatever the algorithm, others have others.
func TestKeyCheck(t *testing.T) {
	key := countingKey()
	check := address.NewHasher(address.XXH64, key).KeyCheck()
	if got := address.NewHasher(address.SHA256, key).KeyCheck(); got != check {
		t.Errorf("want %x, got %x", check, got)
	}
	key[31] ^= 1
	if got := address.NewHasher(address.XXH64, key).KeyCheck(); got == check {
		t.Errorf("another key has the same check %x", got)
	}
}

// clients calls back with the DUIDs that access networks have: link-layer addresses in a row.
func clients(n int, each func(id *address.Identity)) {
	duid := bytes.Clone(pageDUID)
	id := &address.Identity{DUID: duid, IAID: 1, Kind: wire.IANA}
	for i := range n {
		binary.BigEndian.PutUint32(duid[6:], uint32(i))
		each(id)
	}
}

// chiSquared fails where counts that should be equal aren't. The limit is 6 standard deviations over the mean.
func chiSquared(t testing.TB, what string, counts []int) {
	t.Helper()
	total := 0
	for _, n := range counts {
		total += n
	}
	want, sum := float64(total)/float64(len(counts)), 0.0
	for _, n := range counts {
		sum += (float64(n) - want) * (float64(n) - want) / want
	}
	freedom := float64(len(counts) - 1)
	if sum > freedom+6*math.Sqrt(2*freedom) {
		t.Errorf("%s: chi squared %.0f at %.0f degrees of freedom", what, sum, freedom)
	}
}

func TestUniform(t *testing.T) {
	const n, buckets = 1 << 15, 251 // a prime: a bias of any bits shows
	whole, odd, wide := pool(t, "2001:db8::/64", 128), pool(t, "2001:db8::1-2001:db8::fb", 128), pool(t, "2001:db8::/48", 128)
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		var high, low, direct, wideLow, spill [buckets]int
		var rank [4]int
		clients(n, func(id *address.Identity) {
			slot := h.Candidate(whole, id, 0)
			high[slot.Mul64(buckets).Hi]++
			low[slot.Lo%buckets]++
			direct[h.Candidate(odd, id, 0).Lo]++
			wideLow[h.Candidate(wide, id, 0).Lo%buckets]++
			spill[h.Spill(whole, id, 1, 3).Lo%buckets]++
			best := 0
			for i := range rank {
				if h.Rank(nodeNames[i], id.DUID) > h.Rank(nodeNames[best], id.DUID) {
					best = i
				}
			}
			rank[best]++
		})
		chiSquared(t, algorithm.String()+" upper bits", high[:])
		chiSquared(t, algorithm.String()+" lower bits", low[:])
		chiSquared(t, algorithm.String()+" small pool", direct[:])
		chiSquared(t, algorithm.String()+" lower bits of 80", wideLow[:])
		chiSquared(t, algorithm.String()+" spills", spill[:])
		chiSquared(t, algorithm.String()+" nodes", rank[:])
	}
}

var nodeNames = [...]string{"a", "b", "c", "d"}

// TestMillionClients: a million clients in a /64 have a million addresses. By chance two would share one with
// a probability of 3e-8.
func TestMillionClients(t *testing.T) {
	const n = 1_000_000
	p := pool(t, "2001:db8::/64", 128)
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		seen := make(map[uint64]struct{}, n)
		clients(n, func(id *address.Identity) {
			slot, ok := h.Primary(p, id)
			if !ok {
				t.Fatalf("%v: no primary for %x", algorithm, id.DUID)
			}
			seen[slot.Lo] = struct{}{}
		})
		if len(seen) != n {
			t.Errorf("%v: want %d addresses, got %d", algorithm, n, len(seen))
		}
	}
}

// TestServerDUID: form of a DUID-UUID, and no two of a cluster or of two clusters alike.
func TestServerDUID(t *testing.T) {
	seen := make(map[[18]byte]string)
	for _, cluster := range []string{"", "x", "5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11"} {
		for _, node := range []string{"", "a", "b", "xa", "ab"} {
			duid := address.ServerDUID(cluster, node)
			if duid[0] != 0 || duid[1] != 4 || duid[8]>>4 != 8 || duid[10]>>6 != 2 {
				t.Errorf("%x is no DUID-UUID with a UUID of version 8", duid)
			}
			if other, ok := seen[duid]; ok {
				t.Errorf("%q %q has the DUID of %s", cluster, node, other)
			}
			seen[duid] = cluster + " " + node
		}
	}
}

// TestManyGoroutines lets several use one Hasher and one Pool; the race detector watches.
func TestManyGoroutines(t *testing.T) {
	p, q := pool(t, "2001:db8::/64", 128, "2001:db8::/65"), pool(t, "2001:db8:1::/80", 128)
	for _, algorithm := range bothAlgorithms {
		h := address.NewHasher(algorithm, countingKey())
		results := make(chan address.U128)
		for range 4 {
			go func() {
				sum := address.U128{}
				r := rand.New(rand.NewPCG(7, 7))
				for range 1000 {
					id := &address.Identity{DUID: randomDUID(r), IAID: r.Uint32()}
					slot, _ := h.Primary(p, id)
					sum = sum.Add(slot).Add(one(h.Rank("a", id.DUID)))
					sum = sum.Add(one(uint64(h.Choose([]*address.Pool{p, q}, id, nil)[0])))
				}
				results <- sum
			}()
		}
		want := <-results
		for range 3 {
			if got := <-results; got != want {
				t.Errorf("%v: goroutines computed %v and %v", algorithm, want, got)
			}
		}
	}
}
