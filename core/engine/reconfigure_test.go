package engine_test

import (
	"bytes"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
)

const acceptingRequest = "request\nserver=ours\nreconfigure-accept\nna=1\n"

// TestToldKeyIsKept: the key that a client is told is the one that follows from what is kept with its binding, and no reply without
// reserved replay values tells one.
func TestToldKeyIsKept(t *testing.T) {
	s := sessionOver(t, mustCompile(t, "reconfigure: {}"+access, ""), binding.Options{Capacity: 100})
	s.shared.Replay = reconfigure.Replay{}
	told := func(text string) []byte {
		t.Helper()
		m, err := parseMessage(text, s)
		if err != nil {
			t.Fatal(err)
		}
		option := innerMessage(t, s.handleOne(m.input()).Reply).Options.GetOne(dhcpv6.OptionAuth)
		if option == nil {
			return nil
		}
		return option.ToBytes()
	}
	on := "relay link=2001:db8:1::1 peer=fe80::c"
	if got := told(acceptingRequest + on); got != nil {
		t.Fatalf("told %x with no replay value", got)
	}
	s.shared.Replay.Reserved(reconfigure.Stamp(s.now.Moment().UnixMilli()) + 1<<32)
	got := told(acceptingRequest + on)
	if len(got) != 28 || !bytes.Equal(got[:3], []byte{3, 1, 0}) || got[11] != 1 {
		t.Fatalf("told %x", got)
	}
	s.records(func(r *binding.Record) {
		a := reconfigure.Acceptance(r.AppendPiece(nil, binding.ExtReconfigure))
		if key := reconfigure.KeyOf(&s.site.Policy.Reconfigure.Secret, r.DUID(), &a); !bytes.Equal(key[:], got[12:]) {
			t.Errorf("told %x, kept %x", got[12:], key)
		}
	})
}

// TestHearsWhoIsAwaited: a message to this server counts, of an awaited client, and of the kinds that a Reconfigure asks for.
func TestHearsWhoIsAwaited(t *testing.T) {
	s := sessionOver(t, mustCompile(t, "reconfigure: {}"+access, ""), binding.Options{Capacity: 100})
	client := reconfigure.Hash(s.shared.Seed, mustHex("00030001020000000001"))
	on := "relay link=2001:db8:1::1 peer=fe80::c"
	heard := func(text string) (all []wire.MessageType) {
		t.Helper()
		s.shared.Awaited.Await(client)
		defer s.shared.Awaited.Forget(client)
		m, err := parseMessage(text+on, s)
		if err != nil {
			t.Fatal(err)
		}
		s.handleOne(m.input())
		for kind := wire.Solicit; kind <= wire.InformationRequest; kind++ {
			if s.shared.Awaited.Heard(client, kind) {
				all = append(all, kind)
			}
		}
		return all
	}
	for text, want := range map[string]wire.MessageType{
		"renew\nserver=ours\nna=1\n": wire.Renew, "rebind\nna=1\n": wire.Rebind, "inform\nserver=ours\n": wire.InformationRequest,
		"inform\n": wire.InformationRequest, acceptingRequest: 0, "renew\nserver=00030001ff\nna=1\n": 0, "renew\nna=1\n": 0,
		"renew\nserver=ours\nduid=00030001020000000002\nna=1\n": 0, "inform\nnoduid\n": 0,
	} {
		got := heard(text)
		if want == 0 && len(got) > 0 || want != 0 && (len(got) != 1 || got[0] != want) {
			t.Errorf("%q: heard %v, want %v", text, got, want)
		}
	}
}
