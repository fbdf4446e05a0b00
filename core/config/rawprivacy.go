package config

type rawPrivacy struct {
	At      place `json:"-"`
	Logs    text  `json:"logs,omitempty" jsonschema:"How the log, and the newest lines of it that the API tells, have what names a client: as it is, as pseudonyms that are the same for one day on all nodes, or not at all." enum:"clear|pseudonyms|hidden" default:"clear" example:"pseudonyms"`
	Metrics text  `json:"metrics,omitempty" jsonschema:"The same for labels of metrics. Only addresses of relays are among them that may be a client's: link-local ones." enum:"clear|pseudonyms|hidden" default:"clear" example:"hidden"`
	Key     text  `json:"key,omitempty" jsonschema:"The secret of 32 octets that pseudonyms are made with: file:NAME, env:NAME or 64 hexadecimal digits. Who has it can tell whether a pseudonym is a given client's." default:"follows from cluster.key, or from a single node's own" example:"file:privacy.key" secret:"true"`
}
