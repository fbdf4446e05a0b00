package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/io/admin"
)

// reconfigureMetrics are there where the configuration has reconfigure.
var reconfigureMetrics = []metric{
	ofReconfigure(prometheus.CounterValue, "reconfigure_messages_total", "Reconfigure messages that were sent.", nil,
		func(t *admin.ReconfigureTotals, emit emit) { emit(float64(t.Sent)) }),
	ofReconfigure(prometheus.CounterValue, "reconfigure_clients_total", "Clients that runs were for, by what became of them.", []string{"outcome"},
		func(t *admin.ReconfigureTotals, emit emit) {
			for _, outcome := range sorted(t.Outcomes) {
				emit(float64(t.Outcomes[outcome]), outcome)
			}
		}),
	ofReconfigure(prometheus.GaugeValue, "reconfigure_waiting", "Clients of the run that goes on which weren't asked or haven't come yet.", nil,
		func(t *admin.ReconfigureTotals, emit emit) { emit(float64(t.Waiting)) }),
	ofReconfigure(prometheus.GaugeValue, "reconfigure_running", "1 while a run goes on.", nil,
		func(t *admin.ReconfigureTotals, emit emit) { emit(truth(t.Running)) }),
	ofReconfigure(prometheus.CounterValue, "reconfigure_requests_total", "Reconfigure-requests of relays, by what became of them.", []string{"result"},
		func(t *admin.ReconfigureTotals, emit emit) {
			for _, result := range sorted(t.Requests) {
				emit(float64(t.Requests[result]), result)
			}
		}),
	ofReconfigure(prometheus.CounterValue, "reconfigure_requested_clients_total", "Clients that relays wanted to be asked, by whether they are.", []string{"outcome"},
		func(t *admin.ReconfigureTotals, emit emit) {
			for _, outcome := range sorted(t.Requested) {
				emit(float64(t.Requested[outcome]), outcome)
			}
		}),
}

// ofReconfigure is a metric of runs.
func ofReconfigure(kind prometheus.ValueType, name, help string, labels []string, values func(*admin.ReconfigureTotals, emit)) metric {
	return metric{name: name, help: help, kind: kind, labels: labels, values: func(s *Snapshot, emit emit) {
		if s.Reconfigure != nil {
			values(s.Reconfigure, emit)
		}
	}}
}
