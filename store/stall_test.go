package store

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/lockstep6/lockstep6/core/worker"
)

// A hang holds up all operations that match, from the time that its fault is switched on until it is released.
type hang struct {
	fault
	entered, released chan struct{}
}

func newHang(match func(errorfs.Op) bool) *hang {
	h := &hang{entered: make(chan struct{}, 100), released: make(chan struct{})}
	h.match = func(op errorfs.Op) bool {
		if match(op) {
			h.entered <- struct{}{}
			<-h.released
		}
		return false
	}
	return h
}

// A logText is a log that a test reads while others write.
type logText struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logText) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.buf.String(), text)
}

// A disk that hangs while the ballast is written is noticed all the same, and the log tells the stall and its end.
func TestStallIsNoticedWhileTheBallastHangs(t *testing.T) {
	now := &testTime{at: time.Unix(1_800_000_000, 0)}
	told := newHealthLog()
	ballast := newHang(onSuffix(ballastTemp, errorfs.OpFileWrite))
	log := newHang(onLog(errorfs.OpFileSync, errorfs.OpFileSyncData))
	var text logText
	s := open(t, Options{
		FS:      diskOf{errorfs.Wrap(errorfs.Wrap(vfs.NewMem(), ballast), log), 1 << 30},
		Ballast: 1 << 20, OnHealth: told.on, clock: now.clock(), Logger: slog.New(slog.NewTextHandler(&text, nil)),
	})
	told.want(t, true)
	if text.has("grants") {
		t.Error("the start of a store is logged as if grants had stopped")
	}
	ballast.left.Store(-1)
	s.housekeep()
	<-ballast.entered
	s.housekeep() // doesn't write a second one
	log.left.Store(-1)
	done := make(chan *worker.Write, 1)
	s.Append(&worker.Write{Changes: change(nil, 1, 1), Count: 1, Done: done})
	<-log.entered
	now.at = now.at.Add(stallAfter)
	s.housekeep()
	told.want(t, false)
	if !text.has("grants durable; they stop") || !text.has("waiting for the disk") {
		t.Errorf("the log doesn't tell the stall: %s", &text.buf)
	}
	close(log.released)
	<-done
	told.want(t, true)
	if !text.has("grants go on") {
		t.Error("the log doesn't tell the recovery")
	}
	close(ballast.released)
	s.diskWork <- struct{}{} // when the ballast is written
	<-s.diskWork
	if len(ballast.entered) != 0 {
		t.Errorf("the ballast was written %d times", 1+len(ballast.entered))
	}
}
