package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/io/admin"
)

var hookMetrics = []metric{
	byResult("hook_events_total", "Events that were told to hooks, by whether their receivers took them.",
		func(h *admin.Hook) (taken, failed uint64) { return h.Taken, h.Failed }),
	byResult("hook_sends_total", "Runs and POSTs of hooks, likewise.", func(h *admin.Hook) (taken, failed uint64) { return h.Sends, h.FailedSends }),
	byHook(prometheus.CounterValue, "hook_send_seconds_total", "Seconds that these took together.", func(h *admin.Hook) float64 { return h.Seconds }),
	byHook(prometheus.GaugeValue, "hook_pending", "Leases of which hooks have something to be told.", func(h *admin.Hook) float64 { return float64(h.Pending) }),
	byHook(prometheus.GaugeValue, "hook_waited_seconds", "How long that lease has waited that waits longest.", func(h *admin.Hook) float64 { return h.Waited }),
	byHook(prometheus.CounterValue, "hook_overflows_total", "Whole lists that were begun because too many leases waited.",
		func(h *admin.Hook) float64 { return float64(h.Overflows) }),
	byHook(prometheus.GaugeValue, "hook_listing", "1 while a whole list is told, or is about to be.", func(h *admin.Hook) float64 { return truth(h.Listing) }),
	byHook(prometheus.GaugeValue, "hook_up", "1 when nothing that the receiver didn't take waits.", func(h *admin.Hook) float64 { return truth(h.Up) }),
}

// byHook is a metric with a value for each hook.
func byHook(kind prometheus.ValueType, name, help string, value func(*admin.Hook) float64) metric {
	return metric{name: name, help: help, kind: kind, labels: []string{"hook"}, values: func(s *Snapshot, emit emit) {
		for i := range s.Hooks {
			emit(value(&s.Hooks[i]), s.Hooks[i].Name)
		}
	}}
}

// byResult is a counter with two values for each hook.
func byResult(name, help string, values func(*admin.Hook) (taken, failed uint64)) metric {
	return metric{name: name, help: help, kind: prometheus.CounterValue, labels: []string{"hook", "result"}, values: func(s *Snapshot, emit emit) {
		for i := range s.Hooks {
			taken, failed := values(&s.Hooks[i])
			emit(float64(taken), s.Hooks[i].Name, "taken")
			emit(float64(failed), s.Hooks[i].Name, "failed")
		}
	}}
}
