package ddns

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep6/lockstep6/core/upkeep"
)

// A bench is an updater with all that it needs, in a bubble whose time is its own.
type bench struct {
	*Updater
	queue  *fakeQueue
	world  *fakeWorld
	server *fakeServer
	log    *strings.Builder // to be read while the bubble is at rest
	stop   context.CancelFunc
	ended  chan struct{}
}

// benchWindow is how many tasks a bench's updater holds.
const benchWindow = 1024

// zones of a bench: 0 and 1 are forward, 2 is reverse.
var benchZones = []string{"example.com", "example.org", reverseZone}

func benchSettings(t testing.TB) Settings {
	s := Settings{Records: upkeep.Settings{Updates: true}, Parallel: 8, Timeout: time.Second, GiveUp: 24 * time.Hour}
	for _, z := range benchZones {
		s.Zones = append(s.Zones, Zone{Name: name(t, z), Servers: []netip.AddrPort{netip.MustParseAddrPort("[::1]:53")}})
	}
	return s
}

// run runs an updater in a bubble, while a test does what it does.
func run(t *testing.T, test func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{queue: newQueue(), world: newWorld(), server: &fakeServer{took: 10 * time.Millisecond}, log: &strings.Builder{}}
		b.Updater = NewUpdater(b.queue, b.world, benchSettings(t), slog.New(slog.NewTextHandler(b.log, nil)))
		b.newExchanger = func(*Settings) upkeep.Exchanger { return b.server }
		b.tasks.window = benchWindow
		b.start(t)
		test(t, b)
		b.end()
		if len(b.server.clashes) > 0 {
			t.Errorf("updates of the same name at the same time: %q", b.server.clashes)
		}
	})
}

func (b *bench) start(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	b.stop, b.ended = stop, make(chan struct{})
	go func() {
		b.Run(ctx)
		close(b.ended)
	}()
}

func (b *bench) end() {
	b.stop()
	<-b.ended
}

// wantLines wants as many lines of the log with an id.
func (b *bench) wantLines(t *testing.T, id string, want int) {
	t.Helper()
	synctest.Wait()
	if got := strings.Count(b.log.String(), "id="+id+" "); got != want {
		t.Errorf("want %d lines %s, got %d in:\n%s", want, id, got, b.log)
	}
}

// rest lets time go by until the queue is empty, and says how much that was.
func (b *bench) rest(t *testing.T, most time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	for b.queue.waiting() > 0 {
		if time.Since(began) > most {
			t.Fatalf("after %v %d tasks wait; %+v\n%s", most, b.queue.waiting(), b.Status(), b.log)
		}
		time.Sleep(100 * time.Millisecond)
	}
	took := time.Since(began)
	synctest.Wait()
	return took
}

// noAnswer is what a client says of a zone of which no server answers.
func noAnswer(t testing.TB, zone string) error {
	e := &Error{Zone: name(t, zone)}
	e.add(netip.MustParseAddrPort("[::1]:53"), errors.New("no answer within 1s"))
	return e
}
