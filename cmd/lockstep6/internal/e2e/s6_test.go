package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Scenario S6: the dead node returns with its disk, with an empty one, or with an old copy. No client loses or changes
// what it has, and nobody gets what another one has: addresses from a sparse pool, prefixes from a dense one, of which
// the other nodes have observed what the dead one granted.
//
// Time is about a hundredth of what it is in service: T1 is 16 s, and an absence of more than 1 s counts as a long one. As
// there, every client renews within one T1 of the node's return; that is what the node listens for.

const (
	returnLifetimes = "lifetimes: {preferred: 8m, valid: 10m, renew: 16s, rebind: 5m}\n"
	returnT1        = 16 * time.Second
	returnListen    = ", after: 1s"
)

// Clients by when they come.
var (
	beforeCopy  = between(firstOwn, firstOwn+120)
	afterCopy   = between(firstOwn+120, firstOwn+240)
	whileAway   = between(firstOwn+240, firstOwn+340)
	atReturn    = between(firstOwn+340, firstOwn+380)
	afterReturn = between(firstOwn+380, firstOwn+420)
)

func TestS6Return(t *testing.T) {
	t.Parallel()
	ways := map[string]func(n *Node, copied string){
		"with its disk":      func(*Node, string) {},
		"with an empty disk": func(n *Node, _ string) { n.host.lab.run("rm", "-r", n.Data()) },
		"with an old copy": func(n *Node, copied string) {
			n.host.lab.run("rm", "-r", n.Data())
			n.host.lab.run("mv", copied, n.Data())
		},
	}
	for _, model := range models {
		for way, change := range ways {
			t.Run(model+"/"+way, func(t *testing.T) {
				t.Parallel()
				c := NewLab(t).NewCluster(returning(model))
				crowd := c.Crowd()
				favoured := c.Nodes[0]

				crowd.AcquireFavoured(beforeCopy)
				copied := favoured.snapshot()
				crowd.AcquireFavoured(afterCopy)
				wantServedBy(t, crowd, favoured, append(beforeCopy[:len(beforeCopy):len(beforeCopy)], afterCopy...))
				// Of clients that asked for one prefix at the same time the others learn by their Renews who got it.
				crowd.Confirm(crowd.book.clients(), returnT1)

				favoured.Kill()
				crowd.Acquire(whileAway)
				crowd.Rebind(afterCopy[:len(afterCopy)/2])
				crowd.Rebind(beforeCopy[:len(beforeCopy)/2])
				change(favoured, copied)
				favoured.Start()
				reunite(t, crowd, favoured)
				wantSettled(t, crowd, between(firstOwn, firstOwn+420))
			})
		}
	}
}

// returning is a cluster whose prefixes are a dense pool of 4096, or three of them.
func returning(model string) Shared {
	s := preferred(model)
	s.Lifetimes, s.Listen, s.Prefixes = returnLifetimes, returnListen, "3fff:0:10::/44"
	s.Sync = "never" // as in S8
	if model == "unique" {
		s.Prefixes = `{a: "3fff:0:10::/44", b: "3fff:0:20::/44", c: "3fff:0:30::/44"}`
	}
	return s
}

// reunite lets all clients renew and new ones come once the node is back, until it serves new clients again, and then some
// more come.
func reunite(t *testing.T, crowd *Crowd, back *Node) {
	t.Helper()
	old := crowd.book.clients()
	// There is always somebody who renews: that tells a node with an empty store that it isn't the first of a new cluster.
	crowd.Keep(old[:1])
	back.host.eventually("the node to take the back seat", func() bool { return len(back.logged("back-seat")) > 0 })
	var both sync.WaitGroup
	both.Go(func() { crowd.Keep(old) })
	both.Go(func() { crowd.Acquire(atReturn) })
	both.Wait()
	back.host.eventually("the back seat's end", func() bool { return len(back.logged("back-seat", "over", "true")) > 0 })
	back.host.eventually("the listening's end", func() bool { return len(back.logged("link-listening", "over", "true", "link", "home")) > 0 })
	crowd.AcquireFavoured(afterReturn)
	wantServedBy(t, crowd, back, afterReturn)
	crowd.Keep(crowd.book.clients())
}

// wantServedBy fails the test unless the node serves nearly all of these clients.
func wantServedBy(t *testing.T, crowd *Crowd, n *Node, clients []uint32) {
	t.Helper()
	served := 0
	for _, k := range clients {
		if l, _ := crowd.book.lease(k); n.DUID.Equal(l.Server) {
			served++
		}
	}
	if served*10 < len(clients)*9 {
		t.Errorf("node %s serves %d of %d clients, want nearly all", n.Name, served, len(clients))
	}
}

// snapshot copies the running node's data folder as it is at one moment, and returns the copy's place.
func (n *Node) snapshot() string {
	n.host.lab.t.Helper()
	n.Signal(syscall.SIGSTOP)
	defer n.Signal(syscall.SIGCONT)
	n.host.eventually("the node to stand still", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
		return err == nil && strings.Contains(string(stat), ") T ")
	})
	copied := n.host.File("copy")
	n.host.lab.run("cp", "-a", n.Data(), copied)
	return copied
}
