package daemon

import (
	"net/netip"
	"os"
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// TestReloadLosesNothing: a hundred reloads under load, in turns of configurations that need other maps, other options and other
// pools. Each request has its reply, each client has a lease of each kind all the time, and no two have the same.
func TestReloadLosesNothing(t *testing.T) {
	const reloads, clients = 100, 12
	for node, file := range map[string]string{"": reloadFile, "a": reloadCluster} {
		t.Run("node "+node, func(t *testing.T) {
			file = "limits: {messages-per-client: {per-second: 0}}\n" + file
			r := startNode(t, t.TempDir(), node, file)
			variants := []string{
				edited(t, file, `{pool: "2001:db8:1::/64"}`, `{pool: "2001:db8:1::/64", exclude: ["2001:db8:1::/80"]}`,
					"log:", "    reservations: [{duid: \"00:03:09\", prefixes: [\"2001:db8:8000:900::/56\"]}]\nlifetimes: {valid: 1h}\nlog:"),
				edited(t, file, "log:", "options: {dns-servers: [\"2001:db8::53\"]}\nlog:"),
				edited(t, file, "2001:db8:8000::/40", "2001:db8:8000::/48"),
				file,
			}
			var all []*client
			addresses, prefixes := make([]netip.Prefix, clients), make([]netip.Prefix, clients)
			for i := range clients {
				all = append(all, r.client(byte(i), "2001:db8:1::1"))
				addresses[i], prefixes[i] = all[i].acquire()
			}
			done := make(chan error, 1)
			go func() {
				for i := range reloads {
					err := os.WriteFile(r.file, []byte(variants[i%len(variants)]), 0o600)
					if err == nil {
						_, err = r.Reload(t.Context(), admin.ReloadRequest{Force: true})
					}
					if err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
			requests := uint64(0)
			for running := true; running; {
				select {
				case err := <-done:
					if err != nil {
						t.Fatal(err)
					}
					running = false
				default:
				}
				for i, c := range all {
					c.send(wire.Renew, ia(ia(nil, wire.IANA, addresses[i]), wire.IAPD, prefixes[i]), true)
					requests++
				}
				held := make(map[netip.Prefix]int)
				for i, c := range all {
					got := 0
					for _, l := range c.receive() {
						if l.valid == 0 {
							continue
						}
						got++
						if other, twice := held[l.prefix]; twice {
							t.Fatalf("clients %d and %d both have %s", i, other, l.prefix)
						}
						held[l.prefix] = i
						if l.prefix.IsSingleIP() {
							addresses[i] = l.prefix
						} else {
							prefixes[i] = l.prefix
						}
					}
					if got != 2 {
						t.Fatalf("client %d has %d leases, want 2", i, got)
					}
				}
			}
			r.wantCounted(all...)
			t.Logf("%d reloads, %d requests and as many replies", reloads, requests)
		})
	}
}
