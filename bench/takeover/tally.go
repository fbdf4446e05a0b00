package takeover

import "slices"

// A Tally counts Verdicts. All figures are clients.
type Tally struct {
	Clients   int
	Both      int        // kept address and prefix
	Kept      [kinds]int // kept the lease of that kind
	Withdrawn int        // were told lifetimes 0 for a lease that they held
	Other     int        // were given a lease that they didn't hold
	LeftOut   int        // were answered, but nothing about one of their leases, or only a status
	Silent    int        // weren't answered
	Sent      [2]int     // least and most transmissions of the Rebind until it was answered
	Words     []Count    // the Verdicts in words, the most frequent first
}

// A Count is how many clients a Verdict is about.
type Count struct {
	Clients int
	Verdict string
}

func count(all []Verdict) *Tally {
	t := &Tally{Clients: len(all)}
	for i := range all {
		t.add(&all[i])
	}
	slices.SortStableFunc(t.Words, func(a, b Count) int { return b.Clients - a.Clients })
	return t
}

func (t *Tally) add(v *Verdict) {
	at := slices.IndexFunc(t.Words, func(c Count) bool { return c.Verdict == v.String() })
	if at < 0 {
		at = len(t.Words)
		t.Words = append(t.Words, Count{Verdict: v.String()})
	}
	t.Words[at].Clients++
	if v.Silent {
		t.Silent++
		return
	}
	if t.Sent[0] == 0 {
		t.Sent[0] = v.Sent
	}
	t.Sent[0], t.Sent[1] = min(t.Sent[0], v.Sent), max(t.Sent[1], v.Sent)
	both, withdrawn, other, leftOut := 1, 0, 0, 0
	for kind, f := range v.Leases {
		if f.Kept {
			t.Kept[kind]++
		} else {
			both = 0
		}
		if f.Withdrawn {
			withdrawn = 1
		}
		if f.Other {
			other = 1
		}
		if !f.Kept && !f.Withdrawn && !f.Other {
			leftOut = 1
		}
	}
	t.Both += both
	t.Withdrawn += withdrawn
	t.Other += other
	t.LeftOut += leftOut
}
