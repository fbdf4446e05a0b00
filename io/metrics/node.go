package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/io/admin"
)

// KernelReason is the reason of what the kernel dropped before the node saw it.
const KernelReason = "kernel"

// socketReasons are those of State.Dropped that aren't the engine's.
var socketReasons = []string{"oversize", "unanswerable", "unserved-interface"}

// clientTypes are the messages that a server answers (RFC 9915, Section 7.3; RFC 9686, Section 4.2).
var clientTypes = []wire.MessageType{
	wire.Solicit, wire.Request, wire.Confirm, wire.Renew, wire.Rebind, wire.Release, wire.Decline, wire.InformationRequest,
	wire.AddrRegInform,
}

var nodeMetrics = []metric{
	{
		name: "info", help: "Always 1; its labels name the release, the node, and the digest of all that decides an address.",
		kind: prometheus.GaugeValue, labels: []string{"version", "node", "fingerprint"},
		values: func(s *Snapshot, emit emit) { emit(1, s.State.Version, s.State.Node, s.State.Fingerprint) },
	},
	gauge("ready", "1 while the node serves and can make grants durable.", func(s *Snapshot) float64 { return truth(s.State.Ready) }),
	{
		name: "messages_total", help: "Client messages by type, answered or dropped. Those for other nodes are dropped.",
		kind: prometheus.CounterValue, labels: []string{"type", "result"}, values: messages,
	},
	{
		name: "dropped_total", help: "Datagrams without an answer, by reason. With kernel, those that the node never saw.",
		kind: prometheus.CounterValue, labels: []string{"reason"}, values: drops,
	},
	{
		name: "lacking_total", help: "Messages of clients for whom there was no lease, answered or not, by the reason that lockstep6 why has.",
		kind: prometheus.CounterValue, labels: []string{"reason"}, values: lacks,
	},
	{
		name: "reply_latency_seconds", help: "From the kernel's stamp of a message's arrival until the kernel was given the reply.",
		latency: func(s *Snapshot) *admin.Latency { return &s.State.Latency },
	},
	{
		name: "registrations_total", help: "Registrations of addresses that were answered, by what became of them. Those without an answer are in dropped_total.",
		kind: prometheus.CounterValue, labels: []string{"result"}, values: registerings,
	},
	gauge("registered_addresses", "Registered addresses that have a record in memory, ended ones that aren't reclaimed yet too.",
		func(s *Snapshot) float64 { return float64(s.Registered) }),
	counter("replies_sent_total", "Replies that the kernel took.", func(s *Snapshot) uint64 { return s.State.Sent }),
	counter("replies_refused_total", "Replies that the kernel didn't take.", func(s *Snapshot) uint64 { return s.Refused }),
	gauge("table_bindings", "Leases that have a record in memory, own and observed, ended ones that aren't reclaimed yet too.",
		func(s *Snapshot) float64 { return float64(s.State.Bindings) }),
	gauge("table_capacity", "How many there is room for (store.capacity).", func(s *Snapshot) float64 { return float64(s.State.Capacity) }),
}

// messages shows every type from the start, so that rates begin at 0.
func messages(s *Snapshot, emit emit) {
	for _, t := range clientTypes {
		name := t.String()
		emit(float64(s.State.Answered[name]), name, "answered")
		emit(float64(s.Dropped[name]), name, "dropped")
	}
	for _, name := range []string{OtherType, Unreadable} {
		emit(float64(s.Dropped[name]), name, "dropped")
	}
}

// drops shows every reason from the start.
func drops(s *Snapshot, emit emit) {
	for reason := wire.DropNone + 1; reason < wire.DropCount; reason++ {
		emit(float64(s.State.Dropped[reason.String()]), reason.String())
	}
	for _, reason := range socketReasons {
		emit(float64(s.State.Dropped[reason]), reason)
	}
	emit(float64(s.State.KernelDrops), KernelReason)
}

// registerings shows every result from the start.
func registerings(s *Snapshot, emit emit) {
	for r := engine.RegisteringNone + 1; r < engine.RegisteringCount; r++ {
		emit(float64(s.Registering[r.String()]), r.String())
	}
}

// lacks shows every reason from the start.
func lacks(s *Snapshot, emit emit) {
	for lack := engine.LackNone + 1; lack < engine.LackCount; lack++ {
		emit(float64(s.Lacked[lack.String()]), lack.String())
	}
}

var storeMetrics = []metric{
	gauge("store_healthy", "1 while what is granted can be made durable.", func(s *Snapshot) float64 { return truth(s.Store.Healthy) }),
	gauge("store_damaged", "1 when a table of the store is corrupt: it grants on, and should be restored.",
		func(s *Snapshot) float64 { return truth(s.Store.Damaged) }),
	{
		name: "store_sync_latency_seconds", help: "Commits of the store, from taking their writes to their sync.",
		latency: func(s *Snapshot) *admin.Latency { return &s.State.SyncLatency },
	},
	counter("store_syncs_total", "Commits that took a sync.", func(s *Snapshot) uint64 { return s.State.Syncs }),
	counter("store_changes_total", "Changes of bindings that were made durable.", func(s *Snapshot) uint64 { return s.Store.Changes }),
	counter("store_spared_writes_total", "Bindings that were reported as they were stored (store.renew-cache).",
		func(s *Snapshot) uint64 { return s.State.Spared }),
	counter("store_failures_total", "Failures of the disk for which the store had to be opened anew.",
		func(s *Snapshot) uint64 { return s.Store.Failures }),
	gauge("store_unconfirmed_writes", "Writes on their way to stable storage.", func(s *Snapshot) float64 { return float64(s.Store.Unconfirmed) }),
	gauge("store_log_bytes", "Changes in the log that aren't in sorted tables yet, about.",
		func(s *Snapshot) float64 { return float64(s.Store.LogSize) }),
	gauge("store_disk_bytes", "The store's files without the ballast, at most 10 s old.",
		func(s *Snapshot) float64 { return float64(s.Store.DiskSize) }),
}
