package daemon

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/ddns"
)

// AuditDNS implements admin.Node.
func (o *operator) AuditDNS(ctx context.Context, r admin.DNSAuditRequest) (admin.DNSAudit, error) {
	return o.d.dns.audit(ctx, r, false)
}

// A dnsAudit is one audit under way.
type dnsAudit struct {
	settings *ddns.Settings
	client   *ddns.Client
	world    *dnsWorld
	compare  *upkeep.Audit
	report   admin.DNSAudit
}

// audit compares zones with bindings, and where that is asked for has the differences looked at as if their bindings had just changed: but
// not, with spare, what no binding explains.
func (k *dnsKeeper) audit(ctx context.Context, r admin.DNSAuditRequest, spare bool) (admin.DNSAudit, error) {
	settings, _ := k.inForce()
	if settings == nil {
		return admin.DNSAudit{}, admin.ErrNoDNS
	}
	only := slices.IndexFunc(settings.Zones, func(z ddns.Zone) bool { return admin.NameText(z.Name) == r.Zone })
	if r.Zone != "" && only < 0 {
		return admin.DNSAudit{}, admin.ErrNoZone
	}
	if !k.auditing.TryLock() {
		return admin.DNSAudit{}, admin.ErrAuditing
	}
	defer k.auditing.Unlock()
	mark := k.d.store.TaskMark()
	a := &dnsAudit{
		settings: settings, client: ddns.NewClient(settings.Zones, settings.Timeout), world: newDNSWorld(k.d),
		report: admin.DNSAudit{
			At: time.Now(), Repair: r.Repair, Zones: []admin.DNSAuditZone{}, Differences: map[string]uint64{}, List: []admin.DNSDifference{},
		},
	}
	defer a.world.close()
	a.compare = upkeep.NewAudit(a.world, &settings.Records, a.world.pools)
	a.walk(func(b *binding.Stored, _ naming.Name) {
		a.report.Checked++
		a.compare.Binding(b)
	})
	for i := range settings.Zones {
		if only < 0 || i == only {
			if err := a.read(ctx, i); err != nil {
				return admin.DNSAudit{}, err
			}
		}
	}
	differences := a.compare.Differences()
	for i := range differences {
		if spare && differences[i].Kind == upkeep.Abandoned {
			differences[i].Repair = nil
		}
	}
	a.tell(differences)
	if r.Repair {
		if err := a.repair(ctx, k.d, differences); err != nil {
			return admin.DNSAudit{}, err
		}
		if only < 0 && a.report.Clean() {
			if _, err := k.d.store.TasksAudited(ctx, mark); err != nil {
				return admin.DNSAudit{}, fmt.Errorf("what was found is in the queue; that all was looked at isn't noted: %w", err)
			}
		}
	}
	a.report.Seconds = time.Since(a.report.At).Seconds()
	k.keep(a.report)
	return a.report, nil
}

// keep remembers an audit, without its list.
func (k *dnsKeeper) keep(report admin.DNSAudit) {
	report.List = []admin.DNSDifference{}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last = &report
}

// walk gives all bindings that have names to visit, with their names.
func (a *dnsAudit) walk(visit func(b *binding.Stored, name naming.Name)) {
	h := a.world.handle
	for shard := range a.world.d.table.Shards() {
		h.Enter()
		h.Range(shard, func(r *binding.Record) bool {
			b := binding.Copy(r)
			if name := upkeep.Named(&b).Name(); name != nil {
				visit(&b, name)
			}
			return true
		})
		h.Leave()
	}
}

// names are those that a zone has of bindings, each once. The table is walked when they are asked for, which they are where a zone can't be
// read as a whole.
func (a *dnsAudit) names(zone int) iter.Seq[naming.Name] {
	return func(yield func(naming.Name) bool) {
		var names []naming.Name
		of := func(name naming.Name) {
			if naming.Longest(a.settings.Records.Zones, name) == zone {
				names = append(names, slices.Clone(name))
			}
		}
		a.walk(func(b *binding.Stored, name naming.Name) {
			of(name)
			if b.Kind != wire.IAPD {
				of(naming.AppendReverse(nil, &b.Key.Address))
			} else if a.settings.Records.Prefixes {
				for _, wildcard := range naming.Wildcards(b.Key.Address, b.Key.Length) {
					of(wildcard)
				}
			}
		})
		slices.SortFunc(names, slices.Compare[naming.Name])
		for _, name := range slices.CompactFunc(names, slices.Equal[naming.Name]) {
			if !yield(name) {
				return
			}
		}
	}
}

// read reads a zone. An error is the context's.
func (a *dnsAudit) read(ctx context.Context, zone int) error {
	of := admin.DNSAuditZone{Name: admin.NameText(a.settings.Zones[zone].Name)}
	kinds := []upkeep.RRType{upkeep.TypeAAAA, upkeep.TypeA, upkeep.TypeDHCID}
	if a.settings.Zones[zone].Name.Reverse() {
		kinds = []upkeep.RRType{upkeep.TypePTR}
	}
	whole, err := a.client.Read(ctx, zone, a.names(zone), kinds, func(r *ddns.Record) error {
		of.Records++
		a.compare.Record(zone, r.Name, r.Type, r.Data)
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		of.Error = err.Error()
	case whole:
		of.Read = admin.DNSReadTransfer
	default:
		of.Read = admin.DNSReadPerName
	}
	if err == nil {
		a.compare.Zone(zone)
	}
	a.report.Zones = append(a.report.Zones, of)
	return nil
}

// tell counts and lists differences.
func (a *dnsAudit) tell(differences []upkeep.Difference) {
	for i := range differences {
		d := &differences[i]
		a.report.Differences[d.Kind.String()]++
		if d.Repair != nil {
			a.report.Mendable++
		}
		if len(a.report.List) < admin.MaxDNSList {
			a.report.List = append(a.report.List, dnsDifference(d))
		}
	}
}
