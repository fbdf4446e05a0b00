package config

type rawHook struct {
	At       place  `json:"-"`
	Name     text   `json:"name" jsonschema:"What logs, metrics and commands call the hook: up to 63 letters, digits, dots, hyphens and underscores." example:"routes"`
	On       texts  `json:"on,omitempty" jsonschema:"Changes of which leases it is told of: one word, or both." enum:"addresses|prefixes" default:"prefixes" example:"prefixes"`
	Links    []text `json:"links,omitempty" jsonschema:"Names of the links whose leases it is told of." default:"all links" example:"[pop1]"`
	Observed flag   `json:"observed,omitempty" jsonschema:"Tells of leases too that this node knows of its peers." default:"false" example:"true"`
	Renewals flag   `json:"renewals,omitempty" jsonschema:"Tells of renewals too that change nothing but the times." default:"false" example:"true"`
	Run      []text `json:"run,omitempty" jsonschema:"The program that is run for each event, by its whole path, and its arguments. It gets the event in LOCKSTEP6_ variables and as JSON. No shell is used." example:"[/usr/local/lib/lockstep6/routes.sh]"`
	URL      text   `json:"url,omitempty" jsonschema:"Where events are sent by POST, as JSON in batches; instead of run." example:"\"https://bng.example.net/leases\""`
	Token    text   `json:"token,omitempty" jsonschema:"Where the token comes from that is sent to url as Authorization: Bearer TOKEN: file:NAME or env:NAME. It is read for each batch." example:"file:hook.token" secret:"true"`
	Timeout  span   `json:"timeout,omitempty" jsonschema:"How long one run or one POST may take. Then it has failed, and is done again." min:"1" max:"600" default:"10s" example:"10s"`
	Parallel number `json:"parallel,omitempty" jsonschema:"How many runs or POSTs there are at a time. Those of one lease always come one after the other." min:"1" max:"64" default:"4 for run, 1 for url" example:"4"`
	Rate     number `json:"rate,omitempty" jsonschema:"The most events a second, those of a whole list included." min:"0" max:"1000000" default:"100 for run, 10000 for url" zero:"any number" example:"100"`
	Batch    number `json:"batch,omitempty" jsonschema:"The most events in one POST." min:"1" max:"10000" default:"500" example:"500"`
}
