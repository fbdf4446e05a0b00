package e2e

import (
	"testing"

	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// A server is killed again and again, with its DNS server down or while it works off what waits. No update is lost and none is undone,
// though some are made twice.
func TestDNSKilled(t *testing.T) {
	t.Parallel()
	const rounds, come, leave = 8, 30, 10
	for _, kind := range dnstest.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s, d, crowd := newDNSServer(t, kind, dnsSecret)
			for round := range uint32(rounds) {
				first := firstOwn + round*come
				down := round%2 == 0
				if down {
					d.Kill()
				}
				crowd.Acquire(withSecond(between(first, first+come)))
				crowd.Release(between(first, first+leave))
				s.Kill()
				if down {
					d.Restart(t)
				}
				s.Start()
			}
			wantRecords(t, d, nodesOf(s), nil, crowd)
			wantSettled(t, crowd, crowd.book.clients())
			s.Stop()
		})
	}
}
