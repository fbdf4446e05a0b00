package daemon

import (
	"time"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/ddns"
)

// DNS implements admin.Node.
func (o *operator) DNS() (admin.DNSState, bool) {
	k := o.d.dns
	settings, _ := k.inForce()
	if settings == nil {
		return admin.DNSState{}, false
	}
	tasks, status := o.d.store.TaskStats(), k.updater.Status()
	s := admin.DNSState{
		Updates: settings.Records.Updates,
		Queue: admin.DNSQueue{
			Waiting: uint64(tasks.Waiting), Most: uint64(tasks.Most), Done: status.Done,
			Dropped: map[string]uint64{"full": tasks.Dropped, "given-up": status.GivenUp, "unreadable": status.Unreadable},
		},
		Zones: []admin.DNSZone{},
	}
	if !tasks.Oldest.IsZero() {
		s.Queue.OldestSeconds = max(0, time.Unix(o.d.clock()/1e9, 0).Sub(tasks.Oldest).Seconds())
	}
	var took worker.Latencies
	byName := make(map[string]*ddns.ZoneStatus, len(status.Zones))
	for i := range status.Zones {
		z := &status.Zones[i]
		byName[z.Name] = z
		took.Merge(&z.Latency)
	}
	s.Latency = latency(took)
	for i := range settings.Zones {
		s.Zones = append(s.Zones, dnsZone(&settings.Zones[i], byName[settings.Zones[i].Name.String()], o.d.started))
	}
	k.mu.Lock()
	s.Audit = k.last
	k.mu.Unlock()
	return s, true
}

// dnsZone is how it goes with one zone; status nil: the updater hasn't taken it over yet. Since is when the node began.
func dnsZone(zone *ddns.Zone, status *ddns.ZoneStatus, since time.Time) admin.DNSZone {
	z := admin.DNSZone{Name: admin.NameText(zone.Name), Servers: []string{}, Up: true, Updates: map[string]uint64{}}
	for _, server := range zone.Servers {
		z.Servers = append(z.Servers, server.String())
	}
	for _, result := range append(ddns.Results(), admin.DNSConflict) {
		z.Updates[result] = 0
	}
	if status == nil {
		z.Server, z.Since = z.Servers[0], since
		return z
	}
	for result, n := range status.Updates {
		z.Updates[result] = n
	}
	z.Updates[admin.DNSConflict] = status.Conflicts
	z.Server, z.LastError = status.Server, status.LastError
	z.Up, z.Since = status.Failing.IsZero(), status.Turned
	return z
}
