package ddns

import (
	"errors"
	"strconv"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// quiet is how often a kind of line is logged at most.
const quiet = 10 * time.Second

// A limit keeps a kind of lines from filling the log.
type limit struct {
	next   time.Time
	others uint64
}

// may tells whether a line of this kind may be logged, and how many weren't since the last one.
func (u *Updater) may(kind string) (others uint64, ok bool) {
	l := u.limits[kind]
	if l == nil {
		l = &limit{}
		u.limits[kind] = l
	}
	now := time.Now()
	if now.Before(l.next) {
		l.others++
		return 0, false
	}
	others, l.others, l.next = l.others, 0, now.Add(quiet)
	return others, true
}

// tell counts and logs what operators want to know of an outcome.
func (u *Updater) tell(o *outcome) {
	for i := range o.results {
		r := &o.results[i]
		u.count(func(s *Status) {
			s.NoZone += uint64(r.NoZone)
			if r.Conflict {
				s.Conflicts++
			}
			if r.Taken {
				s.Taken++
			}
		})
		if r.Conflict {
			if at := naming.Longest(o.setup.records.Zones, r.job.Name); at >= 0 {
				o.setup.zones[at].counts.conflict()
			}
			u.tellConflict(r.job)
		}
	}
	var refused *upkeep.RefusedError
	if errors.As(o.err, &refused) {
		if others, ok := u.may("refused " + strconv.Itoa(int(refused.Answer))); ok {
			u.log.Warn("DNS server refuses an update; trying again", "id", "dns-refused", "zone", o.setup.Zones[refused.Zone].Name.String(),
				"name", privacy.Name(refused.Name.String()), "answer", refused.Answer.String(), "others", others)
		}
	}
}

func (u *Updater) tellConflict(j *upkeep.Job) {
	if others, ok := u.may("conflict"); ok {
		u.log.Warn("DNS name is another client's; nothing was added", "id", "dns-conflict", "name", privacy.Name(j.Name.String()), "lease", leaseOf(added(j)), "others", others)
	}
}

// added is the first lease that a job adds to a name; zero: it adds none.
func added(j *upkeep.Job) (k binding.Key) {
	if len(j.Add) > 0 {
		k = j.Add[0].Key
	}
	return k
}

// leaseOf is a lease as the log has it; nothing where there is none.
func leaseOf(k binding.Key) privacy.Identifier {
	if k.Length == 0 {
		return privacy.Public("")
	}
	return privacy.Lease(k.Address, k.Length)
}
