package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

const (
	auditLook  = time.Minute // how often it is looked whether an audit of the node's own is due
	auditAgain = 10 * time.Minute
)

// audits makes audits of the node's own when they are due, until the context ends.
func (k *dnsKeeper) audits(ctx context.Context) {
	tick := time.NewTicker(auditLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			k.auditWhenDue(ctx, now)
		}
	}
}

// auditWhenDue makes one if it is due at a time.
func (k *dnsKeeper) auditWhenDue(ctx context.Context, now time.Time) {
	due, lost := k.due(now)
	spare := lost && k.d.store.TaskStats().Gaps
	if !due {
		return
	}
	report, err := k.audit(ctx, admin.DNSAuditRequest{Repair: true}, spare)
	if errors.Is(err, admin.ErrAuditing) || errors.Is(err, admin.ErrNoDNS) {
		return
	}
	k.mu.Lock()
	k.tried = now
	if err == nil {
		k.audited = now
	}
	k.mu.Unlock()
	switch {
	case err == nil:
		k.d.log.Info("DNS was compared with the bindings", "id", "dns-audited", "zones", len(report.Zones), "bindings", report.Checked,
			"differences", report.Total(), "repaired", report.Repaired, "clean", report.Clean(), "lost_tasks", lost,
			"left", report.Total()-report.Mendable)
	case ctx.Err() == nil:
		k.d.log.Warn("the audit of DNS failed; it is tried again", "id", "dns-audit-failed", "error", err)
	}
}

// due tells whether an audit is due: as often as the configuration says; and after tasks were lost, once the queue has room again. It
// needn't be empty: on a busy node it seldom is, and one name that a server refuses stays in it for a day.
// What loses tasks may have lost bindings too, with the disk or by a backup. Then an audit would remove what living clients have. So it
// waits until they have all had the time to renew; and where bindings were lost it leaves to an operator what none explains even then, as this
// node needn't hear all clients of its peers.
func (k *dnsKeeper) due(now time.Time) (due, lost bool) {
	k.mu.Lock()
	c, tried, audited := k.config, k.tried, k.audited
	k.mu.Unlock()
	if c == nil || !tried.IsZero() && now.Sub(tried) < auditAgain {
		return false, false
	}
	tasks := k.d.store.TaskStats()
	if tasks.Lost {
		return tasks.Waiting <= tasks.Most/2 && k.heardAll(now), true
	}
	return c.Audit > 0 && now.Sub(audited) >= time.Duration(c.Audit)*time.Second, false
}

// heardAll tells whether all living clients have had the time to renew since the node began, and since it was away.
func (k *dnsKeeper) heardAll(now time.Time) bool {
	gate := k.d.site.Load().View.Gate
	return !k.d.asking.Load() && len(gate.Listening(worker.Time(k.d.clock()))) == 0 &&
		now.Sub(k.d.started) >= time.Duration(gate.Longest())*time.Second
}
