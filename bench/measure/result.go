package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/lockstep6/lockstep6/bench/load"
	"github.com/lockstep6/lockstep6/bench/meter"
)

// Format is the version of a Result's JSON. It grows when a field changes its meaning or goes; new fields don't count.
const Format = 1

// A Result is what was measured. docs/bench.md describes its JSON, field by field. Times are seconds and latencies
// microseconds unless a name says otherwise; rates are per second.
type Result struct {
	Format      int       `json:"format"`
	Version     string    `json:"version"` // of lockstep6
	Started     time.Time `json:"started"`
	Cores       int       `json:"cores"` // of the generator's machine
	Load        Load      `json:"load"`
	Interrupted bool      `json:"interrupted"` // the last step is not whole
	Steps       []Step    `json:"steps"`       // in the order in which they ran; one where there was no ramp
	Ramp        *Ramp     `json:"ramp,omitempty"`
}

// A Load says who asked for what.
type Load struct {
	Servers     []string `json:"servers"`
	LinkAddress string   `json:"link_address"`
	Clients     int      `json:"clients"`
	FirstClient int      `json:"first_client"`
	Relays      int      `json:"relays"`
	Workers     int      `json:"workers"`
	Mix         string   `json:"mix"`
	Addresses   bool     `json:"addresses"`
	Prefixes    bool     `json:"prefixes"`
	Patience    float64  `json:"patience_s"`
	Retransmit  bool     `json:"retransmit"`
	GRO         bool     `json:"gro"`
}

// A Ramp is what the search for the highest rate found.
type Ramp struct {
	MaxLoss float64 `json:"max_loss"` // share of exchanges that may fail
	Best    int     `json:"best"`     // the step with the highest rate that was held, an index into steps; -1: none
	Limit   Limit   `json:"limit"`    // what kept the rate from being higher
}

// A Step is one rate, offered for some time.
type Step struct {
	Rate    float64 `json:"rate"`    // exchanges per second that were to begin
	Seconds float64 `json:"seconds"` // for so long
	Took    float64 `json:"took_s"`  // until the last one had ended or was lost
	Goodput float64 `json:"goodput"` // done, per second
	// The same of what was done before the last exchange was due: so what a server still does while nothing is offered any more
	// doesn't count, as it does in Goodput.
	Meanwhile float64 `json:"goodput_meanwhile"`

	Loss    float64 `json:"loss"`           // share of what was offered that was not done: lost, refused or never begun
	Held    bool    `json:"held,omitempty"` // in a ramp: the loss is under the bound
	Offered uint64  `json:"offered"`        // were due
	Begun   uint64  `json:"begun"`          // began
	Done    uint64  `json:"done"`           // succeeded in time
	Lost    uint64  `json:"lost"`           // didn't
	Refused uint64  `json:"refused"`        // a server said no
	Skipped uint64  `json:"skipped"`        // never began
	Busy    uint64  `json:"late_busy"`      // began late, or never: no client was idle
	Slow    uint64  `json:"late_slow"`      // the same: the generator was too slow
	// A server answered so many Solicits with Rapid Commit by an Advertise.
	FellBack  uint64          `json:"rapid_fell_back"`
	Latency   Latency         `json:"latency"`
	Tasks     map[string]Task `json:"exchanges"` // by name
	Datagrams Datagrams       `json:"datagrams"`
	Server    *Server         `json:"server,omitempty"` // where its process was looked at
	Generator float64         `json:"generator_cpu_s"`  // CPU time of the generator
}

// A Task is one kind of exchange.
type Task struct {
	Begun   uint64  `json:"begun"`
	Done    uint64  `json:"done"`
	Lost    uint64  `json:"lost"`
	Refused uint64  `json:"refused"`
	Latency Latency `json:"latency"`
}

// A Latency is how long exchanges took that were done, from the time at which each was to begin, in microseconds.
type Latency struct {
	Mean   float64 `json:"mean"`
	P50    int64   `json:"p50"`
	P90    int64   `json:"p90"`
	P99    int64   `json:"p99"`
	P999   int64   `json:"p99_9"`
	Max    int64   `json:"max"`
	Curve  []Point `json:"curve,omitempty"`
	counts int64
}

// A Point says that a share of the exchanges, in per cent, took no longer.
type Point struct {
	Percentile   float64 `json:"percentile"`
	Microseconds int64   `json:"us"`
}

// Datagrams are the generator's.
type Datagrams struct {
	Sent          uint64 `json:"sent"` // a message counts once for each server
	Received      uint64 `json:"received"`
	Stray         uint64 `json:"stray"` // of those, late, repeated, or not the client's
	Retransmitted uint64 `json:"retransmitted"`
}

// A Server is what its process, or processes, cost.
type Server struct {
	CPU            float64 `json:"cpu_s"`
	CPUPerExchange float64 `json:"cpu_us_per_exchange"` // microseconds, of all threads, per exchange done; 0 where none was
	RSS            int64   `json:"rss_bytes"`           // at the end
	Threads        int     `json:"threads"`
	SocketDrops    uint64  `json:"socket_drops"` // datagrams that the kernel dropped at its sockets
	BufferDrops    uint64  `json:"buffer_drops"` // and in its namespace for want of buffer space
}

// percentiles of a Latency's Curve: each decade of what is left of 100 % in a few steps.
var percentiles = []float64{
	0, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 92.5, 95, 97, 98, 98.5, 99, 99.25, 99.5, 99.7, 99.8, 99.85,
	99.9, 99.925, 99.95, 99.97, 99.98, 99.985, 99.99, 99.995, 99.999, 100,
}

// latencyOf reads a histogram of microseconds.
func latencyOf(h *hdrhistogram.Histogram) Latency {
	n := h.TotalCount()
	if n == 0 {
		return Latency{}
	}
	l := Latency{
		Mean: float64(int64(h.Mean()*10)) / 10,
		P50:  h.ValueAtPercentile(50), P90: h.ValueAtPercentile(90), P99: h.ValueAtPercentile(99), P999: h.ValueAtPercentile(99.9),
		Max: h.Max(), counts: n,
	}
	for _, p := range percentiles {
		// What less than one exchange is beyond tells nothing.
		if p == 100 || float64(n)*(100-p) > 99.999 {
			l.Curve = append(l.Curve, Point{p, h.ValueAtPercentile(p)})
		}
	}
	return l
}

// stepOf is the Step of an Offer's Outcome. ran is how long exchanges began.
func stepOf(o *load.Offer, out *load.Outcome, ran time.Duration) Step {
	sum := out.Sum()
	s := Step{
		Rate: o.Rate, Seconds: ran.Seconds(), Took: out.Took.Seconds(), Goodput: load.Rate(sum.Done, ran), Meanwhile: load.Rate(out.Meanwhile, ran),
		Offered: out.Offered(), Begun: sum.Begun, Done: sum.Done, Lost: sum.Lost, Refused: sum.Refused,
		Skipped: out.Skipped, Busy: out.LateBusy, Slow: out.LateSlow, FellBack: out.FellBack,
		Latency: latencyOf(out.Latency), Tasks: make(map[string]Task),
		Datagrams: Datagrams{
			Sent: out.Counts.Sent, Received: out.Counts.Received, Stray: out.Counts.Stray, Retransmitted: out.Counts.Retransmitted,
		},
	}
	s.Loss = share(sum.Lost+sum.Refused+out.Skipped, s.Offered)
	for i, t := range out.Tasks {
		if t.Begun > 0 {
			s.Tasks[load.Task(i).String()] = Task{t.Begun, t.Done, t.Lost, t.Refused, latencyOf(out.Latencies[i])}
		}
	}
	return s
}

// measured adds what the server's processes cost meanwhile.
func (s *Step) measured(grown meter.Sample) {
	s.Server = &Server{
		CPU: grown.CPU.Seconds(), RSS: grown.RSS, Threads: grown.Threads,
		SocketDrops: grown.SocketDrops, BufferDrops: grown.BufferDrops,
		CPUPerExchange: perExchange(grown.CPU, s.Done),
	}
}

// perExchange is in microseconds.
func perExchange(cpu time.Duration, done uint64) float64 {
	if done == 0 {
		return 0
	}
	return float64(int64(float64(cpu.Nanoseconds())/float64(done)/10)) / 100
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// Best is the step that counts: the ramp's best, or the only one. nil: none.
func (r *Result) Best() *Step {
	switch {
	case r.Ramp != nil && r.Ramp.Best >= 0:
		return &r.Steps[r.Ramp.Best]
	case r.Ramp == nil && len(r.Steps) > 0:
		return &r.Steps[0]
	}
	return nil
}

// WriteJSON writes the result as indented JSON.
func (r *Result) WriteJSON(w io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
