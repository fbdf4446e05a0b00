package daemon

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
)

// TestReloadOfAPipe: what may never end isn't read while the node runs.
func TestReloadOfAPipe(t *testing.T) {
	r := startNode(t, t.TempDir(), "", reloadFile)
	if err := os.Remove(r.file); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(r.file, 0o600); err != nil {
		t.Fatal(err)
	}
	var refused *admin.ReloadError
	if _, err := r.Reload(t.Context(), admin.ReloadRequest{}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "isn't a regular file; write") {
		t.Errorf("got %v", err)
	}
}

// TestReadingHoldsUpNobody: while a file is being read reservations are changed, whoever waits for the next reload may go, and the node ends.
func TestReadingHoldsUpNobody(t *testing.T) {
	r := startNode(t, t.TempDir(), "", reloadFile)
	r.changing.reading <- struct{}{} // a reload whose file doesn't come
	who := config.Client{Field: config.BySubscriberID, Value: "x"}
	if _, err := newOperator(r.Daemon).PutReservation(t.Context(), "lan", who, []byte(`{"addresses":["2001:db8:1::10"]}`), false); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Reload(ctx, admin.ReloadRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("who went got %v", err)
	}
	r.hangup <- syscall.SIGHUP
	r.until("the signal was taken", func() bool { return len(r.hangup) == 0 })
	r.end()
}
