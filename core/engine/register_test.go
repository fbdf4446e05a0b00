package engine_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

const registering = `listen: {interfaces: [eth0]}
address-registration: {}
store: {capacity: 1024}
links:
  - name: lan
    match: {interface: eth0, link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
`

// does has a client send a message, in a script's words, that is answered.
func (s *session) does(t *testing.T, client int, text string) []byte {
	t.Helper()
	m, err := parseMessage(fmt.Sprintf("%s\nduid=00030001%012x", text, client), s)
	if err != nil {
		t.Fatal(err)
	}
	result := s.handleOne(m.input())
	if result.Drop != wire.DropNone {
		t.Fatalf("client %d: dropped: %s", client, result.Drop)
	}
	return result.Reply
}

// TestRegistrationsLeaveRoom: registered addresses have half of the table, however they came there: those that end at once stay until
// they are reclaimed, and an address that was leased has a record already. Leases have the rest.
func TestRegistrationsLeaveRoom(t *testing.T) {
	const capacity, half = 1024, 512
	for name, registers := range map[string]func(t *testing.T, s *session, client int){
		"kept": func(t *testing.T, s *session, client int) {
			s.does(t, client, fmt.Sprintf("register\nfrom=2001:db8:1::%[1]x\nia=2001:db8:1::%[1]x,1800,3600", client))
		},
		"ended": func(t *testing.T, s *session, client int) {
			s.does(t, client, fmt.Sprintf("register\nfrom=2001:db8:1::%[1]x\nia=2001:db8:1::%[1]x,1800,3600", client))
			s.does(t, client, fmt.Sprintf("register\nfrom=2001:db8:1::%[1]x\nia=2001:db8:1::%[1]x,0,0", client))
		},
		"leased and released": func(t *testing.T, s *session, client int) {
			lease := leasesOf(t, s.does(t, client, "request\nserver=ours\nna=1"))
			if len(lease) == 0 {
				return // no room is left
			}
			addr := netip.AddrFrom16(lease[0].key.Address)
			s.does(t, client, fmt.Sprintf("release\nserver=ours\nna=1 %s", addr))
			s.does(t, client, fmt.Sprintf("register\nfrom=%[1]s\nia=%[1]s,1800,3600", addr))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sessionOver(t, mustCompile(t, registering, ""), binding.Options{Capacity: capacity})
			for client := 1; client <= capacity+100; client++ {
				registers(t, s, client)
			}
			if got := s.site.Registered(); got != half {
				t.Errorf("%d registered addresses have a record, want %d", got, half)
			}
		})
	}
}
