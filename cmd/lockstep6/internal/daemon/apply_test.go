package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
)

// TestApplyChangesNothingOnAnError: where the store doesn't keep what a change needs, all is as before: what is in force, the owners'
// names, and that bindings are counted.
func TestApplyChangesNothingOnAnError(t *testing.T) {
	full := errors.New("no space left on device")
	for name, change := range map[string]func(r *reloading) error{
		metaReservations: func(r *reloading) error {
			who := config.Client{Field: config.BySubscriberID, Value: "x"}
			_, err := newOperator(r.Daemon).PutReservation(t.Context(), "lan", who, []byte(`{"addresses":["2001:db8:1::10"]}`), false)
			return err
		},
		metaCluster: func(r *reloading) error {
			r.write(edited(t, reloadCluster, "{name: b}]", "{name: b}, {name: c}]", `{pool: "2001:db8:1::/64"}`, `{pool: "2001:db8:2::/64"}`))
			_, err := r.Reload(t.Context(), admin.ReloadRequest{Force: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := startNode(t, t.TempDir(), "a", reloadCluster)
			r.client(1, "2001:db8:1::1").acquire()
			o := newOperator(r.Daemon)
			before, site, owners, inForce := o.Pools(), r.site.Load(), r.owners.Load(), r.inForce
			if before[0].Own != 1 || before[1].Own != 1 {
				t.Fatalf("the pools are %+v", before)
			}
			r.changing.one.Lock()
			r.keep = func(_ context.Context, of string, _ []byte) error {
				if of != name {
					return errors.New("something else was kept: " + of)
				}
				return full
			}
			r.changing.one.Unlock()
			if err := change(r); !errors.Is(err, full) {
				t.Fatalf("a change that isn't kept: %v", err)
			}
			if r.site.Load() != site || r.owners.Load() != owners || r.inForce != inForce {
				t.Error("something changed")
			}
			if diff := cmp.Diff(before, o.Pools()); diff != "" {
				t.Errorf("pools (-before +after):\n%s", diff)
			}
			r.client(2, "2001:db8:1::1").acquire()
			if after := o.Pools(); after[0].Own != 2 || after[1].Own != 2 {
				t.Errorf("after a second client the pools are %+v", after)
			}
			if strings.Contains(r.log.String(), "configuration-reloaded") {
				t.Error("the log says that it is in force")
			}
		})
	}
}
