package ddns

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// patience is how long a story may take to come to its end.
const patience = 2 * time.Minute

// A story is an updater with a real DNS server.
type story struct {
	*Updater
	queue *fakeQueue
	world *fakeWorld
}

// tell starts an updater that ends with the test.
func tell(t *testing.T, server netip.AddrPort, timeout time.Duration) *story {
	t.Helper()
	key, _ := testKey(t, "hmac-sha256")
	s := Settings{Records: upkeep.Settings{Updates: true}, Parallel: 16, Timeout: timeout}
	for _, zone := range []string{"example.com", reverseZone} {
		s.Zones = append(s.Zones, Zone{name(t, zone), []netip.AddrPort{server}, key})
	}
	st := &story{queue: newQueue(), world: newWorld()}
	st.Updater = NewUpdater(st.queue, st.world, s, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		st.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return st
}

// until waits for something.
func (s *story) until(t *testing.T, is func(Status) bool) {
	t.Helper()
	for until := time.Now().Add(patience); !is(s.Status()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d tasks wait; %+v", s.queue.waiting(), s.Status())
		}
	}
}

// settle waits until all tasks are done.
func (s *story) settle(t *testing.T) {
	t.Helper()
	s.until(t, func(Status) bool { return s.queue.waiting() == 0 })
}

// wants is what the zones hold if they hold what follows from the bindings, and nothing else.
func (s *story) wants(t *testing.T) []string {
	t.Helper()
	var want []string
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	for key, b := range s.world.leases {
		host := upkeep.Named(&b).Name()
		dhcid := naming.DHCID(b.DUID, host)
		want = append(want,
			fmt.Sprintf("%s AAAA %s", host, netip.AddrFrom16(key.Address)),
			fmt.Sprintf("%s DHCID %s", host, base64.StdEncoding.EncodeToString(dhcid[:])),
			fmt.Sprintf("%s PTR %s", naming.AppendReverse(nil, &key.Address), host))
	}
	slices.Sort(want)
	return slices.Compact(want) // a client with two leases has one DHCID
}

func wantZones(t *testing.T, d *dnstest.Daemon, want []string) {
	t.Helper()
	got := append(d.Zone(t, "example.com."), d.Zone(t, reverseZone)...)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("zones differ (-want +got):\n%s", diff)
	}
}

// The DNS server is down when the node starts, answers, is killed and started again, and every sixteenth packet gets lost. In the end the
// zones hold the living bindings' records, and nothing else.
func TestDaemonDiesAndPacketsGetLost(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, _ *Client) {
		d.Stop()
		random := rand.New(rand.NewPCG(1, 2))
		relay := &dnstest.Relay{Server: d.Addr, Lose: func(bool) bool { return random.IntN(16) == 0 }}
		s := tell(t, relay.Start(t), time.Second/2) // a server that is slow isn't away
		change := rand.New(rand.NewPCG(3, 4))
		step := func(n int) {
			for range n {
				lease := change.IntN(60)
				key := leaseKey(lease)
				if _, held := s.world.Lease(&key); held && change.IntN(2) == 0 {
					s.queue.add(s.world.release(lease))
					continue
				}
				client := lease/2 + 100*change.IntN(3) // up to three clients have a lease one after the other, and a client up to two leases
				s.queue.add(s.world.grant(t, client, lease, fmt.Sprintf("host-%d.example.com", client)))
			}
		}
		step(100)
		s.until(t, func(s Status) bool { return len(s.Zones) > 0 && !s.Zones[0].LastFailure.IsZero() })
		d.Restart(t)
		s.until(t, func(s Status) bool { return s.Done > 0 })
		step(100)
		d.Kill()
		step(20)
		d.Restart(t)
		s.settle(t)
		wantZones(t, d, s.wants(t))
		if relay.Lost() == 0 {
			t.Error("nothing was lost")
		}
		for lease := range 60 {
			key := leaseKey(lease)
			if _, held := s.world.Lease(&key); held {
				s.queue.add(s.world.release(lease))
			}
		}
		s.settle(t)
		wantZones(t, d, nil)
	})
}

// What others have put into the zone stays, whatever clients call themselves.
func TestDaemonKeepsOthersRecords(t *testing.T) {
	withDaemons(t, "", func(t *testing.T, d *dnstest.Daemon, c *Client) {
		duid := []byte{0, 2, 0, 0, 0, 0, 0, 5} // of the fake world's client 5
		dual := name(t, "dual.example.com")
		dhcid := naming.DHCID(duid, dual)
		wantAnswer(t, c, &upkeep.Update{Changes: []upkeep.Change{
			{Name: name(t, "*.example.com"), Type: upkeep.TypeAAAA, TTL: 600, Data: address(t, "2001:db8:f::1")},
			{Name: name(t, "alias.example.com"), Type: upkeep.TypeCNAME, TTL: 600, Data: dual},
			{Name: name(t, "static.example.com"), Type: upkeep.TypeAAAA, TTL: 600, Data: address(t, "2001:db8:f::2")},
			{Name: dual, Type: upkeep.TypeA, TTL: 600, Data: []byte{192, 0, 2, 1}}, // a DHCPv4 server's
			{Name: dual, Type: upkeep.TypeDHCID, TTL: 600, Data: dhcid[:]},
		}}, upkeep.NoError)
		before := d.Zone(t, "example.com.")
		slices.Sort(before)

		s := tell(t, d.Addr, long)
		s.queue.add(s.world.grant(t, 1, 1, "alias.example.com"), s.world.grant(t, 2, 2, "static.example.com"))
		s.settle(t)
		if got := s.Status(); got.Conflicts != 2 {
			t.Errorf("status %+v", got)
		}
		wantZones(t, d, before)

		s.queue.add(s.world.grant(t, 3, 3, "host.example.com"), s.world.grant(t, 5, 5, "dual.example.com"))
		s.settle(t)
		s.queue.add(s.world.grant(t, 4, 4, "host.example.com")) // two owners
		s.settle(t)
		if got := s.Status(); got.Conflicts != 3 {
			t.Errorf("status %+v", got)
		}
		s.world.release(1)
		s.world.release(2)
		s.world.release(4)
		want := append(s.wants(t), before...)
		slices.Sort(want)
		wantZones(t, d, slices.Compact(want)) // the DHCPv4 server's DHCID is the client's here too

		s.queue.add(s.world.release(3), s.world.release(5))
		s.settle(t)
		wantZones(t, d, before)
	})
}
