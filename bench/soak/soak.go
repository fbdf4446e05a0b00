package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lockstep6/lockstep6/bench/pair"
	"github.com/lockstep6/lockstep6/io/admin"
)

// nodes are how many there are.
const nodes = 2

// A seat is where a node runs, or doesn't for a while. Its mutex is held while the node is looked at or ended.
type seat struct {
	mu   sync.Mutex
	spec pair.Spec
	node *pair.Node // nil: it is away
}

// A soak is everything that runs.
type soak struct {
	options *options
	course  *course
	plan    pair.Plan
	seats   [nodes]*seat
	ledger  *ledger
	crowd   *crowd
	began   time.Time
	reloads int
	backups int
}

// newSoak starts the nodes.
func newSoak(ctx context.Context, o *options, dir string) (*soak, error) {
	plan, err := pair.NewPlan(nodes)
	if err != nil {
		return nil, err
	}
	s := &soak{options: o, course: newCourse(o.total, o.rate), plan: plan, ledger: newLedger()}
	var servers []netip.AddrPort
	for i := range nodes {
		name := string(node(i))
		s.seats[i] = &seat{spec: pair.Spec{Program: o.lockstep6, Folder: filepath.Join(dir, name), Name: name, Config: s.course.config(&plan, o, i, 0), Admin: plan.Admin[i]}}
		if s.seats[i].node, err = s.seats[i].spec.Start(ctx); err != nil {
			return nil, errors.Join(err, s.stop())
		}
		servers = append(servers, netip.MustParseAddrPort(plan.DHCP[i]))
	}
	s.crowd = newCrowd(s.course, servers, s.ledger)
	return s, nil
}

// stop ends the nodes that run.
func (s *soak) stop() (err error) {
	for _, t := range s.seats {
		if t != nil && t.node != nil {
			err = errors.Join(err, t.node.Stop())
			t.node = nil
		}
	}
	return err
}

// play has clients, happenings and samples go on side by side until the time is over, and looks up once more what both nodes confirmed.
func (s *soak) play(ctx context.Context, r *Report) (err error) {
	s.began = time.Now()
	r.Clients, r.Cohort, r.Pool = s.course.clients(), s.course.cohort, s.course.pool
	crowd, send := context.WithCancel(ctx)
	s.crowd.play(crowd)
	sampled := make(chan error, 1)
	sampler, quit := context.WithCancel(ctx)
	go func() { sampled <- s.sampleAll(sampler, r) }()
	err = s.happen(ctx, r)
	if err == nil {
		err = s.until(ctx, s.course.total)
	}
	quit()
	err = errors.Join(err, <-sampled)
	if err == nil {
		for i := range nodes {
			_, _, failed := s.inspect(ctx, i, time.Now())
			err = errors.Join(err, failed)
		}
	}
	send()
	totals, failed := s.crowd.wait()
	r.Totals = totals
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	r.Confirmed, r.Looked, r.Evidence = s.ledger.confirmed, s.ledger.looked, s.ledger.evidence
	for b, n := range s.ledger.broken {
		r.Broken = append(r.Broken, Breach{breachNames[b], n})
	}
	return errors.Join(err, failed)
}

// until waits for a moment of the course.
func (s *soak) until(ctx context.Context, at time.Duration) error {
	select {
	case <-time.After(time.Until(s.began.Add(at))):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// happen does all that happens to the nodes, one after the other.
func (s *soak) happen(ctx context.Context, r *Report) error {
	for _, h := range s.course.happenings() {
		if err := s.until(ctx, h.at); err != nil {
			return err
		}
		if err := s.do(ctx, r, h); err != nil {
			return fmt.Errorf("after %v: %w", time.Since(s.began).Round(time.Second), err)
		}
	}
	return nil
}

func (s *soak) do(ctx context.Context, r *Report, h happening) error {
	switch h.deed {
	case reload:
		return s.reload(ctx, r)
	case kill:
		return s.kill(ctx, r, h.node)
	case drain:
		r.Drains++
		_, err := s.seats[h.node].node.Command(ctx, "drain", "--new")
		return err
	case undrain:
		_, err := s.seats[h.node].node.Command(ctx, "drain", "--end")
		return err
	}
	return s.backup(ctx, r, h.node)
}

// reload gives both nodes the next configuration.
func (s *soak) reload(ctx context.Context, r *Report) error {
	s.reloads++
	for i, t := range s.seats {
		t.mu.Lock()
		t.node.Config = s.course.config(&s.plan, s.options, i, s.reloads)
		t.spec.Config = t.node.Config
		t.mu.Unlock()
		if err := t.node.Write(); err != nil {
			return err
		}
		if _, err := t.node.Command(ctx, "reload", "--yes"); err != nil {
			return err
		}
		r.Reloads++
	}
	return nil
}

// A Kill is one, and the return.
type Kill struct {
	At     float64 `json:"at_s"`
	Node   string  `json:"node"`
	Away   float64 `json:"away_s"`  // until it was started again
	Ready  float64 `json:"ready_s"` // from then until it served
	Looked int     `json:"looked"`  // leases that it had confirmed and that clients had still
	Lost   int     `json:"lost"`    // of these, the ones that it didn't list
}

// kill kills a node, starts it again after a while, and looks up what it had confirmed.
func (s *soak) kill(ctx context.Context, r *Report, i int) error {
	t := s.seats[i]
	t.mu.Lock()
	err := t.node.Kill()
	t.node = nil
	t.mu.Unlock()
	killed := time.Now()
	if err != nil {
		return err
	}
	at := time.Since(s.began)
	if err := s.until(ctx, at+s.course.down); err != nil {
		return err
	}
	started := time.Now()
	n, err := t.spec.Start(ctx)
	if err != nil {
		return err
	}
	ready := time.Since(started)
	t.mu.Lock()
	t.node = n
	t.mu.Unlock()
	k := Kill{At: at.Seconds(), Node: t.spec.Name, Away: started.Sub(killed).Seconds(), Ready: ready.Seconds()}
	k.Looked, k.Lost, err = s.inspect(ctx, i, killed)
	r.Kills = append(r.Kills, k)
	fmt.Fprintf(os.Stderr, "after %.0f s: node %s was killed; %d leases looked up, %d lost\n", k.At, k.Node, k.Looked, k.Lost)
	return err
}

// inspect looks up what a node confirmed before a time.
func (s *soak) inspect(ctx context.Context, i int, before time.Time) (looked, missing int, err error) {
	list, err := leases(ctx, s.seats[i].node)
	if err != nil {
		return 0, 0, err
	}
	// What ends while the list is written, and so isn't in it, doesn't count.
	looked, missing = s.ledger.inspect(i, list, before, time.Now())
	return looked, missing, nil
}

// leases is a node's list: its own leases, and its peer's, for what it confirmed may have become the peer's since, when the client asked that one.
func leases(ctx context.Context, n *pair.Node) (list []admin.Lease, err error) {
	client, err := admin.Dial(filepath.Join(n.Data(), "admin.sock"))
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	defer client.Close()
	for l, err := range client.List(ctx, admin.Filter{Whose: admin.All}) {
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", n.Name, err)
		}
		list = append(list, l)
	}
	return list, nil
}

// backup has a node copy its store, makes a data folder of the copy, which checks it, and removes both.
func (s *soak) backup(ctx context.Context, r *Report, i int) error {
	s.backups++
	t := s.seats[i]
	copied := filepath.Join(t.spec.Folder, fmt.Sprintf("backup-%d", s.backups))
	if _, err := t.node.Command(ctx, "backup", copied); err != nil {
		return err
	}
	back := pair.Node{Spec: t.spec}
	back.Folder = copied + "-back"
	_, err := back.Command(ctx, "restore", copied)
	r.Backups++
	return errors.Join(err, os.RemoveAll(copied), os.RemoveAll(back.Folder))
}
