package address_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

var update = flag.Bool("update", false, "write testdata/vectors.json and the vectors in docs/agreement.md anew")

const (
	vectorsFile = "testdata/vectors.json"
	program     = "testdata/agreement.py"
	page        = "../../docs/agreement.md"
)

// vectors is the form of testdata/vectors.json. Numbers beyond 53 bits are decimal strings.
type vectors struct {
	Pools   []poolVector
	Clients []clientVector
	Choices []choiceVector
	Ranks   []rankVector
	Claims  []claimVector
	Servers []serverVector
	Keys    []keyVector

	pools map[string]*address.Pool // by name
}

type poolVector struct {
	Name     string      `json:"name"`
	First    string      `json:"first"`
	Last     string      `json:"last"`
	Length   uint8       `json:"length"`
	Excluded [][2]string `json:"excluded"`
	Part     []int       `json:"part,omitempty"` // [i, n]: part i of n of the above
	Stripes  int         `json:"stripes"`

	Prefix      string   `json:"prefix"`
	FirstLease  string   `json:"first_lease"`
	Size        string   `json:"size"`
	StripeSizes []string `json:"stripe_sizes"`
}

type clientVector struct {
	Pool      string `json:"pool"`
	Algorithm string `json:"algorithm"`
	Key       string `json:"key"`
	DUID      string `json:"duid"`
	IAID      uint32 `json:"iaid"`

	Candidates []string `json:"candidates"` // leases, by counter
	Usable     []uint32 `json:"usable"`     // counters
	Primary    string   `json:"primary"`    // empty: none
	Spills     []string `json:"spills"`     // index, by stripe; empty: the stripe is
}

type choiceVector struct {
	Pools     []string `json:"pools"`
	Algorithm string   `json:"algorithm"`
	Key       string   `json:"key"`
	DUID      string   `json:"duid"`
	IAID      uint32   `json:"iaid"`

	Order []string `json:"order"` // best first
}

type rankVector struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"key"`
	DUID      string `json:"duid"`
	Node      string `json:"node"`

	Rank string `json:"rank"`
}

type claimVector struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"key"`
	Lease     string `json:"lease"`
	DUID      string `json:"duid"`
	IAID      uint32 `json:"iaid"`

	Rank string `json:"rank"`
}

type serverVector struct {
	Cluster string `json:"cluster"`
	Node    string `json:"node"`

	DUID string `json:"duid"`
}

type keyVector struct {
	Key string `json:"key"`

	Check string `json:"check"`
}

func text(a [16]byte) string { return netip.AddrFrom16(a).String() }

// pool adds a pool, or part i of n of one where part is given. Stripes are always three.
func (v *vectors) pool(t testing.TB, name, where string, length uint8, part []int, exclude ...string) {
	t.Helper()
	p := pool(t, where, length, exclude...)
	out := poolVector{
		Name: name, First: text(p.First()), Last: text(p.Last()), Length: length,
		Excluded: [][2]string{}, Part: part, Stripes: 3,
	}
	for _, e := range exclude {
		if !strings.ContainsAny(e, "-/") {
			e += "-" + e
		}
		from, to := ends(t, e, 128)
		out.Excluded = append(out.Excluded, [2]string{text(from), text(to)})
	}
	if part != nil {
		cut, ok := p.Part(part[0], part[1])
		if !ok {
			t.Fatalf("pool %s has no part %v", where, part)
		}
		p = &cut
	}
	out.Prefix, out.FirstLease, out.Size = text(p.Prefix()), text(p.First()), p.Size().String()
	for stripe := range out.Stripes {
		out.StripeSizes = append(out.StripeSizes, p.StripeSize(stripe, out.Stripes).String())
	}
	v.Pools = append(v.Pools, out)
	if v.pools == nil {
		v.pools = make(map[string]*address.Pool)
	}
	v.pools[name] = p
}

func (v *vectors) client(name string, algorithm address.Algorithm, key address.Key, duid []byte, iaid uint32) {
	h, p := address.NewHasher(algorithm, key), v.pools[name]
	id := &address.Identity{DUID: duid, IAID: iaid, Kind: wire.IANA}
	out := clientVector{
		Pool: name, Algorithm: algorithm.String(), Key: hex.EncodeToString(key[:]),
		DUID: hex.EncodeToString(duid), IAID: iaid, Usable: []uint32{},
	}
	for counter := range uint32(address.Counters) {
		out.Candidates = append(out.Candidates, text(p.Lease(h.Candidate(p, id, counter))))
	}
	for _, next, ok := h.NextUsable(p, id, 0); ok; _, next, ok = h.NextUsable(p, id, next) {
		out.Usable = append(out.Usable, next-1)
	}
	if slot, ok := h.Primary(p, id); ok {
		out.Primary = text(p.Lease(slot))
	}
	for stripe := range 3 {
		spill := ""
		if !p.StripeSize(stripe, 3).IsZero() {
			spill = h.Spill(p, id, stripe, 3).String()
		}
		out.Spills = append(out.Spills, spill)
	}
	v.Clients = append(v.Clients, out)
}

func (v *vectors) choice(names []string, algorithm address.Algorithm, key address.Key, duid []byte, iaid uint32) {
	var pools []*address.Pool
	for _, name := range names {
		pools = append(pools, v.pools[name])
	}
	out := choiceVector{
		Pools: names, Algorithm: algorithm.String(), Key: hex.EncodeToString(key[:]), DUID: hex.EncodeToString(duid), IAID: iaid,
	}
	id := &address.Identity{DUID: duid, IAID: iaid, Kind: wire.IANA}
	for _, i := range address.NewHasher(algorithm, key).Choose(pools, id, nil) {
		out.Order = append(out.Order, names[i])
	}
	v.Choices = append(v.Choices, out)
}

func (v *vectors) rank(algorithm address.Algorithm, key address.Key, duid []byte, node string) {
	v.Ranks = append(v.Ranks, rankVector{
		Algorithm: algorithm.String(), Key: hex.EncodeToString(key[:]), DUID: hex.EncodeToString(duid), Node: node,
		Rank: strconv.FormatUint(address.NewHasher(algorithm, key).Rank(node, duid), 10),
	})
}

func (v *vectors) claim(algorithm address.Algorithm, key address.Key, lease [16]byte, duid []byte, iaid uint32) {
	id := &address.Identity{DUID: duid, IAID: iaid, Kind: wire.IAPD}
	v.Claims = append(v.Claims, claimVector{
		Algorithm: algorithm.String(), Key: hex.EncodeToString(key[:]), Lease: text(lease), DUID: hex.EncodeToString(duid), IAID: iaid,
		Rank: strconv.FormatUint(address.NewHasher(algorithm, key).ClaimRank(lease, id), 10),
	})
}

func (v *vectors) server(cluster, node string) {
	duid := address.ServerDUID(cluster, node)
	v.Servers = append(v.Servers, serverVector{cluster, node, hex.EncodeToString(duid[:])})
}

func (v *vectors) key(key address.Key) {
	check := address.NewHasher(address.XXH64, key).KeyCheck()
	v.Keys = append(v.Keys, keyVector{hex.EncodeToString(key[:]), hex.EncodeToString(check[:])})
}

// json writes the file: one vector per line.
func (v *vectors) json(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	section := func(name, end string, n int, vector func(i int) any) {
		fmt.Fprintf(&b, "%q: [\n", name)
		for i := range n {
			line, err := json.Marshal(vector(i))
			if err != nil {
				t.Fatal(err)
			}
			b.Write(line)
			if i < n-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteString("]" + end + "\n")
	}
	b.WriteString("{\"rule\": 1,\n")
	section("pools", ",", len(v.Pools), func(i int) any { return v.Pools[i] })
	section("clients", ",", len(v.Clients), func(i int) any { return v.Clients[i] })
	section("choices", ",", len(v.Choices), func(i int) any { return v.Choices[i] })
	section("ranks", ",", len(v.Ranks), func(i int) any { return v.Ranks[i] })
	section("claims", ",", len(v.Claims), func(i int) any { return v.Claims[i] })
	section("servers", ",", len(v.Servers), func(i int) any { return v.Servers[i] })
	section("keys", "}", len(v.Keys), func(i int) any { return v.Keys[i] })
	return b.Bytes()
}

// countingKey is 000102...1f.
func countingKey() (key address.Key) {
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

var bothAlgorithms = []address.Algorithm{address.XXH64, address.SHA256}

// pageDUID is the DUID of docs/agreement.md.
var pageDUID = []byte{0, 3, 0, 1, 2, 0, 0x5e, 0x10, 0, 1}

// publishedVectors makes what stands in testdata/vectors.json.
func publishedVectors(t testing.TB) *vectors {
	v := new(vectors)
	v.pool(t, "/64", "2001:db8:1::/64", 128, nil)
	v.pool(t, "/64 with exclusions", "2001:db8:2::/64", 128, nil,
		"2001:db8:2::1", "2001:db8:2::100-2001:db8:2::1ff", "2001:db8:2:0:8000::/65", "2001:db8:2:0:4000::/67", "2001:db8:2:0:5000::/66")
	v.pool(t, "/80", "2001:db8:3:0:1::/80", 128, nil)
	v.pool(t, "/48 of addresses", "2001:db8:4::/48", 128, nil, "2001:db8:4:1::/64")
	v.pool(t, "8190 addresses", "2001:db8:5::1001-2001:db8:5::2ffe", 128, nil, "2001:db8:5::1800-2001:db8:5::1fff")
	v.pool(t, "991 addresses", "2001:db8:5::a-2001:db8:5::3e8", 128, nil)
	v.pool(t, "1 address", "2001:db8:5::7777-2001:db8:5::7777", 128, nil)
	v.pool(t, "2^64+1 addresses", "2001:db8:6::1-2001:db8:6:1::1", 128, nil)
	v.pool(t, "3*2^70 addresses", "2001:db8:40::-2001:db8:fe:ffff:ffff:ffff:ffff:ffff", 128, nil, "2001:db8:80::/41")
	v.pool(t, "beside subnet anycast", "2001:db8:7:0:fdff:ffff:ffff:ff70-2001:db8:7:0:fdff:ffff:ffff:ff8f", 128, nil)
	v.pool(t, "beside the Ethernet block", "2001:db8:7:0:200:5eff:fdff:fff8-2001:db8:7:0:200:5eff:fe00:7", 128, nil)
	v.pool(t, "subnet anycast alone", "2001:db8:7:0:fdff:ffff:ffff:ff80-2001:db8:7:0:fdff:ffff:ffff:ffff", 128, nil)
	v.pool(t, "/40 to /56", "2001:db8:8000::/40", 56, nil, "2001:db8:8001::/48", "2001:db8:8000:42::1")
	v.pool(t, "/32 to /48", "2001:db9::/32", 48, nil)
	v.pool(t, "1000 /60", "2001:dba::-2001:dba:0:3e70::", 60, nil, "2001:dba::/52")
	v.pool(t, "/16 to /96", "2002::/16", 96, nil, "2002:8000::/17")
	for i := range 3 {
		of := fmt.Sprintf(", part %d of 3", i)
		v.pool(t, "/64"+of, "2001:db8:1::/64", 128, []int{i, 3})
		v.pool(t, "8190 addresses"+of, "2001:db8:5::1001-2001:db8:5::2ffe", 128, []int{i, 3}, "2001:db8:5::1800-2001:db8:5::1fff")
		v.pool(t, "/48 of addresses"+of, "2001:db8:4::/48", 128, []int{i, 3})
		v.pool(t, "/40 to /56"+of, "2001:db8:8000::/40", 56, []int{i, 3}, "2001:db8:8001::/48")
	}
	v.pool(t, "/64, part 1 of 2", "2001:db8:1::/64", 128, []int{1, 2})

	counting, random := countingKey(), randomKey(rand.New(rand.NewPCG(1, 1)))
	duids := [][]byte{
		pageDUID, // DUID-LL
		{0, 1, 0, 1, 0x2c, 0x3f, 0x5a, 0x11, 2, 0, 0x5e, 0x10, 0, 2}, // DUID-LLT
		{0, 2, 7}, // the shortest
		bytes.Repeat([]byte{0xff, 0x5a, 0}, 44)[:130], // the longest
		append([]byte{0, 4}, counting[:16]...),        // DUID-UUID
	}
	iaids := []uint32{1, 0, 0xffffffff, 0x01020304}
	for i, p := range v.Pools {
		for _, algorithm := range bothAlgorithms {
			v.client(p.Name, algorithm, counting, pageDUID, 1)
			v.client(p.Name, algorithm, random, duids[1+i%4], iaids[i%len(iaids)])
		}
	}
	for length := 3; length <= address.MaxDUID; length++ { // each tail that a hash's last block can have
		v.client("/64", address.XXH64, random, duids[3][:length], 1)
	}
	for i := range 24 {
		duid := append(bytes.Clone(pageDUID[:9]), byte(i))
		algorithm := bothAlgorithms[i%2]
		v.choice([]string{"/40 to /56", "/32 to /48", "1000 /60"}, algorithm, counting, duid, uint32(i))
		v.choice([]string{"991 addresses", "1 address", "8190 addresses", "beside subnet anycast"}, algorithm, random, duid, uint32(i))
		v.choice([]string{"/64", "/48 of addresses", "/80"}, algorithm, random, duid, uint32(i))
	}
	for _, algorithm := range bothAlgorithms {
		for _, node := range []string{"a", "b", "dhcp-1.example.net"} {
			v.rank(algorithm, counting, pageDUID, node)
			v.rank(algorithm, random, duids[3], node)
		}
	}
	const cluster = "5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11"
	for _, algorithm := range bothAlgorithms {
		v.claim(algorithm, counting, [16]byte{0x20, 0x01, 0x0d, 0xb8, 0x80, 0x8e, 0x11}, pageDUID, 1)
		v.claim(algorithm, random, [16]byte{15: 1}, pageDUID[:3], 1<<32-1)
	}
	v.server(cluster, "a")
	v.server(cluster, "b")
	v.server(cluster+"a", "")
	v.server("", "knoten-ä")
	v.key(counting)
	v.key(random)
	return v
}

// python runs the independent program on a file of vectors.
func python(t testing.TB, file []byte) (output string, err error) {
	t.Helper()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("this test compares with a program in Python: install python3 (apt-get install python3): %v", err)
	}
	path := filepath.Join(t.TempDir(), "vectors.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(interpreter, program, path).CombinedOutput()
	return string(out), err
}

// TestVectors compares with the published vectors, and has Python recompute them from the page's rules.
func TestVectors(t *testing.T) {
	got := publishedVectors(t).json(t)
	if *update {
		if err := os.WriteFile(vectorsFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("clients would get other addresses than those that %s promises (-want +got):\n%s", vectorsFile, diff)
	}
	output, err := python(t, want)
	if err != nil {
		t.Fatalf("%s disagrees: %v\n%s", program, err, output)
	}
	t.Log(output)
}

// TestPythonDiffers proves that the program would notice: of each kind of value one is changed.
func TestPythonDiffers(t *testing.T) {
	v := publishedVectors(t)
	v.Pools, v.Clients, v.Choices = v.Pools[:16], v.Clients[:1], v.Choices[:1]
	v.Pools[0].Size = "1"
	v.Clients[0].Candidates[15] = v.Clients[0].Candidates[14]
	v.Clients[0].Spills[2] = "7"
	order := v.Choices[0].Order
	order[0], order[1] = order[1], order[0]
	v.Ranks[0].Rank = "0"
	v.Claims[0].Rank = "0"
	v.Servers[0].DUID = v.Servers[1].DUID
	v.Keys[0].Check = v.Keys[1].Check
	output, err := python(t, v.json(t))
	if err == nil || !strings.Contains(output, " 8 differ") {
		t.Errorf("of 8 changed values Python noticed: %v\n%s", err, output)
	}
}

// TestPythonAgrees has Python recompute random pools, keys and clients.
func TestPythonAgrees(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	output, err := python(t, randomVectors(t, rand.New(rand.NewPCG(seed, 0))).json(t))
	if err != nil {
		t.Fatalf("seed %d: %s disagrees: %v\n%s", seed, program, err, output)
	}
	t.Log(output)
}

func randomVectors(t testing.TB, r *rand.Rand) *vectors {
	v := new(vectors)
	const pools, perPool = 40, 10
	names := make([]string, pools)
	for i := range names {
		length := uint8(128)
		if i%3 == 0 {
			length = uint8(40 + r.IntN(88))
		}
		shift := uint(128 - length)
		// The first 16 bits tell pools apart, so that they can be ranked together.
		first := address.U128{Hi: uint64(0x2000+i)<<48 | r.Uint64()>>17, Lo: r.Uint64()}.Rsh(shift).Lsh(shift)
		span := address.U128{Hi: r.Uint64() >> 18, Lo: r.Uint64()}.Rsh(uint(r.IntN(110)))
		last := first.Add(span).Rsh(shift).Lsh(shift)
		var exclude []string
		for range r.IntN(3) {
			from := first.Add(address.U128{Hi: r.Uint64(), Lo: r.Uint64()}.MulHi(span))
			to := from.Add(span.Rsh(uint(1 + r.IntN(4))))
			exclude = append(exclude, text(from.Bytes())+"-"+text(to.Bytes()))
		}
		var part []int
		where := text(first.Bytes()) + "-" + text(last.Bytes())
		if n := 1 + r.IntN(5); i%2 == 0 && pool(t, where, length).Size().Cmp(one(uint64(n))) >= 0 {
			part = []int{r.IntN(n), n}
		}
		names[i] = strconv.Itoa(i)
		v.pool(t, names[i], where, length, part, exclude...)
	}
	for i := range pools * perPool {
		key, duid := randomKey(r), randomDUID(r)
		algorithm := bothAlgorithms[i%2]
		v.client(names[i/perPool], algorithm, key, duid, r.Uint32())
		r.Shuffle(pools, func(a, b int) { names[a], names[b] = names[b], names[a] })
		v.choice(append([]string(nil), names[:1+r.IntN(6)]...), algorithm, key, duid, r.Uint32())
		v.rank(algorithm, key, duid, strings.Repeat("n", 1+r.IntN(60)))
		v.claim(algorithm, key, [16]byte(randomOctets(r, 16)), duid, r.Uint32())
		v.server(strconv.FormatUint(r.Uint64(), 10), "node"+strconv.Itoa(i))
		v.key(key)
	}
	return v
}

func randomKey(r *rand.Rand) (key address.Key) {
	copy(key[:], randomOctets(r, len(key)))
	return key
}

func randomDUID(r *rand.Rand) []byte { return randomOctets(r, 3+r.IntN(address.MaxDUID-2)) }

func randomOctets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
