package metrics

import "github.com/prometheus/client_golang/prometheus"

// Leasequery is what requestors have done, since the start. Without leasequery in the configuration it is all zero.
type Leasequery struct {
	Queries     map[string]uint64 // by kind
	Refused     map[string]uint64 // by the status that was sent
	Clients     uint64            // whose data was sent
	Dropped     uint64            // messages that were no proper query
	Connections int64             // that stand
	Rejected    uint64            // connections that weren't served
	Slow        uint64            // connections that were given up
	IndexWhole  bool
}

var leasequeryMetrics = []metric{
	{
		name: "leasequery_queries_total", help: "Leasequeries by what they ask by.", kind: prometheus.CounterValue, labels: []string{"by"},
		values: func(s *Snapshot, emit emit) {
			for _, by := range sorted(s.Leasequery.Queries) {
				emit(float64(s.Leasequery.Queries[by]), by)
			}
		},
	},
	{
		name: "leasequery_refused_total", help: "Leasequeries that were answered with a status, by its name.", kind: prometheus.CounterValue, labels: []string{"status"},
		values: func(s *Snapshot, emit emit) {
			for _, status := range sorted(s.Leasequery.Refused) {
				emit(float64(s.Leasequery.Refused[status]), status)
			}
		},
	},
	counter("leasequery_clients_total", "Clients whose data was sent to requestors.", func(s *Snapshot) uint64 { return s.Leasequery.Clients }),
	counter("leasequery_dropped_total", "Messages that came as a Leasequery and were none, or to another server.", func(s *Snapshot) uint64 { return s.Leasequery.Dropped }),
	gauge("leasequery_connections", "Requestors that are connected.", func(s *Snapshot) float64 { return float64(s.Leasequery.Connections) }),
	counter("leasequery_rejected_total", "Connections that weren't served: not a requestor's, too many, or without a good certificate.",
		func(s *Snapshot) uint64 { return s.Leasequery.Rejected }),
	counter("leasequery_slow_total", "Connections that were given up because nobody read.", func(s *Snapshot) uint64 { return s.Leasequery.Slow }),
	gauge("leasequery_index_whole", "1 when queries have an index, 0 while they look through all bindings.",
		func(s *Snapshot) float64 { return truth(s.Leasequery.IndexWhole) }),
}
