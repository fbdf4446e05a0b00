// Package metrics shows a node to Prometheus. Nothing is counted here: each scrape reads one Snapshot, so the library costs
// the packet path nothing.
package metrics

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lockstep6/lockstep6/io/admin"
)

// prefix is what all names begin with.
const prefix = "lockstep6_"

// A metric is one name with its values.
type metric struct {
	name   string // without prefix
	help   string
	kind   prometheus.ValueType // of values
	labels []string

	values  func(s *Snapshot, emit emit)     // nil: it is a histogram
	latency func(s *Snapshot) *admin.Latency // nil: it has values; it returns nil where there is no such histogram
}

// emit takes one value, and those of the labels.
type emit func(value float64, labels ...string)

// all is every metric of the node's own, in the order of docs/metrics.md.
func all() []metric {
	return slices.Concat(nodeMetrics, storeMetrics, poolMetrics, peerMetrics, clusterMetrics, relayMetrics, leasequeryMetrics, hookMetrics, eventMetrics, reconfigureMetrics, dnsMetrics)
}

// A Collector reads a node at each scrape.
type Collector struct {
	snapshot func() Snapshot
	metrics  []metric
	descs    []*prometheus.Desc
}

// NewCollector makes a collector. Snapshot may be called at the same time.
func NewCollector(snapshot func() Snapshot) *Collector {
	c := &Collector{snapshot: snapshot, metrics: all()}
	for i := range c.metrics {
		m := &c.metrics[i]
		c.descs = append(c.descs, prometheus.NewDesc(prefix+m.name, m.help, m.labels, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	s := c.snapshot()
	for i := range c.metrics {
		m, desc := &c.metrics[i], c.descs[i]
		send := func(made prometheus.Metric, err error) {
			if err != nil {
				made = prometheus.NewInvalidMetric(desc, err)
			}
			to <- made
		}
		if m.latency != nil {
			if l := m.latency(&s); l != nil {
				send(histogram(desc, l))
			}
			continue
		}
		m.values(&s, func(value float64, labels ...string) {
			send(prometheus.NewConstMetric(desc, m.kind, value, labels...))
		})
	}
}

func histogram(desc *prometheus.Desc, l *admin.Latency) (prometheus.Metric, error) {
	buckets := make(map[float64]uint64, len(l.Buckets))
	for _, b := range l.Buckets {
		buckets[b.Bound] = b.Count
	}
	return prometheus.NewConstHistogram(desc, l.Count, l.Sum, buckets)
}

// NewHandler answers scrapes with the node's metrics, the process's and the Go runtime's.
func NewHandler(snapshot func() Snapshot) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(NewCollector(snapshot), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// truth is 1 or 0.
func truth(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// one is a metric of one value without labels.
func one(kind prometheus.ValueType, name, help string, value func(s *Snapshot) float64) metric {
	return metric{name: name, help: help, kind: kind, values: func(s *Snapshot, emit emit) { emit(value(s)) }}
}

func counter(name, help string, value func(s *Snapshot) uint64) metric {
	return one(prometheus.CounterValue, name, help, func(s *Snapshot) float64 { return float64(value(s)) })
}

func gauge(name, help string, value func(s *Snapshot) float64) metric {
	return one(prometheus.GaugeValue, name, help, value)
}

// sorted are the keys in order, so that two scrapes look alike.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}
