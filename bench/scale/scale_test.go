package scale

import (
	"os"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/bench/child"
)

func TestMain(m *testing.M) {
	child.Main(Parts())
	os.Exit(m.Run())
}

// TestMeasure measures a small node, so that what is measured with a large one doesn't rot.
func TestMeasure(t *testing.T) {
	for _, workers := range []int{1, 2} {
		var s Size
		for d := 100 * time.Millisecond; s.Renew.Exchanges == 0 && d < time.Minute; d *= 4 { // the machine may stand still for a while
			var err error
			if s, err = Measure(t.Context(), Options{Dir: t.TempDir(), Workers: workers, Renew: d, New: 1000}, 10_000); err != nil {
				t.Fatal(err)
			}
		}
		for name, p := range map[string]Phase{"fill": s.Fill, "renew": s.Renew, "request": s.Request} {
			if p.Exchanges == 0 || p.Rate <= 0 || p.CPU <= 0 || p.P50 <= 0 || p.Longest < p.P99 || p.Syncs == 0 {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if s.Fill.Exchanges != 10_000 || s.Request.Exchanges != 1000 {
			t.Errorf("%d and %d Requests, want 10000 and 1000", s.Fill.Exchanges, s.Request.Exchanges)
		}
		if s.Start.Total <= 0 || s.Cold.Total <= 0 || s.Disk <= 0 || s.Memory.Records < recordOctets || s.Memory.Resident <= 0 {
			t.Errorf("start %+v, cold %+v, disk %v, memory %+v", s.Start, s.Cold, s.Disk, s.Memory)
		}
	}
}

func TestMeasureRefuses(t *testing.T) {
	for _, o := range []Options{{Workers: 0}, {Workers: 17}, {Workers: 1, New: newClients + 1}} {
		if _, err := Measure(t.Context(), o, 1); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// TestDense measures a small pool.
func TestDense(t *testing.T) {
	all, err := MeasureDense(MinBits, 3, 100)
	if err != nil || len(all) != 2*len(Fills) {
		t.Fatalf("%d allocations, %v; want %d", len(all), err, 2*len(Fills))
	}
	for _, a := range all {
		if a.Min <= 0 || a.Min > a.Median || a.Median > a.Max {
			t.Errorf("%+v", a)
		}
	}
	if _, err := MeasureDense(MaxBits+1, 1, 1); err == nil {
		t.Error("no error for a pool that is too large")
	}
}

// TestDenseKeepsItsFill, and lets only clients collide where it should.
func TestDenseKeepsItsFill(t *testing.T) {
	d, err := NewDense(MinBits)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Fill(0.95); err != nil {
		t.Fatal(err)
	}
	before := d.count
	if _, err := d.Allocate(1000, true); err != nil {
		t.Fatal(err)
	}
	if live := d.node.Table.Stats().Live; d.count != before || live != int64(before) {
		t.Errorf("%d taken and %d in the table, want %d", d.count, live, before)
	}
}

func TestExchangeSizes(t *testing.T) {
	s, err := ExchangeSizes()
	if err != nil || s.Solicit < 100 || s.Request <= s.Solicit || s.Advertise <= s.Solicit || s.Reply != s.Advertise {
		t.Errorf("%+v, %v", s, err)
	}
	t.Logf("%+v", s)
}
