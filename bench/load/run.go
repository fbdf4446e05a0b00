package load

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Job is one task for some clients.
type Job struct {
	Task Task
	Pace float64        // most beginnings per second; 0: as the window allows
	Only func(int) bool // which clients; nil: all
}

// SetPace changes the pace of the running Job from now on. It may be called from any goroutine.
func (g *Generator) SetPace(pace float64) {
	for _, r := range g.sites {
		r.mu.Lock()
		r.pace, r.from, r.begun = pace/float64(len(g.sites)), r.now(), 0
		r.mu.Unlock()
	}
}

// A Report is what became of a Job.
type Report struct {
	Asked    int // clients that had the task
	Done     uint64
	Failed   uint64
	Took     time.Duration
	Counts   Counts                  // during the job
	Latency  *hdrhistogram.Histogram // of whole exchanges that succeeded, in microseconds
	Failures []int                   // numbers of clients that failed
}

// Run has clients do a task and returns when the last has finished, or with the context's cause when it ends.
func (g *Generator) Run(ctx context.Context, job Job) (*Report, error) {
	start, before := time.Now(), g.Counts()
	report := &Report{Latency: newLatency()}
	var idle []<-chan struct{}
	for _, r := range g.sites {
		queue := r.choose(job.Only)
		report.Asked += len(queue)
		idle = append(idle, r.begin(job.Task, job.Pace/float64(len(g.sites)), queue))
	}
	var err error
	for i, r := range g.sites {
		select {
		case <-idle[i]:
		case <-ctx.Done():
			err = context.Cause(ctx)
			r.stop()
			<-idle[i]
		}
		r.mu.Lock()
		report.Latency.Merge(r.latency)
		report.Failures = append(report.Failures, r.failures...)
		r.mu.Unlock()
	}
	report.Took = time.Since(start)
	report.Counts = g.Counts().minus(before)
	report.Done, report.Failed = report.Counts.Done, report.Counts.Failed
	return report, err
}

// choose lists the site's clients that a job is for.
func (r *site) choose(only func(int) bool) []int32 {
	queue := make([]int32, 0, len(r.clients))
	for i := range r.clients {
		if only == nil || only(r.clientAt(int32(i))) {
			queue = append(queue, int32(i))
		}
	}
	return queue
}

// begin hands out a task. It returns a channel that is closed when no client has it any more.
func (r *site) begin(task Task, pace float64, queue []int32) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.task, r.pace, r.queue, r.from, r.begun = task, pace, queue, now, 0
	r.failures = nil
	r.latency.Reset()
	r.window = newWindow(max(r.config.Window/r.config.Workers, 1), r.machine.times.Request.Initial)
	idle := make(chan struct{})
	r.idle = idle
	r.settle() // with nobody to run it is over already
	return idle
}

// drop takes the clients that have finished out of the active ones.
func (r *site) drop() {
	kept := r.active[:0]
	for _, i := range r.active {
		if r.clients[i].phase != idle {
			kept = append(kept, i)
		}
	}
	r.active = kept
}

// fill lets clients begin while there is room.
func (r *site) fill(box *outbox, now int64) {
	for len(r.queue) > 0 && r.window.room(len(r.active)) {
		if r.pace > 0 && float64(r.begun) >= r.pace*float64(now-r.from)/1e9 {
			return
		}
		i := r.queue[0]
		r.queue = r.queue[1:]
		r.begun++
		v := r.machine.start(&r.clients[i], r.task, now)
		if v == transmit {
			r.active = append(r.active, i)
		}
		r.act(i, v, box, now)
	}
}
