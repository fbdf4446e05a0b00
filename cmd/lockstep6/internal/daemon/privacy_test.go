package daemon

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
	"github.com/lockstep6/lockstep6/io/privacy"
)

const (
	privateHost     = "alices-laptop"
	privateRemoteID = "line-4711"
	privateReserved = "bobs-printer"
)

// privateFile is a configuration that has everything of clients told somebody, and a reservation that can be reloaded wrongly.
const privateFile = reloadCluster + `hooks: [{name: routes, on: [addresses, prefixes], run: [/bin/sh, -c, "case $LOCKSTEP6_EVENT in list-*) exit 0;; esac; cat; exit 1"]}]
privacy: {logs: pseudonyms, metrics: pseudonyms}
`

// spellings are the ways in which octets are written.
func spellings(octets []byte) []string {
	digits := hex.EncodeToString(octets)
	colons := wire.FormatDUID(octets)
	return []string{digits, colons, strings.ReplaceAll(colons, ":", "-"), strings.ReplaceAll(colons, ":", "")}
}

// leaked are the identifiers that a text has in clear, in any case.
func leaked(text string, identifiers []string) (found []string) {
	text = strings.ToLower(text)
	for _, i := range identifiers {
		if strings.Contains(text, strings.ToLower(i)) {
			found = append(found, i)
		}
	}
	return found
}

// A toldNode is one whose log and metrics are searched for what names its clients.
type toldNode struct {
	*reloading
	text   string
	secret []string
}

func startTold(t *testing.T, node, dns string) *toldNode {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "dns.key"), []byte(dnsKey.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := edited(t, privateFile, "log: {leases: false}", "log: {level: debug}") + dns
	return &toldNode{reloading: startNode(t, folder, node, text), text: text}
}

// keep notes what must not be told.
func (n *toldNode) keep(c *client, leases ...netip.Prefix) {
	n.secret = append(n.secret, spellings(c.duid)...)
	n.secret = append(n.secret, spellings(c.duid[4:])...) // the hardware address
	for _, l := range leases {
		a := l.Addr().As16()
		n.secret = append(n.secret, l.Addr().String(), l.Addr().StringExpanded(), hex.EncodeToString(a[:]))
	}
}

// live takes clients through what happens in a client's life.
func (n *toldNode) live() {
	c := n.client(1, "2001:db8:1::1")
	address, prefix := c.acquire()
	n.keep(c, address, prefix)
	granted := n.second() // a renewal within the same one is no extension
	n.until("a second passed", func() bool { return n.second() > granted })
	c.renew(address, prefix)
	c.send(wire.Decline, ia(nil, wire.IANA, address), true)
	c.receive()
	c.send(wire.Release, ia(nil, wire.IAPD, prefix), true)
	c.receive()
	c.send(wire.Renew, ia(nil, wire.IANA, netip.MustParsePrefix("2001:db8:ffff::1/128")), true) // refused
	c.receive()
	named := n.client(2, "2001:db8:1::1")
	n.keep(named, named.acquireNamed(privateHost))
	if _, err := c.conn.Write([]byte{byte(wire.RelayForward), 0, 1, 2, 3}); err != nil {
		n.t.Fatal(err)
	}
	broken := append([]byte{byte(wire.Solicit), 0, 0, 1, 0, byte(wire.OptionClientID), 0, 99}, c.duid...)
	if _, err := c.conn.Write(broken); err != nil {
		n.t.Fatal(err)
	}
	link := c.link.As16()
	c.sendFrom(address.Addr().As16(), wire.ReconfigureRequest, wire.AppendOption(nil, wire.OptionLinkAddress, link[:]), false) // it is no relay
	c.until(n.reloading, "all was logged", func() bool {
		text := n.log.String()
		return !slices.ContainsFunc([]string{"lease-granted", "lease-extended", "lease-declined", "lease-released", "dns-refused", "id=hook-failed", "reconfigure-request-answered"},
			func(id string) bool { return !strings.Contains(text, id) })
	})
}

// metrics are what a scrape shows.
func (n *toldNode) metrics() string {
	answer := httptest.NewRecorder()
	n.operator.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}

// refusing is a DNS server that refuses all updates.
func refusing(t *testing.T) string {
	t.Helper()
	s := &zoneServer{zones: dnstest.NewZones()}
	s.Key, s.Handle = dnsKey, s.zones.Handle
	s.addr = s.Start(t)
	return dnsSection(s.addr)
}

var duidAttribute = regexp.MustCompile(`duid~[0-9a-f]{16}`)

// pseudonymsOf are those of DUIDs that a log has.
func pseudonymsOf(log string) []string {
	all := make(map[string]bool)
	for _, p := range duidAttribute.FindAllString(log, -1) {
		all[p] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// TestPrivacyOfALife: through grants, renewals, a decline, a release, a refusal, a client's Reconfigure-request, failures of DNS and of a hook that repeats what it was
// told, bad packets, and reloads that fail at reservations, neither the log at level debug, nor the newest lines that the API has, nor
// metrics have anything that names a client. What a client is called by is the same at both nodes, and what the command tells.
func TestPrivacyOfALife(t *testing.T) {
	dns := refusing(t)
	a, b := startTold(t, "a", dns), startTold(t, "b", dns)
	for _, n := range []*toldNode{a, b} {
		n.live()
		wrong := fmt.Sprintf("\n    reservations:\n      - {remote-id: %[1]s, addresses: [\"2001:db8:77::1\"], hostname: %[2]s}\n      - {remote-id: %[1]s, hostname: %[2]s}\nlog:", privateRemoteID, privateReserved)
		n.write(edited(t, n.text, "\nlog:", wrong))
		n.hangup <- os.Interrupt
		n.until("the reload was refused", func() bool { return strings.Contains(n.log.String(), "id=reload-fault") })
		n.secret = append(n.secret, privateHost, privateRemoteID, privateReserved, "2001:db8:77::1")
		events, _ := n.events.after(0)
		for what, text := range map[string]string{"log": n.log.String(), "metrics": n.metrics(), "events": fmt.Sprintf("%+v", events)} {
			if found := leaked(text, n.secret); len(found) > 0 {
				t.Errorf("the %s has %q:\n%s", what, found, text)
			}
		}
	}
	key, err := PrivacyKey(a.inForce.config, a.file, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, n := range []byte{1, 2} {
		for _, day := range []time.Time{a.started, time.Now()} { // the same, but around midnight
			want = append(want, key.On(day).Pseudonym(privacy.DUID([]byte{0, 3, 0, 1, 2, 0, 0, 0, 0, n})))
		}
	}
	for _, n := range []*toldNode{a, b} {
		got := pseudonymsOf(n.log.String())
		if len(got) < 2 || slices.ContainsFunc(got, func(p string) bool { return !slices.Contains(want, p) }) {
			t.Errorf("the log has DUIDs %v, want %v", got, want)
		}
	}
}

// TestPrivacyIsAsked: without the section all is in clear, which shows that the search would find it; and hidden shows not even pseudonyms.
func TestPrivacyIsAsked(t *testing.T) {
	dns := refusing(t)
	for mode, wants := range map[string]bool{"clear": true, "hidden": false} {
		n := startTold(t, "a", dns)
		n.write(edited(t, n.text, "logs: pseudonyms, metrics: pseudonyms", "logs: "+mode+", metrics: "+mode))
		n.hangup <- os.Interrupt
		n.until("it was reloaded", func() bool { return strings.Contains(n.log.String(), "id=configuration-reloaded") })
		n.live()
		n.secret = append(n.secret, privateHost)
		if found := leaked(n.log.String(), n.secret); (len(found) > 0) != wants {
			t.Errorf("%s: the log has %q:\n%s", mode, found, n.log)
		}
		if got := pseudonymsOf(n.log.String()); len(got) != 0 {
			t.Errorf("%s: the log has pseudonyms %v", mode, got)
		}
	}
}

// TestPrivacyOfRelays: of relays only those that send from a link-local address are hidden from metrics.
func TestPrivacyOfRelays(t *testing.T) {
	var d Daemon
	for mode, want := range map[privacy.Mode]string{privacy.Clear: "fe80::1", privacy.Hidden: ""} {
		d.measured.Set(privacy.Settings{Mode: mode})
		relays := []admin.Relay{{Address: "fe80::1"}, {Address: "2001:db8::1"}, {Address: "::"}}
		d.measureRelays(relays)
		if relays[0].Address != want || relays[1].Address != "2001:db8::1" || relays[2].Address != "::" {
			t.Errorf("mode %d: %v", mode, relays)
		}
	}
}
