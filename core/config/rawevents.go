package config

type rawEvents struct {
	At       place     `json:"-"`
	Cluster  text      `json:"cluster" jsonschema:"What events call this cluster, or this single node, in the fleet: up to 63 letters, digits, hyphens and underscores. The same on all of its nodes." example:"ber1"`
	On       texts     `json:"on,omitempty" jsonschema:"Changes of which leases are told: one word, or both." enum:"addresses|prefixes" default:"[addresses, prefixes]" example:"prefixes"`
	Renewals flag      `json:"renewals,omitempty" jsonschema:"Tells of renewals too that change nothing but the times." default:"false" example:"true"`
	NATS     *rawNATS  `json:"nats,omitempty" jsonschema:"A NATS JetStream that takes the events." example:"{servers: [\"tls://nats.example.net:4222\"], credentials: file:events.creds}"`
	Kafka    *rawKafka `json:"kafka,omitempty" jsonschema:"A Kafka that takes the events; instead of nats." example:"{brokers: [\"kafka.example.net:9093\"], tls: {}}"`
	Disk     number    `json:"disk,omitempty" jsonschema:"How many MiB of events may wait on disk. Beyond that the oldest are dropped, and the whole list is told when the broker is back." min:"1" max:"1000000" default:"256" example:"256"`
	Keep     span      `json:"keep,omitempty" jsonschema:"How long an event may wait; the same becomes of older ones." min:"60" default:"infinite" example:"1d"`
	Batch    number    `json:"batch,omitempty" jsonschema:"How many events may be on their way to the broker at a time." min:"1" max:"4000" default:"500" example:"500"`
	Timeout  span      `json:"timeout,omitempty" jsonschema:"After how long without an acknowledgement the broker counts as failing." min:"1" max:"600" default:"10s" example:"10s"`
}

type rawNATS struct {
	At          place         `json:"-"`
	Servers     []text        `json:"servers" jsonschema:"URLs of servers of one NATS cluster: nats://HOST:PORT, or tls://HOST:PORT." example:"[\"tls://nats.example.net:4222\"]"`
	Subject     text          `json:"subject,omitempty" jsonschema:"The subject. {cluster} and {node} stand for the names, {shard} for two hexadecimal digits that follow from the client's DUID, 00 to 3f, or list for the beginning and the end of a list. A stream must take all of them." default:"lockstep6.{cluster}.{node}.{shard}" example:"dhcp.{cluster}.{node}.{shard}"`
	Credentials text          `json:"credentials,omitempty" jsonschema:"A file of credentials, with JWT and seed: file:NAME. It is read for each connection." example:"file:events.creds" secret:"true"`
	User        text          `json:"user,omitempty" jsonschema:"The user, where there are no credentials." example:"lockstep6"`
	Password    text          `json:"password,omitempty" jsonschema:"Where the user's password comes from: file:NAME or env:NAME. It is read for each connection." example:"file:nats.password" secret:"true"`
	TLS         *rawBrokerTLS `json:"tls,omitempty" jsonschema:"Speaks TLS, and says how." example:"{authorities: ca.pem}"`
}

type rawKafka struct {
	At        place         `json:"-"`
	Brokers   []text        `json:"brokers" jsonschema:"Brokers to begin with: HOST:PORT." example:"[\"kafka.example.net:9093\"]"`
	Topic     text          `json:"topic,omitempty" jsonschema:"The topic. {cluster} and {node} stand for the names." default:"lockstep6.bindings" example:"dhcp.bindings"`
	Mechanism text          `json:"mechanism,omitempty" jsonschema:"How the user is authenticated (SASL)." enum:"scram-sha-512|scram-sha-256|plain" default:"scram-sha-512" example:"scram-sha-256"`
	User      text          `json:"user,omitempty" jsonschema:"The user." default:"none: no SASL" example:"lockstep6"`
	Password  text          `json:"password,omitempty" jsonschema:"Where the user's password comes from: file:NAME or env:NAME. It is read for each connection." example:"file:kafka.password" secret:"true"`
	TLS       *rawBrokerTLS `json:"tls,omitempty" jsonschema:"Speaks TLS; {} with whom the machine trusts." example:"{authorities: ca.pem}"`
}

type rawBrokerTLS struct {
	At          place `json:"-"`
	Authorities text  `json:"authorities,omitempty" jsonschema:"A file of PEM: who signs the brokers' certificates. Relative to the configuration's folder, like those below." default:"whom the machine trusts" example:"ca.pem"`
	Certificate text  `json:"certificate,omitempty" jsonschema:"A file of PEM: this node's certificate." example:"node.pem"`
	Key         text  `json:"key,omitempty" jsonschema:"A file of PEM: the certificate's private key." example:"node.key"`
}
