package daemon

import (
	"context"
	"net/netip"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/ddns"
)

// DNSRecords implements admin.Node.
func (o *operator) DNSRecords(ctx context.Context, lease netip.Prefix) (out admin.DNSRecords, err error) {
	settings, _ := o.d.dns.inForce()
	if settings == nil {
		return out, admin.ErrNoDNS
	}
	world := newDNSWorld(o.d)
	defer world.close()
	b, found := world.Lease(&binding.Key{Address: lease.Addr().As16(), Length: uint8(lease.Bits())})
	if !found {
		return out, admin.ErrNoLease
	}
	name := upkeep.Named(&b).Name()
	out = admin.DNSRecords{Lease: admin.LeaseText(b.Key), Questions: []admin.DNSQuestion{}}
	l := dnsLookup{settings: settings, client: ddns.NewClient(settings.Zones, settings.Timeout), failed: map[int]string{}}
	if name != nil {
		out.Name = admin.NameText(name)
		if lease.IsSingleIP() {
			out.Questions = append(out.Questions, l.ask(ctx, name, upkeep.TypeAAAA), l.ask(ctx, name, upkeep.TypeDHCID))
		}
	}
	for _, reverse := range reverseNames(settings, &b) {
		out.Questions = append(out.Questions, l.ask(ctx, reverse, upkeep.TypePTR))
	}
	return out, ctx.Err()
}

// reverseNames are those whose PTR records lead to a binding's client.
func reverseNames(settings *ddns.Settings, b *binding.Stored) []naming.Name {
	switch {
	case b.Key.Length == 128:
		return []naming.Name{naming.AppendReverse(nil, &b.Key.Address)}
	case settings.Records.Prefixes:
		return naming.Wildcards(b.Key.Address, b.Key.Length)
	}
	return nil
}

// A dnsLookup asks the zones' servers. One that gave no answer isn't asked again.
type dnsLookup struct {
	settings *ddns.Settings
	client   *ddns.Client
	failed   map[int]string // by zone
}

func (l *dnsLookup) ask(ctx context.Context, name naming.Name, kind upkeep.RRType) admin.DNSQuestion {
	q := admin.DNSQuestion{Name: admin.NameText(name), Type: rrTypeText(kind), Data: []string{}}
	zone := naming.Longest(l.settings.Records.Zones, name)
	if zone < 0 {
		return q
	}
	q.Zone = admin.NameText(l.settings.Zones[zone].Name)
	if q.Error = l.failed[zone]; q.Error != "" {
		return q
	}
	records, err := l.client.Query(ctx, zone, name, kind)
	if err != nil {
		q.Error = err.Error()
		l.failed[zone] = q.Error
		return q
	}
	for i := range records {
		text := rrDataText(records[i].Type, records[i].Data)
		if records[i].Type != kind {
			text = rrTypeText(records[i].Type) + " " + text
		}
		q.Data = append(q.Data, text)
	}
	return q
}
