package history_test

import (
	"errors"
	"testing"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/history"
)

// Most changes give no entry: a renewal, and one that was made while history was off.
func TestMostChangesGiveNothing(t *testing.T) {
	l := newLife(t)
	l.grant(1, "a", l.now)
	l.now += 10
	l.renew()
	key, value, _, err := binding.NextChange(l.changes[1])
	if err != nil {
		t.Fatal(err)
	}
	if len(binding.Bare(value)) != len(value) {
		t.Error("a renewal carries something for history")
	}
	_, granted, _, err := binding.NextChange(l.changes[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{"renewal": value, "history is off": binding.Bare(granted)} {
		err := history.Entries(key, value, func(int64, byte, []byte) { t.Errorf("%s: an entry", name) })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDamagedEntries(t *testing.T) {
	key := binding.AppendKey(nil, &binding.Key{Length: 128})
	for name, e := range map[string]history.Entry{
		"nothing":       {What: history.Began},
		"other what":    {What: 9, Data: make([]byte, 60)},
		"no value":      {What: history.Ended, Data: make([]byte, 5)},
		"wrong value":   {What: history.Ended, Data: make([]byte, 60)},
		"cut beginning": {What: history.Began, Data: make([]byte, 6)},
	} {
		_, err := history.Periods(key, []history.Entry{e}, nil, 0)
		if !errors.Is(err, history.ErrEntry) && !errors.Is(err, binding.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEnds(t *testing.T) {
	seen := map[string]bool{}
	for e := history.Expired; e <= history.RenewedAgain; e++ {
		if text := e.String(); text == "" || text == "unknown" || seen[text] {
			t.Errorf("end %d is %q", e, text)
		} else {
			seen[text] = true
		}
	}
	if got := history.End(200).String(); got != "unknown" {
		t.Errorf("got %q", got)
	}
}
