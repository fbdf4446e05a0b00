package load

import "time"

// A Backoff is how a message is sent again (RFC 9915, Section 15).
type Backoff struct {
	Initial time.Duration // IRT
	Most    time.Duration // MRT; 0: no bound
	Count   int           // MRC, transmissions; 0: no bound
	For     time.Duration // MRD; 0: no bound
}

// Times are the client's parameters.
type Times struct {
	Solicit, Request, Renew, Rebind, Release Backoff
	Faster                                   float64 // how many times faster than the standard's; 1 or more
}

// StandardTimes are those of RFC 9915, Section 7.6. Renew and Rebind have no duration of their own there: a client
// renews from T1 to T2 and rebinds until its leases end; here it has one minute for each.
func StandardTimes() Times {
	return Times{
		Solicit: Backoff{Initial: time.Second, Most: time.Hour},
		Request: Backoff{Initial: time.Second, Most: 30 * time.Second, Count: 10},
		Renew:   Backoff{Initial: 10 * time.Second, Most: 10 * time.Minute, For: time.Minute},
		Rebind:  Backoff{Initial: 10 * time.Second, Most: 10 * time.Minute, For: time.Minute},
		Release: Backoff{Initial: time.Second, Count: 4},
		Faster:  1,
	}
}

// Scaled is the times so many times faster, for tests that can't wait.
func (t Times) Scaled(faster float64) Times {
	for _, b := range []*Backoff{&t.Solicit, &t.Request, &t.Renew, &t.Rebind, &t.Release} {
		b.Initial = time.Duration(float64(b.Initial) / faster)
		b.Most = time.Duration(float64(b.Most) / faster)
		b.For = time.Duration(float64(b.For) / faster)
	}
	t.Faster *= faster
	return t
}

// next is the time until the message is sent again, after it was sent for the first time (previous 0) or once more.
// spread is from -1 to 1; a tenth of it is the standard's RAND.
func (b *Backoff) next(previous time.Duration, spread float64) time.Duration {
	rt := 2 * previous
	if previous == 0 {
		rt = b.Initial
	}
	if b.Most != 0 && rt > b.Most {
		rt = b.Most
	}
	return rt + time.Duration(spread/10*float64(rt))
}
