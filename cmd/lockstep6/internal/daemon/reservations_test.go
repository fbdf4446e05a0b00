package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// TestReservations: a stored reservation is in force at once, part of the fingerprint, checked against the file's, and
// outlives a reload and a restart.
func TestReservations(t *testing.T) {
	folder := t.TempDir()
	file := edited(t, reloadCluster, "log:", "    reservations: [{duid: \"00:03:07\", addresses: [\"2001:db8:1::7\"]}]\nlog:")
	r := startNode(t, folder, "a", file)
	c := r.client(1, "2001:db8:1::1")
	address, prefix := c.acquire()
	o := newOperator(r.Daemon)
	who := config.Client{Field: config.ByDUID, Value: string(c.duid)}
	before := o.State().Fingerprint

	r.write("what is in the file and wasn't reloaded doesn't matter")
	change, err := o.PutReservation(t.Context(), "lan", who, []byte(`{"addresses":["2001:db8:1::10"]}`), false)
	if err != nil || !change.Applied || change.Note != admin.ReservationNote || change.Fingerprint.Before != before || change.Fingerprint.After == before {
		t.Fatalf("%+v, %v", change, err)
	}
	if change.Bindings.Own.ToReservation != 1 || change.Bindings.Own.Kept != 1 {
		t.Errorf("the bindings are %+v", change.Bindings)
	}
	reserved := netip.MustParsePrefix("2001:db8:1::10/128")
	if got := c.renew(address, prefix); len(got) != 3 || got[0].prefix != reserved || got[1] != (lease{address, 0}) || got[2].prefix != prefix {
		t.Errorf("the client is told %v", got)
	}
	want := []admin.Reservation{
		{Link: "lan", Client: "duid", Value: "00:03:07", Addresses: []string{"2001:db8:1::7"}, Prefixes: []string{}},
		{Link: "lan", Client: "duid", Value: wire.FormatDUID(c.duid), Addresses: []string{"2001:db8:1::10"}, Prefixes: []string{}, Stored: true},
	}
	if got, err := o.Reservations("lan"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}

	for name, test := range map[string]struct {
		who  config.Client
		what string
		want string
	}{
		"the file's address": {config.Client{Field: config.ByDUID, Value: "\x00\x03\x09"}, `{"addresses":["2001:db8:1::7"]}`,
			"\nthe reservation that you add: lan duid 00:03:09 addresses[0]: 2001:db8:1::7 stands in line 11 already"},
		"the file's client": {config.Client{Field: config.ByDUID, Value: "\x00\x03\x07"}, `{"addresses":["2001:db8:1::8"]}`, "already, in line 11"},
		"a stored address":  {config.Client{Field: config.BySubscriberID, Value: "x"}, `{"addresses":["2001:db8:1::10"]}`, "in stored reservation 1 already"},
		"no such field":     {config.Client{Field: config.BySubscriberID, Value: "x"}, `{"adresses":[]}`, "no such field here; did you mean addresses?"},
		"the client again":  {config.Client{Field: config.BySubscriberID, Value: "x"}, `{"duid":"00:03:01"}`, "the client is named already"},
		"not an object":     {config.Client{Field: config.BySubscriberID, Value: "x"}, `null`, "must be a JSON object"},
		"nothing":           {config.Client{Field: config.BySubscriberID, Value: "x"}, `{}`, "reserves nothing"},
		"not safe":          {config.Client{Field: config.BySubscriberID, Value: "x"}, `{"prefixes":["2001:db8:8000:700::/56"]}`, "nodes with the old file give such a lease to others"},
	} {
		_, err := o.PutReservation(t.Context(), "lan", test.who, []byte(test.what), false)
		var refused *admin.ReloadError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "reservations remove") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Who is stored already and conflicts with one behind it in the list is told of the other one by its client.
	other := config.Client{Field: config.BySubscriberID, Value: "x"}
	if _, err := o.PutReservation(t.Context(), "lan", other, []byte(`{"addresses":["2001:db8:1::11"]}`), false); err != nil {
		t.Fatal(err)
	}
	_, err = o.PutReservation(t.Context(), "lan", who, []byte(`{"addresses":["2001:db8:1::11"]}`), false)
	if err == nil || !strings.Contains(err.Error(), "lan subscriber-id x addresses[0]: 2001:db8:1::11 stands in the reservation that you add already") {
		t.Errorf("a conflict with a later one: %v", err)
	}
	if _, err := o.DeleteReservation(t.Context(), "lan", other, false); err != nil {
		t.Fatal(err)
	}
	if _, err := o.PutReservation(t.Context(), "wan", who, []byte(`{}`), false); !errors.Is(err, admin.ErrNoLink) {
		t.Errorf("no such link: %v", err)
	}
	if got := o.State().Fingerprint; got != change.Fingerprint.After {
		t.Errorf("what was refused changed the fingerprint to %s", got)
	}

	r.write(edited(t, file, "2001:db8:1::7", "2001:db8:1::10"))
	if _, err := r.Reload(t.Context(), admin.ReloadRequest{}); err == nil || !strings.Contains(err.Error(), "`lockstep6 reservations remove`") {
		t.Errorf("a file that reserves the same: %v", err)
	}
	r.write(edited(t, file, "leases: false", "leases: true"))
	if plan, err := r.Reload(t.Context(), admin.ReloadRequest{}); err != nil || plan.Fingerprint.After != change.Fingerprint.After {
		t.Errorf("a reload: %+v, %v", plan, err)
	}
	r.end()

	r = startNode(t, folder, "a", file)
	o = newOperator(r.Daemon)
	if got := o.State().Fingerprint; got != change.Fingerprint.After {
		t.Errorf("after a restart the fingerprint is %s, want %s", got, change.Fingerprint.After)
	}
	if _, err := o.DeleteReservation(t.Context(), "lan", config.Client{Field: config.ByDUID, Value: "\x00\x03\x07"}, false); !errors.Is(err, admin.ErrNoReservation) {
		t.Errorf("the file's was taken out of the store: %v", err)
	}
	change, err = o.DeleteReservation(t.Context(), "lan", who, false)
	if err != nil || change.Fingerprint.After != before {
		t.Errorf("%+v, %v", change, err)
	}
	if value, _ := r.store.Meta(metaReservations); len(value) > 0 {
		t.Errorf("the store still has %s", value)
	}
}

// TestStoredListBounds: the list has an end, by number and by octets.
func TestStoredListBounds(t *testing.T) {
	var l StoredList
	for i := range maxStored {
		who := config.Client{Field: config.ByHardware, Value: string([]byte{2, byte(i >> 8), byte(i)})}
		if _, err := l.put("lan", who, fmt.Appendf(nil, `{"addresses":["2001:db8:1::%x"]}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	value, err := l.value()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := readStoredList(value); err != nil || len(again.entries) != maxStored || strings.Count(string(value), "\n") != maxStored-1 {
		t.Errorf("%d entries, %v", len(again.entries), err)
	}
	if _, err := l.put("lan", config.Client{Field: config.ByDUID, Value: "\x00\x03\x01"}, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.value(); err == nil {
		t.Error("one more than there may be is kept")
	}
	l.entries = l.entries[:100]
	long := `{"options":{"x":"` + strings.Repeat("x", 15<<10) + `"}}`
	for i := range 80 {
		if _, err := l.put("lan", config.Client{Field: config.ByDUID, Value: string([]byte{0, 3, byte(i)})}, []byte(long)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.value(); err == nil {
		t.Error("more octets than there may be are kept")
	}
	if _, err := readStoredList([]byte("{")); err == nil {
		t.Error("what is damaged was read")
	}
}

// TestReservedName: a reservation may be of a name alone; the client is called so from its next message on, and its records follow.
func TestReservedName(t *testing.T) {
	n := startNaming(t)
	c := n.client(1, "2001:db8:1::1")
	address := c.acquireNamed("notebook")
	n.settled(n.server, c.records("notebook", address))
	o := newOperator(n.Daemon)
	who := config.Client{Field: config.ByDUID, Value: string(c.duid)}
	change, err := o.PutReservation(t.Context(), "lan", who, []byte(`{"hostname":"printer"}`), false)
	if err != nil || !change.Applied || change.Bindings.Own.New() != 0 {
		t.Fatalf("%+v, %v", change, err)
	}
	want := admin.Reservation{
		Link: "lan", Client: "duid", Value: wire.FormatDUID(c.duid), Addresses: []string{}, Prefixes: []string{}, Hostname: "printer.example.net", Stored: true,
	}
	if got, err := o.Reservations("lan"); err != nil || len(got) != 1 || !cmp.Equal(got[0], want) {
		t.Errorf("%v, %v", got, err)
	}
	c.send(wire.Renew, append(ia(nil, wire.IANA, address), fqdn("notebook")...), true)
	if got := c.receive(); len(got) != 1 || got[0].prefix != address {
		t.Errorf("the client is told %v", got)
	}
	n.settled(n.server, c.records("printer", address))
	n.end()
	stored, err := readStoredList([]byte(`[{"link":"lan","client":"duid 00:03:01","reservation":{"duid":"00:03:01","hostname":"printer"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := stored.Of("lan"); err != nil || len(got) != 1 || got[0].Hostname != "printer" {
		t.Errorf("of a stopped node %+v, %v", got, err)
	}
}
