package daemon

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep6/lockstep6/io/admin"
)

// Whether changes tell history is the store's to say, for as long as it is open: a configuration that is read again
// later must not leave gaps in what the store calls whole.
func TestHistoryIsAsTheStoreWasOpened(t *testing.T) {
	dir := shortDir(t)
	for name, text := range map[string]string{"on": oneLink, "off": strings.ReplaceAll(oneLink, "history: {keep: 400d}\n", "")} {
		d := openNode(t, text, "", filepath.Join(dir, name), freePort(t))
		on := name == "on"
		if got := d.site.Load().Policy.History; got != on {
			t.Errorf("%s: the policy says %v", name, got)
		}
		other := *d.inForce.config
		other.History.Keep = 86400
		if on {
			other.History.Keep = 0
		}
		if p, err := d.compile(t.Context(), &other); err != nil || p.History != on {
			t.Errorf("%s: compiled again it says otherwise, or %v", name, err)
		}
		state, _, err := d.operator.History(t.Context(), admin.HistoryQuery{})
		if on && (err != nil || !state.On || state.Since.IsZero()) || !on && !errors.Is(err, admin.ErrNoHistory) {
			t.Errorf("%s: %+v, %v", name, state, err)
		}
		if err := d.closeAll(); err != nil {
			t.Error(err)
		}
	}
}
