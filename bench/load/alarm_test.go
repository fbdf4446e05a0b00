package load

import (
	"math/rand/v2"
	"testing"
)

// TestAlarms: each message is sent again once, at most a tick after it is due, however far ahead that was, and what was answered
// meanwhile isn't.
func TestAlarms(t *testing.T) {
	const clients = 5000
	start := int64(1<<40) + 12345
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([]client, clients)
	a := alarms{next: start / int64(tick)}
	for i := range all {
		all[i].phase, all[i].due = soliciting, start+rng.Int64N(3*alarmBuckets*int64(tick))
		a.set(int32(i), all[i].due)
		switch i % 5 {
		case 3:
			all[i].phase = idle
		case 4: // another message by now
			all[i].due += 7
			a.set(int32(i), all[i].due)
		}
	}
	rung := make(map[int32]int)
	for now := start; now < start+4*alarmBuckets*int64(tick); now += 1 + rng.Int64N(3*int64(tick)) {
		a.ring(all, now, func(i int32) {
			rung[i]++
			if late := now - all[i].due; late < 0 || late > 5*int64(tick) {
				t.Errorf("client %d: %d ns late", i, late)
			}
		})
	}
	for i := range all {
		want := 1
		if i%5 == 3 {
			want = 0
		}
		if rung[int32(i)] != want {
			t.Errorf("client %d (%d): sent again %d times", i, i%5, rung[int32(i)])
		}
	}
}

// TestAlarmsAfterAStandstill: nothing is forgotten.
func TestAlarmsAfterAStandstill(t *testing.T) {
	all := []client{{phase: soliciting, due: int64(tick)}, {phase: soliciting, due: 100 * alarmBuckets * int64(tick)}}
	var a alarms
	for i := range all {
		a.set(int32(i), all[i].due)
	}
	var rung []int32
	for _, now := range []int64{50 * alarmBuckets * int64(tick), 200 * alarmBuckets * int64(tick)} {
		a.ring(all, now, func(i int32) { rung = append(rung, i); all[i].phase = idle })
	}
	if len(rung) != 2 || rung[0] != 0 || rung[1] != 1 {
		t.Errorf("sent again: %v", rung)
	}
}
