package daemon

import "testing"

// A follower that takes nothing is dropped when it is too far behind, by writes or by octets; others stay.
func TestFeedDropsWhoDoesntFollow(t *testing.T) {
	for name, c := range map[string]struct{ size, fits int }{
		"many writes":  {1, followed},
		"large writes": {1 << 20, followedOctets >> 20},
	} {
		t.Run(name, func(t *testing.T) {
			var f feed
			lazy, eager := f.follow(), f.follow()
			write := make([]byte, c.size)
			for n := range c.fits + 1 {
				if _, stands := f.followers[lazy]; !stands {
					t.Fatalf("it was dropped after %d writes, want %d", n, c.fits)
				}
				f.observe(write)
				eager.took(<-eager.changes)
			}
			if _, stands := f.followers[lazy]; stands {
				t.Errorf("it stands after %d writes", c.fits+1)
			}
			taken := 0
			for range lazy.changes { // until it is closed
				taken++
			}
			if taken != c.fits {
				t.Errorf("it was left %d writes, want %d", taken, c.fits)
			}
			if _, stands := f.followers[eager]; !stands || eager.behind.Load() != 0 {
				t.Errorf("who takes everything: stands %t, %d octets behind", stands, eager.behind.Load())
			}
		})
	}
}
