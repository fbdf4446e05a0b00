package main

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// A course is what happens when. All of it follows from how long the soak takes: an hour has T1 of a minute.
type course struct {
	total  time.Duration
	unit   time.Duration // T1; T2 is twice, and the valid lifetime three times that
	sample time.Duration
	clock  time.Duration // from one kill to the next
	down   time.Duration // for how long a killed node is away

	cohort int // clients of each
	pool   int // length of the pool's prefix
}

// A cohort comes within one unit, renews for stay units and goes within one.
const (
	stay  = 6
	slots = 1 + stay + 1 // cohorts at a time
)

// Of the exchanges of those who stay every rebinds-th one is a Rebind, and the others are Renews, in the order of the clients.
const rebinds = 9

// Of each cohort every releases-th client releases in the end, and every declines-th other one declines. The rest fall silent.
const (
	releases = 3
	declines = 50
)

func newCourse(total time.Duration, rate float64) *course {
	c := &course{
		total: total, unit: clamp(total/60, 3*time.Second, time.Minute), sample: clamp(total/360, time.Second, 10*time.Second),
		clock: max(total/15, 8*time.Second),
	}
	c.down = min(c.clock/8, 30*time.Second)
	perUnit := 1 + float64(stay) + 1.0/releases // exchanges of each client of a cohort, in each unit, over all cohorts
	c.cohort = max(int(rate*c.unit.Seconds()/perUnit), 64)
	c.cohort += (rebinds + 1 - c.cohort%rebinds) % rebinds // so that with each unit others rebind, those who release in the end too
	c.pool = 128 - bits.Len(uint(4*c.clients()))
	return c
}

// clients is how many there are at a time, those that have fallen silent not counted.
func (c *course) clients() int { return c.cohort * slots }

func clamp(d, least, most time.Duration) time.Duration {
	return min(max(d, least), most).Truncate(time.Second)
}

// A deed is what is done to a node.
type deed uint8

const (
	reload deed = iota
	kill
	drain
	undrain
	backup
)

// A happening is one deed.
type happening struct {
	at   time.Duration
	deed deed
	node int // nobody: both
}

const nobody = -1

// happenings are all, in the order of their times. Node b dies in the first half and a in the second.
func (c *course) happenings() (all []happening) {
	last := c.total - c.clock/2 // so that who returns then can show that it has
	for at := c.clock; at <= last; at += c.clock {
		victim := 0
		if at < c.total/2 {
			victim = 1
		}
		all = append(all, happening{at, kill, victim})
	}
	for i, at := range []time.Duration{c.clock * 3 / 2, c.total/2 + c.clock*3/4} {
		all = append(all, happening{at, drain, i}, happening{at + c.clock/8, undrain, i})
	}
	for k, at := 0, c.clock*7/10; at <= last; k, at = k+1, at+3*c.clock {
		all = append(all, happening{at, backup, k % 2})
	}
	pause := max(c.total/60, 5*time.Second)
	for at := pause; at <= last; at += pause {
		all = append(all, happening{at + pause/3, reload, nobody})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	return all
}
