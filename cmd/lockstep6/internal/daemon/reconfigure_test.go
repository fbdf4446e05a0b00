package daemon

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/reconfigure"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

const askedLinks = `
links:
  - name: lan
    match: {link-addresses: ["2001:db8:1::/64"]}
    addresses: [{pool: "2001:db8:1::/64"}]
  - name: pop1
    match: {link-addresses: ["2001:db8:2::/64"]}
    addresses: [{pool: "2001:db8:2::/64"}]
listen: {workers: 1, addresses: ["[::1]:10547"]}
`

var accept = wire.AppendOption(nil, wire.OptionReconfigureAccept, nil)

// An accepting client is one that knows its key and the last replay value (RFC 9915, Sections 20.3 and 20.4.3).
type accepting struct {
	*client
	address netip.Prefix
	key     []byte
	replay  uint64
}

// accepting gets an address as a client that accepts Reconfigure.
func (r *reloading) accepting(n byte, link string) *accepting {
	r.t.Helper()
	a := &accepting{client: r.client(n, link)}
	a.send(wire.Solicit, ia(accept, wire.IANA), false)
	offered := a.receive()
	if len(offered) != 1 {
		r.t.Fatalf("offered %v", offered)
	}
	a.send(wire.Request, ia(accept, wire.IANA, offered[0].prefix), true)
	a.address = offered[0].prefix
	var space [9216]byte
	_, reply := a.answer(space[:])
	option := option(wire.Options(reply[4:]), wire.OptionAuthentication)
	if len(option) != 28 || option[11] != 1 {
		r.t.Fatalf("told no key: %x", option)
	}
	a.replay, a.key = binary.BigEndian.Uint64(option[3:]), option[12:]
	return a
}

// message waits for a message that isn't the reply to something that was sent again meanwhile.
func (a *accepting) message() []byte {
	a.t.Helper()
	_ = a.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		var buffer [9216]byte
		n, err := a.conn.Read(buffer[:])
		if err != nil {
			a.t.Fatal(err)
		}
		m := option(wire.Options(buffer[34:n]), wire.OptionRelayMessage)
		if len(m) < 4 {
			a.t.Fatalf("no message: %x", buffer[:n])
		}
		if kind := wire.MessageType(m[0]); kind != wire.Advertise && kind != wire.Reply {
			return m
		}
	}
}

// reconfigured waits for a Reconfigure, holds it against RFC 9915, Section 16.11, and returns what it asks for.
func (a *accepting) reconfigured() wire.MessageType {
	a.t.Helper()
	m := a.message()
	options := wire.Options(m[4:])
	auth, ask := option(options, wire.OptionAuthentication), option(options, wire.OptionReconfigureMessage)
	if m[0] != byte(wire.Reconfigure) || m[1]|m[2]|m[3] != 0 || len(ask) != 1 || len(auth) != 28 || auth[11] != 2 {
		a.t.Fatalf("not a Reconfigure: %x", m)
	}
	if string(option(options, wire.OptionClientID)) != string(a.duid) || string(option(options, wire.OptionServerID)) != string(a.server) {
		a.t.Errorf("client %x, server %x", option(options, wire.OptionClientID), option(options, wire.OptionServerID))
	}
	if replay := binary.BigEndian.Uint64(auth[3:]); replay <= a.replay {
		a.t.Errorf("replay value %x follows %x", replay, a.replay)
	} else {
		a.replay = replay
	}
	got := append([]byte(nil), auth[12:]...)
	clear(auth[12:])
	h := hmac.New(md5.New, a.key)
	h.Write(m)
	if !hmac.Equal(h.Sum(nil), got) {
		a.t.Errorf("the digest is wrong in %x", m)
	}
	return wire.MessageType(ask[0])
}

// ask begins a run.
func (r *reloading) ask(request admin.ReconfigureRequest) admin.ReconfigureRun {
	r.t.Helper()
	run, err := r.Daemon.operator.Reconfigure(r.t.Context(), request)
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

// asked waits for the end of the run.
func (r *reloading) asked() (run admin.ReconfigureRun) {
	r.t.Helper()
	r.until("the run ends", func() bool {
		var err error
		run, err = r.Daemon.operator.Reconfiguring()
		return err == nil && !run.Running
	})
	return run
}

var ignoreTimes = cmpopts.IgnoreFields(admin.ReconfigureRun{}, "Started", "Ended")

// TestReconfigure: a client that was told a key is asked through its relay, by a message that it can verify, renews, and the run ends; over
// a restart too, with the same key and higher replay values.
func TestReconfigure(t *testing.T) {
	folder, config := t.TempDir(), "reconfigure: {timeout: 1m}"+askedLinks // so that nobody is asked again
	r := startNode(t, folder, "", config)
	one := r.accepting(1, "2001:db8:1::1")
	other, plain := r.accepting(2, "2001:db8:2::1"), r.client(3, "2001:db8:1::1")
	plain.send(wire.Solicit, ia(nil, wire.IANA), false)
	offered := plain.receive()
	plain.send(wire.Request, ia(nil, wire.IANA, offered[0].prefix), true)
	plain.receive()

	want := admin.ReconfigureRun{Selection: "link lan", Message: "renew", DryRun: true, Clients: 1, Waiting: 1, Unwilling: 1, Peers: map[string]int{}}
	if diff := cmp.Diff(want, r.ask(admin.ReconfigureRequest{Link: "lan", DryRun: true}), ignoreTimes); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	r.ask(admin.ReconfigureRequest{Link: "lan"})
	if got := one.reconfigured(); got != wire.Renew {
		t.Errorf("asked for %s", got)
	}
	if _, err := r.Daemon.operator.Reconfigure(t.Context(), admin.ReconfigureRequest{Stale: true}); !errors.Is(err, admin.ErrReconfiguring) {
		t.Errorf("a second run: %v", err)
	}
	one.send(wire.Renew, ia(nil, wire.IANA, one.address), true)
	if got := one.receive(); len(got) != 1 || got[0].prefix != one.address {
		t.Errorf("renewed %v", got)
	}
	want.DryRun, want.Waiting, want.Answered, want.Sent = false, 0, 1, 1
	if diff := cmp.Diff(want, r.asked(), ignoreTimes); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	r.end()

	r = startNode(t, folder, "", config)
	if _, err := r.Daemon.operator.Reconfiguring(); !errors.Is(err, admin.ErrNoRun) {
		t.Errorf("a run after a restart: %v", err)
	}
	for what, ask := range map[string]wire.MessageType{"rebind": wire.Rebind, "information-request": wire.InformationRequest} {
		again := r.client(2, "2001:db8:2::1")
		again.server, again.xid = other.server, other.xid+100
		other.client = again
		again.send(wire.Renew, ia(nil, wire.IANA, other.address), true)
		again.receive()
		r.ask(admin.ReconfigureRequest{Client: "00:03:00:01:02:00:00:00:00:02", Message: what})
		if got := other.reconfigured(); got != ask {
			t.Errorf("asked for %s, want %s", got, ask)
		}
		if ask == wire.Rebind {
			again.send(ask, ia(nil, wire.IANA, other.address), false)
		} else {
			again.send(ask, nil, true)
		}
		again.receive()
		if run := r.asked(); run.Answered != 1 {
			t.Errorf("%s: %+v", what, run)
		}
	}
}

// TestReconfigureRetries: a client that doesn't come is asked again, until it is given up or the run is ended.
func TestReconfigureRetries(t *testing.T) {
	r := startNode(t, t.TempDir(), "", "reconfigure: {timeout: 1s, attempts: 2, rate: 1000}"+askedLinks)
	one := r.accepting(1, "2001:db8:1::1")
	lease := one.address.Addr().String()
	r.ask(admin.ReconfigureRequest{Lease: lease})
	one.reconfigured()
	one.reconfigured()
	if run := r.asked(); run.GaveUp != 1 || run.Sent != 2 || run.Canceled {
		t.Errorf("%+v", run)
	}
	r.changed("reconfigure: {timeout: 1m}" + askedLinks) // so that nobody is asked again
	r.ask(admin.ReconfigureRequest{Lease: lease})
	one.reconfigured()
	run, err := r.Daemon.operator.CancelReconfigure()
	if err != nil || run.Running || !run.Canceled || run.Asked != 1 {
		t.Errorf("%v, %+v", err, run)
	}
	if r.shared.Awaited.Any() {
		t.Error("somebody is awaited after the run")
	}
	totals := map[string]uint64{"answered": 0, "gave-up": 1, "gone": 0, "failed": 0, "canceled": 1}
	if diff := cmp.Diff(&admin.ReconfigureTotals{Sent: 3, Outcomes: totals}, r.reconfigureTotals()); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	r.ask(admin.ReconfigureRequest{Lease: lease})
	one.reconfigured()
	r.changed(askedLinks)
	if run := r.asked(); !run.Canceled {
		t.Errorf("without reconfigure in the configuration: %+v", run)
	}
	if _, err := r.Daemon.operator.Reconfigure(t.Context(), admin.ReconfigureRequest{Stale: true}); !errors.Is(err, admin.ErrNoReconfigure) {
		t.Errorf("without reconfigure in the configuration: %v", err)
	}
}

// TestReconfigureAnyway: a client that has renewed since the run began, though by another message than it was asked for, isn't asked again.
func TestReconfigureAnyway(t *testing.T) {
	r := startNode(t, t.TempDir(), "", "reconfigure: {timeout: 2s}"+askedLinks)
	one := r.accepting(1, "2001:db8:1::1")
	r.ask(admin.ReconfigureRequest{Link: "lan", Message: "rebind"})
	one.reconfigured()
	begun := r.second() // or before
	r.until("a second has passed", func() bool { return r.second() > begun+1 })
	one.send(wire.Renew, ia(nil, wire.IANA, one.address), true)
	one.receive()
	if run := r.asked(); run.Answered != 1 {
		t.Errorf("%+v", run)
	}
}

// TestReconfigureStale: after a reload that moves a link's pool, those whose leases it moved are asked, and get others.
func TestReconfigureStale(t *testing.T) {
	config := "reconfigure: {}" + askedLinks
	r := startNode(t, t.TempDir(), "", config)
	one, other := r.accepting(1, "2001:db8:1::1"), r.accepting(2, "2001:db8:2::1")
	if run := r.ask(admin.ReconfigureRequest{Stale: true, DryRun: true}); run.Clients != 0 {
		t.Errorf("%+v", run)
	}
	r.write(edited(t, config, `link-addresses: ["2001:db8:1::/64"]`, `link-addresses: ["2001:db8:1::1/128", "2001:db8:11::/64"]`,
		`addresses: [{pool: "2001:db8:1::/64"}]`, `addresses: [{pool: "2001:db8:11::/64"}]`))
	if _, err := r.Reload(t.Context(), admin.ReloadRequest{Force: true}); err != nil {
		t.Fatal(err)
	}
	if run := r.ask(admin.ReconfigureRequest{Link: "lan", DryRun: true}); run.Clients != 1 {
		t.Errorf("a client whose lease is on no link any more isn't found by its relay's: %+v", run)
	}
	r.ask(admin.ReconfigureRequest{Stale: true})
	one.reconfigured()
	one.send(wire.Renew, ia(nil, wire.IANA, one.address), true)
	got := one.receive()
	if len(got) != 2 || !netip.MustParsePrefix("2001:db8:11::/64").Contains(got[0].prefix.Addr()) || got[1] != (lease{one.address, 0}) {
		t.Errorf("renewed %v", got)
	}
	if run := r.asked(); run.Clients != 1 || run.Answered != 1 {
		t.Errorf("%+v", run)
	}
	// The other one isn't stale, and hasn't been asked.
	other.send(wire.Renew, ia(nil, wire.IANA, other.address), true)
	other.receive()
}

// TestReconfigurePicks: whom a class is for, who can't be asked and why, and which node serves a client.
func TestReconfigurePicks(t *testing.T) {
	r := startNode(t, t.TempDir(), "", `classes: [{name: east, match: {remote-id: {enterprise: 9, starts: "ea"}}}]
reconfigure: {classes: east}
`+askedLinks)
	publish := func(n byte, owner uint8, pieces ...[]byte) {
		h := r.table.NewHandle()
		defer h.Close()
		h.Enter()
		defer h.Leave()
		d := binding.Draft{
			Key: binding.Key{Address: [16]byte{0x20, 1, 0xd, 0xb8, 0, 1, 15: n}, Length: 128}, Kind: wire.IANA, DUID: []byte{0, 3, 0, 1, n}, State: binding.Bound,
			Owner: owner, Valid: 3600, LastTransaction: r.second(), Since: r.second(), Expires: r.second() + 3600,
		}
		for i := 0; i < len(pieces); i += 2 {
			d.Extension = binding.AppendExtension(d.Extension, binding.ExtensionKind(pieces[i][0]), pieces[i+1])
		}
		if _, outcome := h.Publish(nil, &d); outcome != binding.Published {
			t.Fatal(outcome)
		}
	}
	kind := func(k binding.ExtensionKind) []byte { return []byte{byte(k)} }
	remote := func(id string) []byte { return append([]byte{0, 0, 0, 9}, id...) }
	global, local, piece := []byte{0x20, 1, 15: 1}, []byte{0xfe, 0x80, 15: 1}, make([]byte, reconfigure.AcceptanceSize)
	publish(1, 0, kind(binding.ExtRemoteID), remote("east"), kind(binding.ExtReconfigure), piece, kind(binding.ExtPeerAddress), global)
	publish(2, 0, kind(binding.ExtRemoteID), remote("west"), kind(binding.ExtReconfigure), piece, kind(binding.ExtPeerAddress), global)
	publish(3, 0, kind(binding.ExtRemoteID), remote("east"), kind(binding.ExtPeerAddress), global)
	publish(4, 0, kind(binding.ExtRemoteID), remote("east"), kind(binding.ExtReconfigure), piece)
	publish(5, 0, kind(binding.ExtRemoteID), remote("east"), kind(binding.ExtReconfigure), piece, kind(binding.ExtPeerAddress), local)
	publish(6, 2, kind(binding.ExtRemoteID), remote("east"))
	names := *r.owners.Load()
	names[2] = "b"
	r.owners.Store(&names)

	got := r.ask(admin.ReconfigureRequest{Class: "east", DryRun: true})
	want := admin.ReconfigureRun{
		Selection: "class east", Message: "renew", DryRun: true, Clients: 1, Waiting: 1, Unwilling: 1, Unreachable: 2, Peers: map[string]int{"b": 1},
	}
	if diff := cmp.Diff(want, got, ignoreTimes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for request, want := range map[admin.ReconfigureRequest]error{
		{Class: "none"}: admin.ErrNoClass, {Link: "none"}: admin.ErrNoLink, {Client: "00:03:00:01:09"}: admin.ErrNobody, {Lease: "2001:db8::9"}: admin.ErrNobody,
	} {
		if _, err := r.Daemon.operator.Reconfigure(t.Context(), request); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", request, err, want)
		}
	}
	if got := r.ask(admin.ReconfigureRequest{Client: "0003000106"}); got.Clients != 0 || got.Peers["b"] != 1 {
		t.Errorf("a peer's client: %+v", got)
	}
	if run := r.asked(); run.Canceled || run.Sent != 0 {
		t.Errorf("%+v", run)
	}
}

// TestReplayIsReserved: replay values are on disk as reserved before any is given, and a store with something else there is refused.
func TestReplayIsReserved(t *testing.T) {
	folder := t.TempDir()
	r := startNode(t, folder, "", "reconfigure: {}"+askedLinks)
	given, ok := r.shared.Replay.Next(r.clock() / 1e6)
	kept, _ := r.store.Meta(metaReplay)
	if !ok || len(kept) != 8 || binary.BigEndian.Uint64(kept) <= given {
		t.Errorf("%x is given: %v; %x is kept", given, ok, kept)
	}
	secret, _ := r.store.Meta(metaReconfigureSecret)
	if [reconfigure.SecretSize]byte(secret) == [reconfigure.SecretSize]byte{} || r.site.Load().Policy.Reconfigure.Secret != [reconfigure.SecretSize]byte(secret) {
		t.Errorf("the policy's secret isn't the store's %x", secret)
	}
	if err := r.store.PutMeta(t.Context(), metaReplay, []byte("damage")); err != nil {
		t.Fatal(err)
	}
	if err := r.openReconfigure(t.Context()); err == nil {
		t.Error("damage is taken")
	}
}

// TestReplayIsReservedByReload: the first client after a reload that begins to use Reconfigure is told a key.
func TestReplayIsReservedByReload(t *testing.T) {
	r := startNode(t, t.TempDir(), "", askedLinks)
	r.changed("reconfigure: {}" + askedLinks)
	if _, ok := r.shared.Replay.Next(r.clock() / 1e6); !ok {
		t.Error("no replay value is reserved yet")
	}
}
