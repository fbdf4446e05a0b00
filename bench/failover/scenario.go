package failover

import (
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/sim"
)

// Milliseconds.
const (
	minute = 60_000
	hour   = 60 * minute
)

// What all trials have in common.
const (
	arrive = 12 * hour // in which clients come
	strike = 18 * hour // when something goes wrong
	length = 42 * hour // two valid lifetimes after that
	mclt   = hour
	auto   = hour // until an automatic PARTNER-DOWN
	slots  = 256  // prefixes
	usual  = 205  // clients: 80 % of the prefixes
	many   = 243  // 95 %
)

// lifetimes are 8 and 12 hours, T1 after 4 hours and T2 after 6 h 24 min.
var lifetimes = sim.Lifetimes{Preferred: 28_800, Valid: 43_200, Renew: 14_400, Rebind: 23_040}

// A Scenario is what goes wrong.
type Scenario struct {
	Name      string
	Loss      int  // datagrams of 1000
	Polling   bool // relays ask one server after the other
	Clients   int
	Incidents []sim.Incident
}

// Scenarios are all of them, in the order of the tables.
var Scenarios = []Scenario{
	{Name: "nothing", Clients: usual},
	{Name: "5 % of all datagrams are lost", Clients: usual, Loss: 50},
	{Name: "the first server dies for good", Clients: usual, Incidents: []sim.Incident{{What: sim.Dies, At: strike}}},
	{Name: "… and all clients restart 5 min later", Clients: usual, Incidents: []sim.Incident{
		{What: sim.Dies, At: strike}, {What: sim.Reboot, At: strike + 5*minute}}},
	{Name: "… and all clients forget their leases 5 min later", Clients: usual, Incidents: []sim.Incident{
		{What: sim.Dies, At: strike}, {What: sim.Forget, At: strike + 5*minute}}},
	{Name: "… with clients for 95 % of the prefixes", Clients: many, Incidents: []sim.Incident{{What: sim.Dies, At: strike}}},
	{Name: "… behind relays that ask one server after the other", Clients: usual, Polling: true, Incidents: []sim.Incident{{What: sim.Dies, At: strike}}},
	{Name: "the second server dies for good", Clients: usual, Incidents: []sim.Incident{{What: sim.Dies, At: strike, Server: 1}}},
	{Name: "the first server is away for 3 h", Clients: usual, Incidents: []sim.Incident{{What: sim.Dies, At: strike, Lasts: 3 * hour}}},
	{Name: "… and returns without its disk", Clients: usual, Incidents: []sim.Incident{{What: sim.Dies, At: strike, Lasts: 3 * hour, LoseDisk: true}}},
	{Name: "the servers don't reach one another for 6 h, clients reach both", Clients: usual, Incidents: []sim.Incident{{What: sim.Apart, At: strike, Lasts: 6 * hour}}},
	{Name: "one relay of three doesn't reach the first server for 8 h", Clients: usual, Incidents: []sim.Incident{{What: sim.Cut, At: strike, Lasts: 8 * hour, Relay: 1}}},
	{Name: "only the second server reaches the first one for 8 h", Clients: usual, Incidents: []sim.Incident{{What: sim.Cut, At: strike, Lasts: 8 * hour, Relay: -1}}},
	{Name: "both servers are away for 10 min", Clients: usual, Incidents: []sim.Incident{
		{What: sim.Dies, At: strike, Lasts: 10 * minute}, {What: sim.Dies, At: strike, Lasts: 10 * minute, Server: 1}}},
}

// A System is who serves the clients.
type System struct {
	Name     string
	Dense    config.Dense
	Failover bool
	Auto     int64 // milliseconds
}

// Systems are all of them, in the order of the tables.
var Systems = []System{
	{Name: "`agree`", Dense: config.DenseAgree},
	{Name: "`exclusive`", Dense: config.DenseExclusive},
	{Name: "RFC 8156", Failover: true},
	{Name: "RFC 8156, automatic", Failover: true, Auto: auto},
}

// trial is one run.
func (s *Scenario) trial(y System, seed uint64) sim.Trial {
	return sim.Trial{
		Options: sim.Options{Seed: seed, Slots: slots, Clients: s.Clients, Relays: 3, Polling: s.Polling, Loss: s.Loss,
			Dense: y.Dense, Lifetimes: lifetimes},
		Failover: y.Failover, MCLT: mclt, Auto: y.Auto,
		Arrive: arrive, Length: length, LifeEvery: 24 * hour, Judged: strike, Incidents: s.Incidents,
	}
}
