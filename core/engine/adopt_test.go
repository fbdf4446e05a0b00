package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
)

var adoptions = [engine.Adoptions]string{"new", "later", "beside another client's", "known better", "not on a link", "refused"}

// told has the session adopt bindings, a line each.
func (s *session) told(t *testing.T, text string) (out string) {
	t.Helper()
	mark := engine.NewMark(3, s.sequence+1)
	s.engine.Begin(s.site, s.now.Moment()+s.millis, mark, !s.broken, nil)
	for line := range strings.Lines(text) {
		told, err := toldLine(s, line)
		if err != nil {
			t.Fatal(err)
		}
		out += adoptions[s.engine.Adopt(&told)] + "\n"
	}
	s.engine.End()
	if s.engine.Count > 0 {
		s.sequence++
		s.marks.Settle(mark)
	}
	return out
}

// toldLine reads ADDRESS or PREFIX/LEN and words: registered iaid=N duid=HEX node=NAME granted superseded age=SECONDS for=SECONDS left=SECONDS
// known=IDENTITY:NUMBER link=ADDR interface=HEX remote=HEX fqdn=FLAGS:NAME. For is for how long the client had the lease when it was last heard, age how long ago
// that is, and left what is left of the lease.
func toldLine(s *session, line string) (told engine.Told, err error) {
	words := strings.Fields(line)
	told = engine.Told{Node: peer.Nobody, IAID: 1, Kind: wire.IANA, Last: s.now, Expires: s.now + 4000, DUID: mustHex("00030001020000000001")}
	if told.Key.Address, told.Key.Length, err = toldLease(words[0]); err != nil {
		return told, err
	}
	if strings.Contains(words[0], "/") {
		told.Kind = wire.IAPD
	}
	had := binding.Time(0)
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "iaid":
			told.IAID = uint32(number(value))
		case "duid":
			told.DUID = mustHex(value)
		case "registered":
			told.Kind, told.IAID = wire.Registered, 0
		case "known": // HEX:NUMBER
			octets, n, _ := strings.Cut(value, ":")
			told.Known = address.Identity{DUID: mustHex(octets), IAID: uint32(number(n)), Kind: told.Kind, Derived: true}
		case "node":
			duid, ok := s.serverID(value)
			if !ok {
				return told, fmt.Errorf("no such node: %s", value)
			}
			told.Node, _ = s.site.Policy.NodeOf(duid)
		case "granted":
			told.Granted = true
		case "anonymous": // instead of iaid
			told.IAID, told.Anonymous = 0, true
		case "superseded":
			told.Superseded = true
		case "age":
			told.Last = s.now - binding.Time(number(value))
		case "for":
			had = binding.Time(number(value))
		case "left":
			told.Expires = s.now.Add(uint32(number(value)))
		case "fqdn":
			flags, text, _ := strings.Cut(value, ":")
			told.Name = fqdnData(flags, text)
		case "link":
			told.Relay.LinkAddress = netip.MustParseAddr(value).As16()
		case "interface":
			told.Relay.InterfaceID = mustHex(value)
		case "remote":
			told.Relay.RemoteID = mustHex(value)
		default:
			return told, fmt.Errorf("no such word: %s", word)
		}
	}
	told.Since = told.Last - had
	return told, nil
}

func toldLease(text string) (addr [16]byte, length uint8, err error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Addr().As16(), uint8(p.Bits()), nil
	}
	a, err := netip.ParseAddr(text)
	return a.As16(), 128, err
}

// TestAdoptAnything: whatever a peer tells, no binding is shortened, no living one of another client gives way, and what has not
// ended is this client's or somebody else's already.
func TestAdoptAnything(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	s := nodesOf(t, "identical")[0]
	var became [engine.Adoptions]int
	rounds := 20000
	if raceDetector {
		rounds = 2000
	}
	for range rounds {
		s.now += binding.Time(rng.IntN(30))
		key := binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0x80, 0, byte(rng.IntN(2)), byte(rng.IntN(4))}, Length: 56}
		told := engine.Told{
			Key: key, Kind: wire.IAPD, IAID: rng.Uint32N(2), DUID: []byte{0, 4, byte(rng.IntN(3))}, Node: rng.IntN(4) - 1,
			Granted: rng.IntN(2) == 0, Superseded: rng.IntN(4) == 0,
			Last: s.now - binding.Time(rng.IntN(200)), Expires: s.now - 5 + binding.Time(rng.IntN(300)),
		}
		if rng.IntN(3) == 0 {
			told.IAID, told.Anonymous = 0, true
		}
		told.Since = told.Last - binding.Time(rng.IntN(60))
		before := binding.Stored{}
		s.handle.Enter()
		if r := s.handle.Find(&key); r != nil {
			before = binding.Copy(r)
		}
		s.handle.Leave()
		s.engine.Begin(s.site, s.now.Moment(), engine.NewMark(1, 1), true, nil)
		got := s.engine.Adopt(&told)
		changes := s.engine.Count
		s.engine.End()
		became[got]++
		s.handle.Enter()
		after := s.handle.Find(&key)
		was := before.Flags&engine.FlagAnonymous != 0
		same := string(before.DUID) == string(told.DUID) && (before.IAID == told.IAID || was)
		attributed := 0
		if was && same && !told.Anonymous && told.Expires > s.now {
			attributed = 1
		}
		living := before.State != 0 && before.State != binding.Released && before.Expires > s.now
		switch wrote := got == engine.AdoptedNew || got == engine.AdoptedLater; {
		case wrote != (changes-attributed == 1):
			t.Fatalf("%+v over %+v: %d changes, adoption %d", told, before, changes, got)
		case wrote && (living && !same || !after.Of(told.DUID, told.Kind) || after.IAID() != told.IAID):
			t.Fatalf("%+v took the place of %+v", told, before)
		case wrote && (after.Expires() < told.Expires || living && after.Expires() < before.Expires):
			t.Fatalf("%+v over %+v ends at %d", told, before, after.Expires())
		case told.Expires > s.now && after != nil && after.Of(told.DUID, told.Kind) && after.Anonymous() != told.Anonymous:
			t.Fatalf("%+v over %+v: anonymous %t", told, before, after.Anonymous())
		case wrote && (after.LastTransaction() > s.now || after.Since() > s.now):
			t.Fatalf("%+v was heard in the future", told)
		}
		s.handle.Leave()
		if rng.IntN(1000) == 0 {
			s.sweeper.Sweep(s.site, s.now, 0, 1<<20, nil)
		}
	}
	for _, a := range []engine.Adoption{engine.AdoptedNew, engine.AdoptedLater, engine.AdoptedBeside, engine.KnownBetter} {
		if became[a] < 100 {
			t.Errorf("adoption %d happened %d times; the test looks at too little", a, became[a])
		}
	}
}
