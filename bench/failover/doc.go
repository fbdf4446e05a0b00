// Package failover holds our observation against DHCPv6 Failover (RFC 8156): the same clients and the same incidents, once with two
// nodes and once with a failover pair, as core/sim plays them.
//
//	Scenario, System -> sim.Measure (some seeds, all processors) -> Row -> CSV -> Markdown
//
// docs/failover-protocol.md shows the results; `make failover` computes them again.
package failover
