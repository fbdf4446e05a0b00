package measure

import "math"

// A Limit is what kept a ramp from a higher rate.
type Limit string

// Limits of a ramp.
const (
	ByServer    Limit = "server"    // exchanges were lost or refused
	ByClients   Limit = "clients"   // all clients were waiting for answers when exchanges were due
	ByGenerator Limit = "generator" // the generator couldn't begin exchanges on time
	ByTime      Limit = "time"      // the ramp's time was over
	ByRate      Limit = "rate"      // the highest rate that the generator knows was held
)

const (
	leastRate = 1 // exchanges per second below which nothing is searched
	attempts  = 2 // a rate that fails is tried again: the machine may have been busy
)

// A Search looks for the highest rate that is held: up in geometric steps until one fails, or down until one is held,
// then in halves of what lies between, on a logarithmic scale.
type Search struct {
	SearchOptions
	rate         float64 // to try next
	held, failed float64 // the highest that was held, the lowest that failed above it; 0: none so far
	tries        int     // of the present rate
}

// SearchOptions say how to search.
type SearchOptions struct {
	Most      float64 // no rate above it is tried
	Factor    float64 // between steps, until one fails
	Precision float64 // the search ends when the rate that failed is no further above the one that was held
}

// NewSearch is a search that begins at a rate.
func NewSearch(from float64, o SearchOptions) *Search {
	return &Search{SearchOptions: o, rate: min(from, o.Most)}
}

// Rate is the one to try next.
func (s *Search) Rate() float64 { return s.rate }

// Turn takes the verdict on the present rate, and tells whether there is another one to try.
func (s *Search) Turn(held bool) (more bool) {
	s.tries++
	if !held && s.tries < attempts {
		return true
	}
	s.tries = 0
	if held {
		s.held = s.rate
	} else {
		s.failed = s.rate
	}
	switch {
	case s.failed == 0 && s.held >= s.Most:
		return false
	case s.failed == 0:
		s.rate = min(s.held*s.Factor, s.Most)
	case s.held == 0:
		s.rate = s.failed / s.Factor
		return s.rate >= leastRate
	default:
		s.rate = roundRate(math.Sqrt(s.held * s.failed))
		return s.failed > s.held*s.Precision && s.rate > s.held && s.rate < s.failed
	}
	return true
}

// roundRate leaves three digits of a rate, so that it can be read.
func roundRate(rate float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(rate))-2)
	return math.Round(math.Round(rate/unit)*unit*1000) / 1000
}

// judge says whether a step held its rate, and else what most likely didn't let it. What began late counts as any other:
// it was offered, if in a burst.
func judge(s *Step, maxLoss float64) (held bool, limit Limit) {
	failed := s.Lost + s.Refused
	switch {
	case s.Loss < maxLoss:
		return true, ""
	case s.Slow > failed && s.Slow > s.Busy:
		return false, ByGenerator
	case s.Busy > failed/2:
		return false, ByClients
	default:
		return false, ByServer
	}
}
