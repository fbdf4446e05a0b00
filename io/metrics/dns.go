package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/io/admin"
)

// dnsDone is the result of a task that was done; those that were dropped have their reasons.
const dnsDone = "done"

// dnsMetrics are there where the configuration has dns.
var dnsMetrics = []metric{
	ofDNS(prometheus.GaugeValue, "dns_queue_tasks", "Leases that wait for DNS to be looked at.", nil,
		func(d *admin.DNSState, emit emit) { emit(float64(d.Queue.Waiting)) }),
	ofDNS(prometheus.GaugeValue, "dns_queue_oldest_seconds", "For how long the first of them has waited; 0 when none waits.", nil,
		func(d *admin.DNSState, emit emit) { emit(d.Queue.OldestSeconds) }),
	ofDNS(prometheus.CounterValue, "dns_tasks_total", "Tasks that were done, or dropped for the reason that the label tells.", []string{"result"},
		func(d *admin.DNSState, emit emit) {
			emit(float64(d.Queue.Done), dnsDone)
			for _, reason := range sorted(d.Queue.Dropped) {
				emit(float64(d.Queue.Dropped[reason]), reason)
			}
		}),
	ofDNS(prometheus.CounterValue, "dns_updates_total", "Updates by what came of them. With conflict, another client has the name (RFC 4703).",
		[]string{"zone", "result"}, func(d *admin.DNSState, emit emit) {
			for i := range d.Zones {
				z := &d.Zones[i]
				for _, result := range sorted(z.Updates) {
					emit(float64(z.Updates[result]), z.Name, result)
				}
			}
		}),
	{
		name: "dns_update_seconds", help: "From sending an update until its answer.",
		latency: func(s *Snapshot) *admin.Latency {
			if s.DNS == nil {
				return nil
			}
			return &s.DNS.Latency
		},
	},
	ofDNS(prometheus.GaugeValue, "dns_zone_up", "1 while a zone's servers give answers to go by, or weren't asked yet.", []string{"zone"},
		func(d *admin.DNSState, emit emit) {
			for i := range d.Zones {
				emit(truth(d.Zones[i].Up), d.Zones[i].Name)
			}
		}),
	ofDNS(prometheus.GaugeValue, "dns_audit_differences", "How what DNS held differed from the leases at the last audit, those that it mended too; by kind.",
		[]string{"kind"}, func(d *admin.DNSState, emit emit) {
			if d.Audit == nil {
				return
			}
			for _, kind := range sorted(d.Audit.Differences) {
				emit(float64(d.Audit.Differences[kind]), kind)
			}
		}),
}

// ofDNS is a metric that there is where the configuration has dns.
func ofDNS(kind prometheus.ValueType, name, help string, labels []string, values func(d *admin.DNSState, emit emit)) metric {
	return metric{name: name, help: help, kind: kind, labels: labels, values: func(s *Snapshot, emit emit) {
		if s.DNS != nil {
			values(s.DNS, emit)
		}
	}}
}
