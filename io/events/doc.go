// Package events tells a fleet's inventory what becomes of leases, by a message broker: NATS JetStream or Kafka.
//
//	committed changes -> Source.Read (the store's outbox) -> Runner -> Broker -> acknowledged -> Source.Done
//	all leases         -> Source.Keys, Look                 -^  whenever changes may be missing
//
// One goroutine reads, publishes and waits, so order is the outbox's. Of one client no two events are under way at the same time: whatever
// is tried again can't come behind what followed it. What was acknowledged leaves the outbox; after a crash the last may be told twice.
package events
