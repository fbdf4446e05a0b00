package measure

import "testing"

// TestSearch: servers that hold every rate up to some limit.
func TestSearch(t *testing.T) {
	for _, test := range []struct{ from, most, limit, least, best float64 }{
		{1000, 1e7, 83000, 79000, 83000},  // up, then between
		{1000, 1e7, 1000, 1000, 1000},     // the first is the last
		{64000, 1e7, 700, 660, 700},       // down, then between
		{1000, 5000, 1e9, 5000, 5000},     // the generator's own highest
		{10, 1e7, 1.5, 1.4, 1.5},          // slow
		{1000, 1e7, 0.5, 0, 0},            // none at all
		{3e6, 1e7, 9.9e6, 9.4e6, 9.9e6},   // between the last step and the highest
		{1000, 1e7, 1999.9, 1900, 1999.9}, // just below a step
	} {
		s := NewSearch(test.from, SearchOptions{Most: test.most, Factor: 2, Precision: 1.05})
		tries := 0
		for more := true; more; tries++ {
			if tries > 100 {
				t.Fatalf("%+v: no end", test)
			}
			more = s.Turn(s.Rate() <= test.limit)
		}
		if s.held < test.least || s.held > test.best {
			t.Errorf("%+v: %v was found in %d tries", test, s.held, tries)
		}
	}
}

// TestSearchTriesAgain: what fails once only is no failure.
func TestSearchTriesAgain(t *testing.T) {
	s := NewSearch(1000, SearchOptions{Most: 1e7, Factor: 2, Precision: 1.05})
	s.Turn(true)
	if !s.Turn(false) || s.rate != 2000 {
		t.Fatalf("%v is next, want 2000 again", s.rate)
	}
	if !s.Turn(true) || s.rate != 4000 || s.failed != 0 {
		t.Errorf("%+v, want 4000 next", s)
	}
}

func TestJudge(t *testing.T) {
	for name, test := range map[string]struct {
		step  Step
		held  bool
		limit Limit
	}{
		"held":       {Step{Loss: 0.0099, Lost: 99, Slow: 5000}, true, ""},
		"lost":       {Step{Loss: 0.01, Lost: 60, Refused: 40}, false, ByServer},
		"too slow":   {Step{Loss: 0.5, Skipped: 4000, Lost: 1000, Slow: 5000}, false, ByGenerator},
		"few":        {Step{Loss: 0.5, Lost: 5000, Busy: 5000, Slow: 10}, false, ByClients},
		"lost, slow": {Step{Loss: 0.08, Lost: 800, Slow: 400}, false, ByServer},
	} {
		if held, limit := judge(&test.step, 0.01); held != test.held || limit != test.limit {
			t.Errorf("%s: %t, %q", name, held, limit)
		}
	}
}
