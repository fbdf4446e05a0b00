package address_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lockstep6/lockstep6/core/address"
)

// What follows is RFC 7943, Section 3, once more: in the RFC's own words and order, of big integers and the standard
// library's SHA-256, and of nothing that this package has. With `hash: sha256` a node must give what it gives.

// A rfcServer is a server with one range of addresses.
type rfcServer struct {
	prefix     [16]byte // Prefix
	low, high  *big.Int // IPV6_ADDR_LOW, IPV6_ADDR_HI
	unit       *big.Int // a lease's size: 1 for addresses. The RFC knows no others; a range of prefixes is counted in prefixes
	secretKey  []byte
	isAssigned func(ipv6Addr *big.Int) bool
}

// rangeOf is the range from low to high. Without an explicit one that is a prefix' first and last address.
func rangeOf(low, high netip.Addr, length int, key []byte) *rfcServer {
	s := &rfcServer{low: number(low), high: number(high), unit: new(big.Int).Lsh(big.NewInt(1), uint(128-length)), secretKey: key}
	// Prefix: what both ends have in common, the unused bits 0.
	differ := new(big.Int).Xor(s.low, s.high)
	common := new(big.Int).Rsh(s.low, uint(differ.BitLen()))
	common.Lsh(common, uint(differ.BitLen())).FillBytes(s.prefix[:])
	return s
}

func number(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

func addressOf(n *big.Int) netip.Addr {
	var a [16]byte
	n.FillBytes(a[:])
	return netip.AddrFrom16(a)
}

// rid is step 1: RID = F(Prefix | Client_DUID | IAID | Counter | secret_key).
func (s *rfcServer) rid(clientDUID []byte, iaid, counter uint32) *big.Int {
	f := sha256.New()
	f.Write(s.prefix[:])
	f.Write(clientDUID)
	_ = binary.Write(f, binary.BigEndian, iaid)
	_ = binary.Write(f, binary.BigEndian, counter)
	f.Write(s.secretKey)
	return new(big.Int).SetBytes(f.Sum(nil))
}

// candidate is step 2: IPV6_ADDR = IPV6_ADDR_LOW + RID % (IPV6_ADDR_HI - IPV6_ADDR_LOW + 1).
func (s *rfcServer) candidate(clientDUID []byte, iaid, counter uint32) *big.Int {
	size := new(big.Int).Sub(s.high, s.low)
	size.Quo(size, s.unit).Add(size, big.NewInt(1))
	offset := new(big.Int).Mod(s.rid(clientDUID, iaid, counter), size)
	return offset.Mul(offset, s.unit).Add(offset, s.low)
}

// lease does all steps, from a counter on, and returns the counter with which it ended; nil: none of the first 16 counters
// gives an address.
func (s *rfcServer) lease(clientDUID []byte, iaid, counter uint32) (*big.Int, uint32) {
	for ; counter < 16; counter++ {
		ipv6Addr := s.candidate(clientDUID, iaid, counter)
		if s.unit.IsUint64() && s.unit.Uint64() == 1 && isReserved(ipv6Addr) { // step 3
			continue
		}
		if s.isAssigned != nil && s.isAssigned(ipv6Addr) { // step 4
			continue
		}
		return ipv6Addr, counter
	}
	return nil, counter
}

// reservedIIDs is IANA's registry "Reserved IPv6 Interface Identifiers", ranges of both ends.
var reservedIIDs = [][2]string{
	{"0000000000000000", "0000000000000000"}, // Subnet-Router Anycast (RFC 4291)
	{"02005efffe000000", "02005efffe005212"}, // Reserved IPv6 Interface Identifiers corresponding to the IANA Ethernet Block (RFC 4291)
	{"02005efffe005213", "02005efffe005213"}, // Proxy Mobile IPv6 (RFC 6543)
	{"02005efffe005214", "02005efffeffffff"}, // as the second
	{"fdffffffffffff80", "fdffffffffffffff"}, // Reserved Subnet Anycast Addresses (RFC 2526)
}

func isReserved(ipv6Addr *big.Int) bool {
	iid := fmt.Sprintf("%032x", ipv6Addr)[16:]
	return slices.ContainsFunc(reservedIIDs, func(r [2]string) bool { return r[0] <= iid && iid <= r[1] })
}

// rfcPools are ranges of all sorts; in some nearly all interface identifiers are reserved.
var rfcPools = []struct {
	low, high string
	length    int
}{
	{"2001:db8:1::", "2001:db8:1::ffff:ffff:ffff:ffff", 128},
	{"2001:db8:1:0:8000::", "2001:db8:1:0:ffff:ffff:ffff:ffff", 128},
	{"2001:db8:4::", "2001:db8:4:ffff:ffff:ffff:ffff:ffff", 128},
	{"2001:db8:5::a", "2001:db8:5::3e8", 128},
	{"2001:db8:5::7", "2001:db8:5::7", 128},
	{"2001:db8:6::", "2001:db8:6::2", 128},
	{"2001:db8:6::fdff:ffff:ffff:ff00", "2001:db8:6::fdff:ffff:ffff:ff8f", 128},
	{"2001:db8:6::fdff:ffff:ffff:ff7f", "2001:db8:6::fe00:0:0:0", 128},
	{"2001:db8:7::200:5eff:fdff:fff0", "2001:db8:7::200:5eff:fe00:f", 128},
	{"2001:db8:7::200:5eff:feff:fff0", "2001:db8:7::200:5eff:ff00:f", 128},
	{"2001:db8:8::fffe", "2001:db8:8:2::1", 128},
	{"::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128},
	{"2001:db8:8000::", "2001:db8:80ff:ff00::", 56},
	{"2001:db8:8000::", "2001:db8:8000:0:ffff:ffff:ffff:fff0", 124},
	{"2001:db8:9000::", "2001:db8:9000:300::", 56},
	{"2000::", "3f00::", 8},
	{"::", "8000::", 1},
}

// TestRFC7943 compares a node with the RFC's own server, over pools and lengths, clients, keys and counters, with addresses
// that are free and with some that aren't.
func TestRFC7943(t *testing.T) {
	steps := [5]int{}
	for _, of := range rfcPools {
		low, high := netip.MustParseAddr(of.low), netip.MustParseAddr(of.high)
		rapid.Check(t, func(t *rapid.T) {
			id, key := drawIdentity(t), address.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "secret_key"))
			rfc := rangeOf(low, high, of.length, key[:])
			assigned := map[string]bool{}
			for range rapid.IntRange(0, 3).Draw(t, "how many of the client's own candidates are assigned") {
				assigned[rfc.candidate(id.DUID, id.IAID, rapid.Uint32Range(0, 15).Draw(t, "which")).String()] = true
			}
			rfc.isAssigned = func(a *big.Int) bool { return assigned[a.String()] }
			var exclude []address.Range
			for text := range assigned {
				n, _ := new(big.Int).SetString(text, 10)
				a := addressOf(n).As16()
				exclude = append(exclude, address.Range{First: a, Last: a})
			}
			pool, err := address.NewPool(low.As16(), high.As16(), uint8(of.length), address.CommonPrefix(low.As16(), high.As16()), exclude)
			if err != nil {
				t.Fatal(err)
			}
			h := address.NewHasher(address.SHA256, key)
			for counter := uint32(0); counter <= 16; {
				want, at := rfc.lease(id.DUID, id.IAID, counter)
				slot, next, ok := h.NextUsable(&pool, id, counter)
				if ok != (want != nil) || ok && (addressOf(want) != netip.AddrFrom16(pool.Lease(slot)) || next != at+1) {
					t.Fatalf("%s to %s, from counter %d on: want %v by %d, got %v before %d", of.low, of.high, counter, want, at, pool.Lease(slot), next)
				}
				if counter == 0 {
					if primary, has := h.Primary(&pool, id); has != ok || has && primary != slot {
						t.Fatalf("the first is %v, want %v", primary, slot)
					}
				}
				for c := counter; c < at; c++ {
					if isReserved(rfc.candidate(id.DUID, id.IAID, c)) && of.length == 128 {
						steps[3]++
					} else {
						steps[4]++
					}
				}
				counter = at + 1
			}
		})
	}
	if steps[3] < 100 || steps[4] < 100 {
		t.Errorf("steps 3 and 4 passed over a candidate %d and %d times: that proves little", steps[3], steps[4])
	}
}

// TestRFC7943Vectors has the RFC's own server make the vectors of docs/agreement.md, for whoever writes another server.
func TestRFC7943Vectors(t *testing.T) {
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	pools := map[string]poolVector{}
	for _, p := range v.Pools {
		pools[p.Name] = p
	}
	compared := 0
	for _, c := range v.Clients {
		p := pools[c.Pool]
		if c.Algorithm != address.SHA256.String() || p.Part != nil {
			continue
		}
		key, err := hex.DecodeString(c.Key)
		duid, err2 := hex.DecodeString(c.DUID)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		rfc := rangeOf(netip.MustParseAddr(p.First), netip.MustParseAddr(p.Last), int(p.Length), key)
		if got := netip.AddrFrom16(rfc.prefix).String(); got != p.Prefix {
			t.Errorf("pool %s: Prefix %s, want %s", p.Name, p.Prefix, got)
		}
		for counter, got := range c.Candidates {
			if want := addressOf(rfc.candidate(duid, c.IAID, uint32(counter))).String(); got != want {
				t.Errorf("pool %s, DUID %s, IAID %d, counter %d: %s, want %s", c.Pool, c.DUID, c.IAID, counter, got, want)
			}
			compared++
		}
	}
	if compared < 16*10 {
		t.Errorf("only %d candidates were compared", compared)
	}
}
