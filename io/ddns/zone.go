package ddns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// Waits of a zone that fails, between two tries.
const (
	firstProbe = time.Second
	longProbe  = 30 * time.Second
	losses     = 4  // updates in a row without an answer after which the zone fails: fewer may be packets that were lost
	refusals   = 10 // names refused in a row after which updates are counted; and the zone fails, if it isn't choosy

	// Updates a second beyond those: of leases of which one was refused before; and where none was, from a zone that fails, beside probes,
	// and from one that doesn't.
	againMost, failingMost, freshMost = 10, 10, 100

	choosy = 10 * time.Minute // after an update that was made
)

// A zone is how it goes with one. While it fails, one update at a time is let through to it, as a probe; it is up again with the first
// answer that isn't a refusal.
//
// A server may refuse single names, by its rules. As long as it makes updates of others the zone is choosy, and doesn't fail: then it is the
// names that are wrong, however many.
type zone struct {
	name   naming.Name
	counts *zoneCounts

	mu      sync.Mutex
	down    bool
	lost    int       // in a row, without an answer
	refused []string  // names in a row, each once, no more than count
	denied  bool      // all of them by REFUSED, as single names are; other answers speak of the whole zone
	made    time.Time // when an update was made last
	since   time.Time // it is down
	turned  time.Time // when it went down or up last, or came
	second  time.Time // since when updates are counted while it refuses
	fresh   int       // of leases of which none was refused before
	again   int       // of others
	probing bool
	next    time.Time // when the next probe may go
	wait    time.Duration

	// What Run's goroutine alone has.
	waiting []*item   // those that wait for it
	called  time.Time // when one of them was last sent to try
	wasDown bool      // when it was last looked at
}

func newZone(name naming.Name, counts *zoneCounts) *zone {
	return &zone{name: name, counts: counts, turned: time.Now()}
}

// A downError says that a zone fails, and that this update wasn't the probe.
type downError struct{ zone *zone }

func (e *downError) Error() string { return fmt.Sprintf("zone %s doesn't answer", e.zone.name) }

// admit tells whether an update may go out now; probe: no other one of what was refused before may meanwhile. Fresh is that of which nothing
// was: it may where the zone answers, though it refuses, for it may be the others that are wrong.
func (z *zone) admit(now time.Time, fresh bool) (ok, probe bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	switch {
	case !z.down:
		return len(z.refused) < refusals || z.mayTry(now, fresh, freshMost), false
	case !z.probing && !now.Before(z.next):
		z.probing = true
		return true, true
	}
	return fresh && z.lost < losses && z.mayTry(now, true, failingMost), false
}

// mayTry tells whether another one may go out in this second while the zone refuses; most is how many of the fresh may. The zone is locked.
func (z *zone) mayTry(now time.Time, fresh bool, most int) bool {
	if now.Sub(z.second) >= time.Second {
		z.second, z.fresh, z.again = now, 0, 0
	}
	if fresh {
		z.fresh++
		return z.fresh <= most
	}
	z.again++
	return z.again <= againMost
}

// takes tells whether what wasn't refused yet has its own chance though the zone fails: single names are refused, for all that is known.
func (z *zone) takes() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.lost < losses && z.denied
}

// isDown tells whether the zone fails, and when the next probe may go; zero: one is on its way.
func (z *zone) isDown() (down bool, next time.Time) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.probing {
		return z.down, time.Time{}
	}
	return z.down, z.next
}

// failing is since when nothing gets through, zero where it does, and when that changed last, or the zone came.
func (z *zone) failing() (since, turned time.Time) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if !z.down {
		return time.Time{}, z.turned
	}
	return z.since, z.turned
}

// release ends a probe of which nothing was learnt.
func (z *zone) release() {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.probing = false
}

// note takes in what became of an update.
func (z *zone) note(log *slog.Logger, now time.Time, probe bool, u *upkeep.Update, answer upkeep.Answer, err error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if probe {
		z.probing = false
	}
	switch {
	case err != nil:
		z.lost++
	case unwilling(answer):
		z.refuse(u.Name(), answer)
		err = fmt.Errorf("zone %s: the server answers %v", z.name, answer)
	case len(u.Changes) == 0:
		z.lost = 0 // to be asked is no update, and may be allowed where none is
		return
	default:
		if answer == upkeep.NoError {
			z.made = now
		}
		z.up(log, now)
		return
	}
	switch {
	case z.down && probe:
		z.wait = min(2*z.wait, longProbe)
		z.next = now.Add(z.wait)
	case !z.down && (z.lost >= losses || len(z.refused) >= refusals && !(z.denied && now.Sub(z.made) < choosy)):
		z.down, z.since, z.turned, z.wait = true, now, now, firstProbe
		z.next = now.Add(z.wait)
		log.Warn("DNS zone doesn't take updates; they wait", "id", "dns-zone-down", "zone", z.name.String(), "error", err)
	}
}

// refuse notes a refusal of a name.
func (z *zone) refuse(of naming.Name, answer upkeep.Answer) {
	z.lost = 0
	z.denied = (z.denied || len(z.refused) == 0) && answer == upkeep.Refused
	if name := string(of); len(z.refused) < refusals && !slices.Contains(z.refused, name) {
		z.refused = append(z.refused, name)
	}
}

// up notes an answer that isn't a refusal.
func (z *zone) up(log *slog.Logger, now time.Time) {
	z.lost, z.refused, z.denied = 0, z.refused[:0], false
	if z.down {
		z.down = false
		z.turned = now
		log.Info("DNS zone takes updates again", "id", "dns-zone-up", "zone", z.name.String(), "after", now.Sub(z.since).Round(time.Second))
	}
}

// unwilling tells whether an answer says that the server doesn't make updates, whatever they rely on (RFC 4703, Section 5.1).
func unwilling(a upkeep.Answer) bool {
	switch a {
	case upkeep.NoError, upkeep.YXDomain, upkeep.YXRRSet, upkeep.NXDomain, upkeep.NXRRSet:
		return false
	}
	return true
}

// A gate stands between upkeep.Run and the client: it keeps updates from zones that fail, and counts.
type gate struct {
	setup *setup
	log   *slog.Logger
	fresh bool // nothing of the item was refused before
}

// Exchange implements upkeep.Exchanger.
func (g *gate) Exchange(ctx context.Context, u *upkeep.Update) (upkeep.Answer, error) {
	z := g.setup.zones[u.Zone]
	began := time.Now()
	ok, probe := z.admit(began, g.fresh)
	if !ok {
		return 0, &downError{z}
	}
	answer, err := g.setup.exchanger.Exchange(ctx, u)
	if err != nil && ctx.Err() != nil {
		if probe {
			z.release()
		}
		return answer, err
	}
	now := time.Now()
	z.counts.count(answer, err, now, now.Sub(began))
	if lost := (*Error)(nil); err == nil || errors.As(err, &lost) {
		z.note(g.log, now, probe, u, answer, err)
	} else if probe {
		z.release() // the update can't be sent at all: that isn't the zone's fault
	}
	return answer, err
}
