package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/io/admin"
)

var eventMetrics = []metric{
	ofOutbox(prometheus.GaugeValue, "events_waiting", "Changes that wait for the message broker, where there is one.", func(o *admin.Outbox) float64 { return float64(o.Waiting) }),
	ofOutbox(prometheus.GaugeValue, "events_waiting_bytes", "What these take on disk, about.", func(o *admin.Outbox) float64 { return float64(o.Octets) }),
	ofOutbox(prometheus.GaugeValue, "events_waited_seconds", "How long that change has waited that waits longest.", func(o *admin.Outbox) float64 { return o.Waited }),
	ofOutbox(prometheus.CounterValue, "events_sent_total", "Events that the message broker has.", func(o *admin.Outbox) float64 { return float64(o.Sent) }),
	ofOutbox(prometheus.CounterValue, "events_failed_total", "Tries that it didn't take.", func(o *admin.Outbox) float64 { return float64(o.Failed) }),
	ofOutbox(prometheus.CounterValue, "events_refused_total", "Events that it will never take: they are too large for it.", func(o *admin.Outbox) float64 { return float64(o.Refused) }),
	ofOutbox(prometheus.CounterValue, "events_dropped_total", "Changes that waited for too long, or found no room. A whole list makes that good.", func(o *admin.Outbox) float64 { return float64(o.Dropped) }),
	ofOutbox(prometheus.GaugeValue, "events_listing", "1 while the message broker is told the whole list.", func(o *admin.Outbox) float64 { return truth(o.Listing) }),
	ofOutbox(prometheus.GaugeValue, "events_up", "1 while the message broker takes events.", func(o *admin.Outbox) float64 { return truth(o.Up) }),
}

// ofOutbox is a metric that is there while a message broker is told.
func ofOutbox(kind prometheus.ValueType, name, help string, value func(*admin.Outbox) float64) metric {
	return metric{name: name, help: help, kind: kind, values: func(s *Snapshot, emit emit) {
		if s.Outbox.On {
			emit(value(&s.Outbox))
		}
	}}
}
