package limit

import (
	"math/rand/v2"
	"testing"
)

// A server is a worker that can handle so much a second behind a queue, in a model of its time.
type server struct {
	share *Share
	queue int // messages that fit
	// What an answer and a drop cost, in nanoseconds.
	answer, drop int64
}

// play offers messages of senders at rates for so many seconds, at random moments, and counts which are answered in the last half.
func (s *server) play(random *rand.Rand, seconds int, rates []int) (answered, offered []int) {
	answered, offered = make([]int, len(rates)), make([]int, len(rates))
	var free int64 // when the worker has nothing to do
	var waiting []int64
	total := 0
	for _, r := range rates {
		total += r
	}
	end := int64(seconds) * second
	for now := int64(0); now < end; now += int64(random.ExpFloat64() * float64(second) / float64(total)) {
		pick, who := random.IntN(total), 0
		for ; pick >= rates[who]; who++ {
			pick -= rates[who]
		}
		late := now > end/2
		if late {
			offered[who]++
		}
		for len(waiting) > 0 && waiting[0] <= now {
			waiting = waiting[1:]
		}
		if len(waiting) >= s.queue {
			s.share.Lost()
			continue
		}
		cost := s.drop
		if s.share.Admit(uint64(who+1)*0x9e3779b97f4a7c15, max(now, free)) {
			cost = s.answer
			if late {
				answered[who]++
			}
		}
		free = max(now, free) + cost
		waiting = append(waiting, free)
	}
	return answered, offered
}

// TestOneFloods has one of eleven relays send ten times what the worker can do. The others keep nearly all of their answers, and the
// flood's relay gets the rest of what the worker can do.
func TestOneFloods(t *testing.T) {
	s := &server{share: NewShare(), queue: 500, answer: 100_000, drop: 2_000} // 10,000 answers a second
	rates := []int{100_000, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400}
	answered, offered := s.play(rand.New(rand.NewPCG(3, 4)), 40, rates)
	for i := 1; i < len(rates); i++ {
		if answered[i]*100 < offered[i]*95 {
			t.Errorf("relay %d got %d answers to %d messages", i, answered[i], offered[i])
		}
	}
	if least := 20 * 10_000 / 11 / 2; answered[0] < least {
		t.Errorf("the relay of the flood got %d answers, less than half of an equal share", answered[0])
	}
}

// TestWithoutLossesNobodyIsLimited holds that the share costs nobody an answer as long as there is time for all.
func TestWithoutLossesNobodyIsLimited(t *testing.T) {
	s := &server{share: NewShare(), queue: 500, answer: 100_000, drop: 2_000}
	answered, offered := s.play(rand.New(rand.NewPCG(5, 6)), 10, []int{7000, 10, 10, 1})
	for i := range answered {
		if answered[i] != offered[i] {
			t.Errorf("relay %d got %d answers to %d messages", i, answered[i], offered[i])
		}
	}
}

// TestLevelGoes holds that there is no level any more some time after a flood, nor one where there is one relay only.
func TestLevelGoes(t *testing.T) {
	share := NewShare()
	for at, n := int64(0), 0; at < 60*second; at, n = at+second/1000, n+1 {
		sender := uint64(1) << 60
		if n%10 == 0 {
			sender = 2 << 60
		}
		if at < 10*second {
			share.Lost()
		}
		share.Admit(sender, at)
		if at > 2*second && at < 9*second && share.Level() == 0 {
			t.Fatal("there is no level while messages get lost")
		}
	}
	if share.Level() != 0 {
		t.Errorf("fifty seconds after the flood a level of %d is left", share.Level())
	}
	share = NewShare()
	for at := int64(0); at < 10*second; at += second / 1000 {
		share.Lost()
		if !share.Admit(1<<60, at) {
			t.Fatal("a single relay is limited to make room for nobody")
		}
	}
}
