package main

import (
	"testing"
	"time"
)

func TestOthers(t *testing.T) {
	// user nice system idle iowait irq softirq steal: of 1000 hundredths 100+10+50+40 were busy or taken away.
	all, busy, err := parseClock("cpu  100 10 50 700 50 20 30 40 0 0\ncpu0 1 2 3\n")
	if err != nil || all != 10*time.Second || busy != 2*time.Second {
		t.Errorf("%v, %v, %v; want 10s, 2s", all, busy, err)
	}
	for _, text := range []string{"", "cpu 1 2", "cpu a b c d e f g h"} {
		if _, _, err := parseClock(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
	before, after := clock{time.Minute, time.Minute, time.Minute}, clock{time.Minute + all, time.Minute + busy, time.Minute + time.Second/2}
	if got := after.others(before); got != 0.15 {
		t.Errorf("others had %v, want 0.15", got)
	}
	if got := before.others(before); got != 0 {
		t.Errorf("in no time others had %v", got)
	}
	if _, err := readClock(); err != nil {
		t.Error(err)
	}
}
