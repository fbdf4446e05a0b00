package meter

import "testing"

func TestCoreTime(t *testing.T) {
	core, err := coreTime("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 10 20 30 1000 2000 1 2 3 5 6\n", 0)
	if want := 66 * perTick; err != nil || core != want {
		t.Errorf("%v, %v; want %v", core, err, want)
	}
	for _, bad := range []string{"", "cpu0 1 2", "cpu0 1 2 3 4 5 6 7 x"} {
		if _, err := coreTime(bad, 0); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if core, err := CoreTime(0); err != nil || core <= 0 {
		t.Errorf("this machine's: %v, %v", core, err)
	}
}
