package meter

import (
	"runtime"
	"testing"
	"time"
)

func TestOwn(t *testing.T) {
	o := StartOwn()
	kept := make([][]byte, 1000)
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
		for i := range kept {
			kept[i] = make([]byte, 100)
		}
	}
	runtime.GC()
	s := o.Spent()
	if s.Took < 20*time.Millisecond || s.CPU <= 0 || s.GC == 0 || s.GCLongest <= 0 || s.Allocated < 1000 {
		t.Errorf("%+v", s)
	}
	if octets, err := Resident(); err != nil || octets < 1<<20 {
		t.Errorf("%d octets, %v", octets, err)
	}
	runtime.KeepAlive(kept)
}

func TestPauses(t *testing.T) {
	before := readRuntime()[0].Value.Float64Histogram()
	after := readRuntime()[0].Value.Float64Histogram()
	for i := range after.Counts {
		after.Counts[i] = before.Counts[i]
	}
	at := len(after.Counts) / 2
	after.Counts[at] += 3
	if count, longest := pausesBetween(before, after); count != 3 || longest != after.Buckets[at+1]*1e3 {
		t.Errorf("%d pauses, the longest up to %v ms; want 3 and %v", count, longest, after.Buckets[at+1]*1e3)
	}
}
