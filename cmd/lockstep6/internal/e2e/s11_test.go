package e2e

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/io/ddns/dnstest"
)

// Scenario S11: clients with names, and a DNS server that takes signed updates. A node is killed in the middle of load, while the
// DNS server is down; clients go on with other nodes, some with other addresses; the node returns, and clients leave. Then the zones
// hold the records of what clients have, and no others.

const dnsServer = "2001:db8:ffff::53"

// Clients of S11 by when they come.
var (
	namedFirst = withSecond(between(firstOwn, firstOwn+60))
	namedLate  = withSecond(between(firstOwn+60, firstOwn+160))
	// lonely are those that only the favoured node hears, until it dies.
	lonely = between(firstOwn+200, firstOwn+220)
)

// An s11Story is what becomes of the favoured node.
type s11Story struct {
	name  string
	file  func(model string) Shared
	story func(t *testing.T, s *dnsCluster)
}

// s11Stories are those that take less than a minute, and with DNSTEST=all in the environment those too that wait until leases end.
func s11Stories() []s11Story {
	stories := []s11Story{
		{"with its disk", sparse, func(t *testing.T, s *dnsCluster) {
			s.dies(t)
			s.returns(t, false)
		}},
		{"with an empty disk", sparse, func(t *testing.T, s *dnsCluster) {
			s.dies(t)
			s.run("rm", "-r", s.Nodes[0].Data())
			s.returns(t, true)
		}},
	}
	if os.Getenv("DNSTEST") == "all" {
		stories = append(stories, s11Story{"after its clients", vanishing, func(t *testing.T, s *dnsCluster) { s.outlives(t) }})
	}
	return stories
}

func TestS11Records(t *testing.T) {
	t.Parallel()
	for _, kind := range dnstest.Kinds() {
		for _, model := range models {
			for _, story := range s11Stories() {
				t.Run(kind.Name+"/"+model+"/"+story.name, func(t *testing.T) {
					t.Parallel()
					story.story(t, newDNSCluster(t, kind, story.file(model)))
				})
			}
		}
	}
}

// A dnsCluster is a cluster that keeps DNS, with clients that have names.
type dnsCluster struct {
	*Cluster
	dns   *dnstest.Daemon
	crowd *Crowd
	far   *Crowd // of whom only the favoured node hears
}

// newDNSCluster starts the nodes and the DNS server.
func newDNSCluster(t *testing.T, kind dnstest.Kind, file Shared) *dnsCluster {
	t.Helper()
	lab := NewLab(t)
	file.DNS = lab.Keyring(dnsSecret).dnsSection(dnsServer)
	s := &dnsCluster{Cluster: lab.NewCluster(file)}
	ns := lab.Host("dns")
	ns.Plug(s.core, "eth0", dnsServer+"/64")
	s.dns = ns.DNS(kind, dnsServer)
	s.crowd = s.Crowd()
	far := lab.Host("far")
	far.Plug(s.core, "eth0", "2001:db8:ffff::101/64")
	s.far = NewCrowd(t, far.Agent("["+s.Nodes[0].Address+"]:547"), linkAddress, s.Nodes)
	s.crowd.dress, s.far.dress = withName, withName
	return s
}

// dies kills the favoured node in the middle of load, while the DNS server is down, and lets its clients go on with other nodes.
func (s *dnsCluster) dies(t *testing.T) {
	t.Helper()
	s.crowd.AcquireFavoured(namedFirst)
	s.far.Acquire(lonely)
	wantServedBy(t, s.crowd, s.Nodes[0], namedFirst)
	wantRecords(t, s.dns, s.Nodes, nil, s.crowd, s.far)

	favoured := s.Nodes[0]
	s.dns.Kill()
	s.crowd.book.set(int64(len(namedLate)/2), func() { favoured.Signal(syscall.SIGKILL) })
	s.crowd.Acquire(namedLate)
	favoured.Kill()
	s.dns.Restart(t)

	var orphans []uint32
	for _, n := range s.crowd.book.clients() {
		if l, _ := s.crowd.book.lease(n); favoured.DUID.Equal(l.Server) {
			orphans = append(orphans, n)
		}
	}
	half := len(orphans) / 2
	s.crowd.Rebind(orphans[:half])
	s.crowd.Acquire(orphans[half:])
	s.crowd.Acquire(lonely)
}

// abandoned are the records of leases that lonely clients had of the favoured node and have no more.
func (s *dnsCluster) abandoned() map[string]bool {
	all := map[string]bool{}
	for _, n := range lonely {
		had, _ := s.far.book.lease(n)
		has, _ := s.crowd.book.lease(n)
		for _, lease := range had.both() {
			if !slices.Contains(has.both(), lease) {
				addRecords(all, mustName(s.t, nameOf(n, lease)), s.far.client(n).DUID().ToBytes(), lease)
			}
		}
	}
	return all
}

// returns starts the favoured node again and lets clients leave, both while the DNS server is down. What a node with an empty disk has
// granted before, and no other one has heard of, an audit finds.
func (s *dnsCluster) returns(t *testing.T, empty bool) {
	t.Helper()
	abandoned := s.abandoned()
	t.Logf("%d records were abandoned", len(abandoned))
	wantRecords(t, s.dns, s.Nodes, abandoned, s.crowd)
	s.dns.Stop()
	s.Nodes[0].Start()
	s.crowd.Keep(namedLate)
	s.dns.Restart(t)
	reunite(t, s.crowd, s.Nodes[0])
	s.dns.Kill()
	s.crowd.Release(append(namedFirst[:20:20], lonely[:5]...))
	s.dns.Restart(t)
	if empty && len(abandoned) > 0 {
		wantRecords(t, s.dns, s.Nodes, abandoned, s.crowd)
		t.Log(s.Nodes[1].Command("dns", "audit", "--repair", "--data", s.Nodes[1].Data()))
	}
	wantRecords(t, s.dns, s.Nodes, nil, s.crowd)
	wantSettled(t, s.crowd, s.crowd.book.clients())
}

// sparse is a cluster whose pools are so large that no two clients ask for one lease, and whose disks keep what waits for DNS.
func sparse(model string) Shared {
	s := returning(model)
	s.Prefixes, s.Sync = preferred(model).Prefixes, "always"
	return s
}

// vanishing is one whose leases end soon.
func vanishing(model string) Shared {
	s := sparse(model)
	s.Lifetimes = "lifetimes: {preferred: 40s, valid: 60s, renew: 10s, rebind: 20s}\n"
	return s
}

// outlives kills the favoured node and lets some of its clients vanish with it. Those who stay renew all the time. The records of
// leases that no other node has heard of are for an audit; when the node is back it finds that its leases have ended.
func (s *dnsCluster) outlives(t *testing.T) {
	t.Helper()
	s.crowd.AcquireFavoured(namedFirst)
	s.far.Acquire(lonely)
	wantServedBy(t, s.crowd, s.Nodes[0], namedFirst)
	wantRecords(t, s.dns, s.Nodes, nil, s.crowd, s.far)
	s.Nodes[0].Kill()
	for _, n := range namedFirst[:len(namedFirst)/2] {
		s.crowd.book.forget(n)
	}
	stay := s.crowd.book.clients()
	s.crowd.Keep(stay) // Renews that nobody answers tell the others that the node is dead
	end := s.crowd.keeping(stay, 8*time.Second)
	wantRecords(t, s.dns, s.Nodes, s.far.records(), s.crowd)
	t.Log(s.Nodes[1].Command("dns", "audit", "--repair", "--data", s.Nodes[1].Data()))
	wantRecords(t, s.dns, s.Nodes, nil, s.crowd)
	s.Nodes[0].Start()
	s.Nodes[0].host.eventually("the back seat's end", func() bool { return len(s.Nodes[0].logged("back-seat", "over", "true")) > 0 })
	wantRecords(t, s.dns, s.Nodes, nil, s.crowd)
	end()
}
