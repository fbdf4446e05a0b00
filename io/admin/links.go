package admin

import "net/http"

var linkRoutes = []route{
	{"GET", "/v1/links", false, nil, func(w http.ResponseWriter, _ *http.Request, node Node) {
		reply(w, http.StatusOK, map[string][]Link{"links": node.Links()})
	}},
}

// A Link is one of the configuration's links, as this node has it.
type Link struct {
	Name        string    `json:"name"`
	Match       Match     `json:"match"`
	Prefixes    []string  `json:"prefixes"`  // that are on the link
	Delegable   []string  `json:"delegable"` // in which all prefixes lie that are delegated there
	Pools       []string  `json:"pools"`     // their names, those of other nodes too
	Lifetimes   Lifetimes `json:"lifetimes"`
	RapidCommit string    `json:"rapid_commit"` // off, favoured or all
	Gate        *Gate     `json:"gate"`         // null: a single node has none
}

// Match tells which messages come from a link.
type Match struct {
	Interfaces    []string `json:"interfaces"` // this node's
	LinkAddresses []string `json:"link_addresses"`
	InterfaceIDs  []string `json:"interface_ids"`
	RelayIDs      []string `json:"relay_ids"`
	PoolNames     []string `json:"pool_names"` // of pools that relays name
}

// Lifetimes are what leases get on a link: durations such as 50m0s, or "infinite". T1 and T2 of 0s leave it to the client.
type Lifetimes struct {
	Preferred string `json:"preferred"`
	Valid     string `json:"valid"`
	Renew     string `json:"renew"`
	Rebind    string `json:"rebind"`
}

// NewLifetimes makes them of seconds.
func NewLifetimes(preferred, valid, renew, rebind uint32) Lifetimes {
	return Lifetimes{LifetimeText(preferred), LifetimeText(valid), LifetimeText(renew), LifetimeText(rebind)}
}

// OctetsText shows octets as text where they are printable, else in hexadecimal behind 0x.
func OctetsText(v []byte) string { return opaque(v) }
