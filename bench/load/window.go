package load

import "time"

// A window bounds how many exchanges are under way: it doubles with each round of answers up to a threshold, grows
// by one per round beyond it, and halves when something must be sent again (additive increase, multiplicative decrease).
type window struct {
	size      float64
	threshold float64
	most      float64
	cut       int64 // when it was last halved
	pause     time.Duration
}

const windowStart = 8

func newWindow(most int, pause time.Duration) window {
	return window{size: min(windowStart, float64(most)), threshold: float64(most), most: float64(most), pause: pause}
}

func (w *window) room(active int) bool { return active < int(w.size) }

func (w *window) completed() {
	if w.size < w.threshold {
		w.size++
	} else {
		w.size += 1 / w.size
	}
	w.size = min(w.size, w.most)
}

// lost halves the window, once for all that was lost at the same time.
func (w *window) lost(now int64) {
	if now-w.cut < int64(w.pause) {
		return
	}
	w.cut = now
	w.threshold = max(w.size/2, 1)
	w.size = w.threshold
}
