package daemon

import (
	"testing"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// reload puts a changed configuration into force.
func (r *reloading) changed(config string) {
	r.t.Helper()
	r.write(config)
	if _, err := r.Reload(r.t.Context(), admin.ReloadRequest{Force: true}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reloading) stale() int {
	r.t.Helper()
	return r.ask(admin.ReconfigureRequest{Stale: true, DryRun: true}).Clients
}

// TestReconfigureStaleOnce: who has got another lease isn't asked once more for the one before, whether its pool was taken out or retires.
func TestReconfigureStaleOnce(t *testing.T) {
	config := "reconfigure: {}" + askedLinks
	for what, pools := range map[string]string{
		"taken out": `addresses: [{pool: "2001:db8:11::/64"}]`,
		"retires":   `addresses: [{pool: "2001:db8:1::/64", retiring: true}, {pool: "2001:db8:11::/64"}]`,
	} {
		r := startNode(t, t.TempDir(), "", config)
		one, _ := r.accepting(1, "2001:db8:1::1"), r.accepting(2, "2001:db8:2::1")
		r.changed(edited(t, config, `link-addresses: ["2001:db8:1::/64"]`, `link-addresses: ["2001:db8:1::/64", "2001:db8:11::/64"]`,
			`addresses: [{pool: "2001:db8:1::/64"}]`, pools))
		if got := r.stale(); got != 1 {
			t.Errorf("%s: %d clients are stale, want 1", what, got)
		}
		one.send(wire.Renew, ia(nil, wire.IANA, one.address), true)
		if got := one.receive(); len(got) != 2 || got[0].prefix == one.address && got[1].prefix == one.address {
			t.Errorf("%s: renewed %v", what, got)
		}
		if got := r.stale(); got != 0 {
			t.Errorf("%s: %d clients are stale after the Renew", what, got)
		}
		r.end()
	}
}

// TestReconfigureStaleElsewhere: a lease that another link's pool has now is stale for a client that is where it was.
func TestReconfigureStaleElsewhere(t *testing.T) {
	config := "reconfigure: {}" + askedLinks
	r := startNode(t, t.TempDir(), "", config)
	one, other := r.accepting(1, "2001:db8:1::1"), r.accepting(2, "2001:db8:2::1")
	swapped := edited(t, config, `link-addresses: ["2001:db8:1::/64"]`, `link-addresses: ["2001:db8:1::1/128", "2001:db8:3::/64"]`,
		`link-addresses: ["2001:db8:2::/64"]`, `link-addresses: ["2001:db8:2::/64", "2001:db8:1::/64"]`,
		`addresses: [{pool: "2001:db8:1::/64"}]`, `addresses: [{pool: "2001:db8:3::/64"}]`,
		`addresses: [{pool: "2001:db8:2::/64"}]`, `addresses: [{pool: "2001:db8:2::/64"}, {pool: "2001:db8:1::/64"}]`)
	r.changed(swapped)
	if got := r.stale(); got != 1 {
		t.Errorf("%d clients are stale, want the first one", got)
	}
	one.send(wire.Renew, ia(nil, wire.IANA, one.address), true)
	if got := one.receive(); len(got) != 2 || got[0].prefix == one.address {
		t.Errorf("renewed %v", got)
	}
	other.send(wire.Renew, ia(nil, wire.IANA, other.address), true)
	if got := other.receive(); len(got) != 1 || got[0].prefix != other.address {
		t.Errorf("the other one renewed %v", got)
	}
	if got := r.stale(); got != 0 {
		t.Errorf("%d clients are stale after the Renew", got)
	}
}
