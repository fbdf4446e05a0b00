package upkeep_test

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A runCase is a job, what DNS held before, and what it has to hold after, by names of clients.
type runCase struct {
	name     string
	takeOver bool
	job      upkeep.Job
	before   []held
	want     []held
	result   upkeep.Result // without the number of updates
	updates  int
}

// held is a record. The data of a DHCID is the client's DUID here, of others what it says.
type held struct {
	name string
	kind upkeep.RRType
	data string
}

func reverseOf(key binding.Key) string { return naming.AppendReverse(nil, &key.Address).String() }
func ptr(key binding.Key, to string) held {
	return held{reverseOf(key), upkeep.TypePTR, wireName(to)}
}
func aaaa(name string, key binding.Key) held {
	return held{name, upkeep.TypeAAAA, string(key.Address[:])}
}
func dhcid(name string, duid []byte) held { return held{name, upkeep.TypeDHCID, string(duid)} }

func wireName(text string) string {
	name, err := naming.ParseName(text)
	if err != nil {
		panic(err)
	}
	return string(name)
}

const host, other = "host.example.net.", "other.example.net."

var (
	one, two, three = address(0, 1), address(0, 2), address(2, 3)
	v4              = held{host, upkeep.TypeA, "\xc0\x00\x02\x01"}
	text            = held{host, 16, "\x02hi"}
	cname           = held{host, upkeep.TypeCNAME, wireName(other)}
)

func addJob(keys ...binding.Key) upkeep.Job {
	j := upkeep.Job{Name: naming.Name(wireName(host)), DUID: ann, TTL: 600}
	for _, key := range keys {
		j.Add = append(j.Add, both(key))
	}
	return j
}

// pointing is the job of a lease that has a PTR record alone.
func pointing(key binding.Key) upkeep.Job {
	return upkeep.Job{Name: addJob().Name, DUID: ann, TTL: 600, Add: []upkeep.Record{{Key: key, Reverse: true}}}
}

// relinquishing is that of one whose AAAA record its client keeps from now on.
func relinquishing(key binding.Key) upkeep.Job {
	j := pointing(key)
	j.Remove = []upkeep.Record{{Key: key, Forward: true}}
	return j
}

func removing(j upkeep.Job, keys ...binding.Key) upkeep.Job {
	for _, key := range keys {
		j.Remove = append(j.Remove, both(key))
	}
	return j
}

func timid(j upkeep.Job) upkeep.Job {
	j.Timid = true
	return j
}

func hold(records ...held) []held { return records }

var conflict, taken = upkeep.Result{Conflict: true}, upkeep.Result{Taken: true}

var runCases = []runCase{
	{"nothing there", false, addJob(one), nil, hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 2},
	{
		"own DHCID, another address of the client stays", false, addJob(one), hold(aaaa(host, two), dhcid(host, ann)),
		hold(aaaa(host, one), aaaa(host, two), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 3,
	},
	{
		"own DHCID, the address left behind goes with one update of each zone", false, removing(addJob(one), two),
		hold(aaaa(host, two), dhcid(host, ann), ptr(two, host)), hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 3,
	},
	{
		"the address left behind lies in another reverse zone", false, removing(addJob(one), three),
		hold(aaaa(host, three), dhcid(host, ann), ptr(three, host)), hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 4,
	},
	{
		"what was left behind points elsewhere by now", false, removing(addJob(one), two), hold(ptr(two, other)),
		hold(aaaa(host, one), dhcid(host, ann), ptr(one, host), ptr(two, other)), upkeep.Result{}, 2,
	},
	{
		"the address pointed elsewhere", false, addJob(one), hold(ptr(one, other)),
		hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 2,
	},
	{
		"a DHCPv4 server's A with the same DHCID", false, addJob(one), hold(v4, dhcid(host, ann)),
		hold(v4, aaaa(host, one), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 3,
	},
	{
		"another's DHCID", false, removing(addJob(one), two), hold(aaaa(host, three), dhcid(host, bob), ptr(two, host)),
		hold(aaaa(host, three), dhcid(host, bob)), conflict, 3,
	},
	{"a name without DHCID", false, addJob(one), hold(text), hold(text), conflict, 2},
	{"a CNAME in the way", false, addJob(one), hold(cname), hold(cname), conflict, 2},
	{
		"another's DHCID, taken over", true, addJob(one), hold(aaaa(host, three), v4, dhcid(host, bob)),
		hold(aaaa(host, one), v4, dhcid(host, ann), ptr(one, host)), taken, 4,
	},
	{"a CNAME, which can't be taken over", true, addJob(one), hold(cname), hold(cname), conflict, 3},
	{
		"one of two goes", false, removing(addJob(), one), hold(aaaa(host, one), aaaa(host, two), dhcid(host, ann), ptr(one, host)),
		hold(aaaa(host, two), dhcid(host, ann)), upkeep.Result{}, 3,
	},
	{"the last one goes", false, removing(addJob(), one), hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)), nil, upkeep.Result{}, 3},
	{
		"the last one goes, with all else of the name", false, removing(addJob(), one),
		hold(aaaa(host, one), dhcid(host, ann), text), nil, upkeep.Result{}, 3,
	},
	{
		"a DHCPv4 server's A stays", false, removing(addJob(), one), hold(aaaa(host, one), v4, dhcid(host, ann), ptr(one, host)),
		hold(v4, dhcid(host, ann)), upkeep.Result{}, 3,
	},
	{
		"the name is another's by now", false, removing(addJob(), one), hold(aaaa(host, one), dhcid(host, bob), ptr(one, other)),
		hold(aaaa(host, one), dhcid(host, bob), ptr(one, other)), upkeep.Result{}, 2,
	},
	{"nothing to remove", false, removing(addJob(), one), nil, nil, upkeep.Result{}, 2},
	{"only a PTR, to a name that nobody has", false, pointing(one), nil, hold(ptr(one, host)), upkeep.Result{}, 2},
	{
		"only a PTR, to a name that is the client's", false, pointing(one), hold(aaaa(host, two), dhcid(host, ann), ptr(one, other)),
		hold(aaaa(host, two), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 3,
	},
	{
		"only a PTR, to another's name", false, pointing(one), hold(aaaa(host, three), dhcid(host, bob)),
		hold(aaaa(host, three), dhcid(host, bob)), conflict, 2,
	},
	{"only a PTR, to a name made by hand", false, pointing(one), hold(text), hold(text), conflict, 2},
	{
		"only a PTR, to another's name, with take-over", true, pointing(one), hold(dhcid(host, bob)),
		hold(dhcid(host, bob), ptr(one, host)), upkeep.Result{}, 1,
	},
	{
		"the client keeps its AAAA itself from now on", false, relinquishing(one), hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)),
		hold(ptr(one, host)), upkeep.Result{}, 4,
	},
	{
		"a name in no zone", false, upkeep.Job{Name: naming.Name(wireName("a.example.com")), DUID: ann, Add: []upkeep.Record{both(one)}},
		nil, hold(ptr(one, "a.example.com")), upkeep.Result{NoZone: 1}, 1,
	},
	{
		"an address in no zone", false, addJob(binding.Key{Address: [16]byte{0x30}, Length: 128}), nil,
		hold(aaaa(host, binding.Key{Address: [16]byte{0x30}}), dhcid(host, ann)), upkeep.Result{NoZone: 1}, 1,
	},
	{
		"timid, a PTR to another name", false, timid(removing(addJob(one), two)), hold(ptr(one, other), ptr(two, host)),
		hold(aaaa(host, one), dhcid(host, ann), ptr(one, other)), upkeep.Result{}, 3,
	},
	{
		"timid, no PTR", false, timid(addJob(one)), nil, hold(aaaa(host, one), dhcid(host, ann), ptr(one, host)), upkeep.Result{}, 2,
	},
	{
		"nothing but a DHCID is left", false, upkeep.Job{Name: addJob().Name, DUID: ann, Tidy: true}, hold(dhcid(host, ann)), nil,
		upkeep.Result{}, 1,
	},
	{
		"a prefix", false, upkeep.Job{Name: addJob().Name, DUID: ann, Add: []upkeep.Record{{Key: prefix, Reverse: true}}}, nil,
		hold(wild("6", host), wild("7", host)), upkeep.Result{}, 2,
	},
	{
		"a prefix, and another's name", false, upkeep.Job{Name: addJob().Name, DUID: ann, Add: []upkeep.Record{{Key: prefix, Reverse: true}}},
		hold(aaaa(host, one), dhcid(host, bob)), hold(aaaa(host, one), dhcid(host, bob)), conflict, 2,
	},
	{
		"a prefix goes", false, upkeep.Job{Name: addJob().Name, DUID: ann, Remove: []upkeep.Record{{Key: prefix, Reverse: true}}},
		hold(wild("6", host), wild("7", other)), hold(wild("7", other)), upkeep.Result{}, 1,
	},
}

// prefix is 2001:db8:0:60::/59, which two wildcards of 60 bits make up.
var prefix = binding.Key{Address: [16]byte{0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0x60}, Length: 59}

func wild(digit, to string) held {
	return held{"*." + digit + ".0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", upkeep.TypePTR, wireName(to)}
}
