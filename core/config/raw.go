package config

// The raw structs are the file as it is written. Their tags are the one place that tells what a field is:
//
//	json        its name; without omitempty it is required
//	jsonschema  what it means
//	enum        the words that it can be
//	min, max    bounds: of numbers, of times in seconds, of octets in their count
//	default     what holds where it isn't given
//	zero        what 0 means
//	example     YAML of a value
//	secret      what stands here isn't shown again
//
// The decoder, the JSON Schema and docs/configuration.md are made from them.

type rawConfig struct {
	At                place            `json:"-"`
	Cluster           *rawCluster      `json:"cluster,omitempty" jsonschema:"The servers that share the links. Without it the server is a single node."`
	Server            *rawServer       `json:"server,omitempty" jsonschema:"What a single node says of itself; in a cluster cluster.nodes says it."`
	Listen            *rawListen       `json:"listen,omitempty" jsonschema:"Where the server takes messages. Each node can have its own in cluster.nodes[].listen."`
	Lifetimes         *rawLifetimes    `json:"lifetimes,omitempty" jsonschema:"How long leases live, on all links that don't say it themselves."`
	RapidCommit       text             `json:"rapid-commit,omitempty" jsonschema:"Who answers a Solicit with Rapid Commit by a Reply at once: nobody, the client's first node, or every node (RFC 9915, Section 18.3.1). Links inherit it." enum:"off|favoured|all" default:"off" example:"off"`
	Identity          text             `json:"identity,omitempty" jsonschema:"By what a client is known, so that it keeps its leases: its DUID and the IAID; the DUID and which of the message's IAs of a kind it is; instead of the DUID its link-layer address as its relay saw it (RFC 6939), else as its DUID tells it; or the relay port that it is behind, for ports with one client. What a message doesn't show is known by DUID and IAID. Links inherit it. See docs/identity.md." enum:"duid-iaid|duid-rank|hardware-address|relay-port" default:"duid-iaid" example:"duid-iaid"`
	Allocation        text             `json:"allocation,omitempty" jsonschema:"Which lease a new client gets, of all pools that don't say it themselves: the one that is computed from its identity, or the lowest free one. Sequential is for a single node and for pools that are one node's, in the models split and unique." enum:"hash|sequential" default:"hash" example:"sequential"`
	OptionDefinitions []rawDefinition  `json:"option-definitions,omitempty" jsonschema:"Options that the server doesn't know by name; options can use them then."`
	Options           *rawOptions      `json:"options,omitempty" jsonschema:"Options for clients on all links. Links inherit them one by one."`
	Boot              []rawBoot        `json:"boot,omitempty" jsonschema:"Boot files by the clients' architecture (RFC 5970), on all links. The list of a reservation comes before those of classes, these before the link's, and that before this one: the first list with an entry for the client decides." example:"[{architecture: x64-uefi, url: \"tftp://[2001:db8::69]/boot.efi\"}]"`
	Classes           []rawClass       `json:"classes,omitempty" jsonschema:"Kinds of clients, by what their messages say. Where a client is in several, the first ones in this order count." example:"[{name: modems, match: {vendor-class: {enterprise: 4491, starts: docsis}}}]"`
	Providers         []rawProvider    `json:"provider-prefixes,omitempty" jsonschema:"Prefixes that somebody else gives and that can change. Where one is called uplink, \"uplink+0:0:0:1::/64\" can stand for a prefix, and \"uplink+0:0:0:1::10\" for an address: the provider's bits, and behind them those of the suffix. When the prefix changes, the pools behind the former one retire." example:"[{name: uplink, file: /run/wan-prefix, length: 56}]"`
	Links             []rawLink        `json:"links" jsonschema:"The links that clients are on." example:"[{name: lan, match: {interface: eth0}, addresses: [{pool: \"2001:db8:1::/64\"}]}]"`
	Relays            *rawRelays       `json:"relays,omitempty" jsonschema:"What is taken from relays."`
	Limits            *rawLimits       `json:"limits,omitempty" jsonschema:"What one relay port may take, the clients behind one Interface-ID, Remote-ID or Subscriber-ID of a relay; and one client."`
	Decline           *rawDecline      `json:"decline,omitempty" jsonschema:"What becomes of addresses that clients found in use (RFC 9915, Section 18.3.8)."`
	Store             *rawStore        `json:"store,omitempty" jsonschema:"Where bindings are kept."`
	DNS               *rawDNS          `json:"dns,omitempty" jsonschema:"What the servers keep in DNS of their clients' names; without it clients have no names."`
	Leasequery        *rawLeasequery   `json:"leasequery,omitempty" jsonschema:"Who may ask this server for its clients' bindings; without it nobody."`
	Reconfigure       *rawReconfigure  `json:"reconfigure,omitempty" jsonschema:"Which clients this server can make ask again (RFC 9915, Section 18.3.11), of those that say that they accept it; without it none." example:"{}"`
	Registration      *rawRegistration `json:"address-registration,omitempty" jsonschema:"Whether hosts can register addresses that they gave themselves (RFC 9686); without it they can on links only that say so. See docs/address-registration.md." example:"{}"`
	Privacy           *rawPrivacy      `json:"privacy,omitempty" jsonschema:"Whether logs and metrics name clients (RFC 7824). See docs/privacy.md." example:"{logs: pseudonyms}"`
	History           *rawHistory      `json:"history,omitempty" jsonschema:"Who had which lease when; without it nothing of that is kept. A change takes effect at the next start."`
	Hooks             []rawHook        `json:"hooks,omitempty" jsonschema:"Who is told of each change of leases, so that routes follow them: programs that are run, or URLs." example:"[{name: routes, run: [/usr/local/lib/lockstep6/routes.sh]}]"`
	Events            *rawEvents       `json:"events,omitempty" jsonschema:"What message broker is told of each change of leases, so that an inventory of many clusters follows them; without it none. See docs/fleet.md."`
	Admin             *rawAdmin        `json:"admin,omitempty" jsonschema:"The HTTP interface; without it there is none."`
	Log               *rawLog          `json:"log,omitempty" jsonschema:"What is logged."`
}

type rawCluster struct {
	At     place     `json:"-"`
	ID     text      `json:"id" jsonschema:"A UUID. The nodes' DUIDs follow from it and their names; lockstep6 key makes one." example:"5b0e4ad8-3c1f-4f0e-9a57-0d6c2f1b7a11"`
	Model  text      `json:"model,omitempty" jsonschema:"How the nodes share pools (RFC 6853, Section 6): all have the same, each pool is cut into parts, or each has its own." enum:"identical|split|unique" default:"identical" example:"identical"`
	Key    rawKey    `json:"key" jsonschema:"The secret of 32 octets that decides addresses: file:NAME, env:NAME or 64 hexadecimal digits; or {use: ..., accept: [...]} while it is being changed." example:"file:cluster.key" secret:"true"`
	Hash   text      `json:"hash,omitempty" jsonschema:"What derives addresses from the key: xxh64 where subscribers are trusted or limited per port, sha256 where they might craft DUIDs to collide." enum:"xxh64|sha256" default:"xxh64" example:"xxh64"`
	Favour text      `json:"favour,omitempty" jsonschema:"How clients come to prefer a node: by the nodes' preferences, by an order of nodes for each client, or because the others are silent at first." enum:"preference|rendezvous|delay" default:"preference" example:"preference"`
	Parts  number    `json:"parts,omitempty" jsonschema:"Into how many parts split pools and stripes are cut, at least one per node. More than there are nodes make room for nodes to come." min:"1" max:"256" default:"the number of nodes" example:"3"`
	Nodes  []rawNode `json:"nodes" jsonschema:"The servers. Their order matters and must be the same everywhere." example:"[{name: a, preference: 255}, {name: b}]"`
}

type rawNode struct {
	At         place       `json:"-"`
	Name       text        `json:"name" jsonschema:"What serve --node calls it: up to 63 letters, digits, dots, hyphens and underscores." example:"a"`
	Preference number      `json:"preference,omitempty" jsonschema:"Clients take the node with the highest, and one of 255 at once (RFC 9915, Section 18.2.1)." min:"0" max:"255" default:"0" zero:"no Preference option is sent" example:"255"`
	Parts      *[]number   `json:"parts,omitempty" jsonschema:"The parts that the node owns, counted from 0, the preferred one first. Once one node lists its parts all must." min:"0" max:"255" default:"node number n owns part n" example:"[0, 3]"`
	DUID       hexadecimal `json:"duid,omitempty" jsonschema:"The node's own DUID, in hexadecimal; the old server's after an import." min:"3" max:"130" default:"derived from cluster.id and the name" example:"00:03:00:01:02:00:00:00:00:01"`
	Listen     *rawListen  `json:"listen,omitempty" jsonschema:"Where this node takes messages, instead of the shared listen." example:"{interfaces: [eth1]}"`
	Leasequery text        `json:"leasequery,omitempty" jsonschema:"Where the other nodes can ask this one for its bindings when they start: [ADDRESS]:PORT of its leasequery.listen, or an address for port 547. Its leasequery.requestors must have their addresses." example:"\"[2001:db8::a]:547\""`
	Interfaces rawMapping  `json:"interfaces,omitempty" jsonschema:"This node's interfaces by the labels in links[].match.interface, where nodes name them differently." example:"{uplink: eth1}"`
}

type rawServer struct {
	At         place       `json:"-"`
	DUID       hexadecimal `json:"duid,omitempty" jsonschema:"The server's own DUID, in hexadecimal." min:"3" max:"130" default:"made once and kept in the data folder" example:"00:03:00:01:02:00:00:00:00:01"`
	Preference number      `json:"preference,omitempty" jsonschema:"Clients take the server with the highest, and one of 255 at once (RFC 9915, Section 18.2.1)." min:"0" max:"255" default:"0" zero:"no Preference option is sent" example:"255"`
}

type rawListen struct {
	At         place  `json:"-"`
	Interfaces []text `json:"interfaces,omitempty" jsonschema:"Interfaces on which the server listens to ff02::1:2 and ff05::1:3. With them it takes unicast from relays at port 547 of every address of the machine, by whichever interface it comes; to bound that, use a firewall, or addresses only." example:"[eth0]"`
	Addresses  []text `json:"addresses,omitempty" jsonschema:"Addresses for unicast from relays: [ADDRESS]:PORT, or an address for port 547. Port 0 leaves the choice to the kernel." example:"[\"[::1]:10547\", \"2001:db8::547\"]"`
	After      span   `json:"after,omitempty" jsonschema:"After how long an absence a node of a cluster lets its peers serve new clients first, until it has listened for one T1." min:"1" default:"5m" example:"5m"`
	Workers    number `json:"workers,omitempty" jsonschema:"How many workers answer messages." min:"0" max:"128" default:"0" zero:"one per processor" example:"4"`
}

type rawLifetimes struct {
	At        place `json:"-"`
	Preferred span  `json:"preferred,omitempty" jsonschema:"How long new connections use an address." default:"50m; 5/8 of valid where only that is given" zero:"addresses are deprecated from the start" example:"50m"`
	Valid     span  `json:"valid,omitempty" jsonschema:"How long a lease may be used at all." min:"1" default:"1h20m; 8/5 of preferred where only that is given" example:"80m"`
	Renew     span  `json:"renew,omitempty" jsonschema:"T1: when the client asks its own server to extend a lease." default:"1/2 of preferred" zero:"the client chooses" example:"25m"`
	Rebind    span  `json:"rebind,omitempty" jsonschema:"T2: when the client asks any server to extend a lease." default:"4/5 of preferred" zero:"the client chooses; renew must be 0 too" example:"40m"`
}

type rawLink struct {
	At           place                `json:"-"`
	Name         text                 `json:"name" jsonschema:"What logs and commands call the link." example:"pop1"`
	Match        *rawMatch            `json:"match,omitempty" jsonschema:"Which messages come from the link. Without it: those whose relay has a link-address in one of the link's address pools." example:"{interface: eth0}"`
	Lifetimes    *rawLifetimes        `json:"lifetimes,omitempty" jsonschema:"Lifetimes on this link. They replace the global ones as a whole." example:"{preferred: 1h, valid: 2h}"`
	RapidCommit  text                 `json:"rapid-commit,omitempty" jsonschema:"Rapid Commit on this link." enum:"off|favoured|all" default:"the global one" example:"all"`
	Identity     text                 `json:"identity,omitempty" jsonschema:"By what a client is known on this link." enum:"duid-iaid|duid-rank|hardware-address|relay-port" default:"the global one" example:"hardware-address"`
	Options      *rawOptions          `json:"options,omitempty" jsonschema:"Options for clients on this link, beside or instead of the global ones." example:"{dns-servers: [\"2001:db8:1::53\"]}"`
	Boot         []rawBoot            `json:"boot,omitempty" jsonschema:"Boot files for clients on this link; for those that no entry is for, the global ones. An empty list: none." example:"[{architecture: x64-uefi, url: \"tftp://[2001:db8::69]/boot.efi\"}]"`
	PrefixLength number               `json:"prefix-length,omitempty" jsonschema:"The length of prefix that a client gets first that asks for no length, where the link has pools of several." min:"1" max:"128" default:"whichever pool comes first for the client" example:"64"`
	Limits       *rawLinkLimits       `json:"limits,omitempty" jsonschema:"How many leases one client may have on this link, where limits says another number." example:"{prefixes-per-client: 8}"`
	DNS          *rawLinkDNS          `json:"dns,omitempty" jsonschema:"How the link's clients are named: what differs from dns." example:"{domain: guests.example.net, client-names: ignore, generate: always}"`
	Registration *rawLinkRegistration `json:"address-registration,omitempty" jsonschema:"Whether hosts on this link can register addresses that they gave themselves (RFC 9686)." example:"{prefixes: [\"2001:db8:1::/64\"]}"`
	Classes      texts                `json:"classes,omitempty" jsonschema:"Classes, one or a list: only their members get leases on the link." default:"everybody" example:"[modems, gateways]"`
	Except       texts                `json:"except-classes,omitempty" jsonschema:"Classes, one or a list, whose members get no leases on the link." example:"modems"`
	Addresses    []rawAddressPool     `json:"addresses,omitempty" jsonschema:"Pools that addresses (IA_NA) are assigned from." example:"[{pool: \"2001:db8:1::/64\"}]"`
	Prefixes     []rawPrefixPool      `json:"prefixes,omitempty" jsonschema:"Pools that prefixes (IA_PD) are delegated from." example:"[{pool: \"2001:db8:8000::/40\", length: 56}]"`
	Reservations []rawReservation     `json:"reservations,omitempty" jsonschema:"What certain clients get." example:"[{hardware: \"02:00:00:00:00:01\", addresses: [\"2001:db8:1::10\"]}]"`
}

type rawMatch struct {
	At            place         `json:"-"`
	Interface     texts         `json:"interface,omitempty" jsonschema:"The interface that the link's clients are heard on, or several: a name, or a label that cluster.nodes[].interfaces maps." example:"eth0"`
	LinkAddresses []subnet      `json:"link-addresses,omitempty" jsonschema:"Link-addresses that the link's relays give, as prefixes or addresses; the longest matching prefix of all links decides. Prefixes are on the link: address pools must lie in one of them." default:"the address pools, where there are neither interface-ids nor relay-ids" example:"[\"2001:db8:1::/64\"]"`
	InterfaceIDs  []octets      `json:"interface-ids,omitempty" jsonschema:"Interface-IDs that the link's relays give: text, or hexadecimal as 0x0a0b or 0a:0b. With link-addresses or relay-ids all must match." min:"1" max:"255" example:"[\"ge-0/0/1.100\", \"0x0a0b\"]"`
	RelayIDs      []hexadecimal `json:"relay-ids,omitempty" jsonschema:"Relay-IDs that the link's relays give (RFC 5460): DUIDs in hexadecimal. With link-addresses or interface-ids all must match." min:"3" max:"130" example:"[\"00:03:00:01:02:00:00:00:00:77\"]"`
	PoolNames     texts         `json:"pool-names,omitempty" jsonschema:"Names of pools by which the link is found where the relays' IDs and link-address find none: BNGs with unnumbered interfaces have no link-address to give. Relays name pools where relays.named-pools says." example:"[hsi, hsi-pd]"`
}

type rawAddressPool struct {
	At         place         `json:"-"`
	Pool       rawPool       `json:"pool" jsonschema:"A prefix, or first-last. In the unique model it can be a map from each node to its own." example:"2001:db8:1::/64"`
	Name       text          `json:"name,omitempty" jsonschema:"What relays call the pool (relays.named-pools). Pools of a link with the same name are a group." example:"gold"`
	Only       flag          `json:"named-only,omitempty" jsonschema:"Whether new leases come from the pool only where a relay names it. Without it, it serves clients of whom no relay names a pool as well." default:"false" example:"true"`
	Exclude    []block       `json:"exclude,omitempty" jsonschema:"What is never assigned: addresses, prefixes, or first-last." example:"[\"2001:db8:1::1\", \"2001:db8:1::100-2001:db8:1::1ff\"]"`
	Classes    texts         `json:"classes,omitempty" jsonschema:"Classes, one or a list: only their members get new leases from the pool. Who has one keeps it at Renew and Rebind." default:"everybody" example:"modems"`
	Except     texts         `json:"except-classes,omitempty" jsonschema:"Classes, one or a list, whose members get no new leases from the pool." example:"[modems, gateways]"`
	Dense      text          `json:"dense,omitempty" jsonschema:"In pools of fewer than 2^48 addresses: nodes agree on a client's first candidate, or each assigns from its own stripe only." enum:"agree|exclusive" default:"agree" example:"exclusive"`
	Allocation text          `json:"allocation,omitempty" jsonschema:"Which address a new client gets: the one that is computed from its identity, or the lowest free one. The pools of a link that has a sequential one are taken in the file's order." enum:"hash|sequential" default:"the global one" example:"sequential"`
	Retires    flag          `json:"retiring,omitempty" jsonschema:"Nobody gets new leases from the pool. Who has one is told at the next Renew or Rebind that it isn't preferred any more, keeps it until it ends, and gets another one beside it, of another pool of the link." default:"false" example:"true"`
	Lifetimes  *rawLifetimes `json:"lifetimes,omitempty" jsonschema:"Lifetimes of leases of the pool, before the link's. They replace those as a whole; a class's come before them." example:"{preferred: 1h, valid: 2h}"`
	Options    *rawOptions   `json:"options,omitempty" jsonschema:"Options for clients that get a lease of the pool, beside or instead of the link's; a class's and a reservation's come before them." example:"{dns-servers: [\"2001:db8:1::53\"]}"`
}

type rawPrefixPool struct {
	At         place         `json:"-"`
	Pool       rawPool       `json:"pool" jsonschema:"A prefix, or the first and the last prefix as first-last. In the unique model it can be a map from each node to its own." example:"2001:db8:8000::/40"`
	Length     number        `json:"length" jsonschema:"The length of the delegated prefixes." min:"1" max:"128" example:"56"`
	Name       text          `json:"name,omitempty" jsonschema:"What relays call the pool (relays.named-pools). Pools of a link with the same name are a group." example:"gold"`
	Only       flag          `json:"named-only,omitempty" jsonschema:"Whether new leases come from the pool only where a relay names it. Without it, it serves clients of whom no relay names a pool as well." default:"false" example:"true"`
	Exclude    []block       `json:"exclude,omitempty" jsonschema:"What is never delegated: prefixes, or first-last." example:"[\"2001:db8:8000::/48\"]"`
	Classes    texts         `json:"classes,omitempty" jsonschema:"Classes, one or a list: only their members get new prefixes from the pool. Who has one keeps it at Renew and Rebind." default:"everybody" example:"business"`
	Except     texts         `json:"except-classes,omitempty" jsonschema:"Classes, one or a list, whose members get no new prefixes from the pool." example:"modems"`
	Dense      text          `json:"dense,omitempty" jsonschema:"In pools of fewer than 2^48 prefixes: nodes agree on a client's first candidate, or each delegates from its own stripe only." enum:"agree|exclusive" default:"agree" example:"agree"`
	Allocation text          `json:"allocation,omitempty" jsonschema:"Which prefix a new client gets: the one that is computed from its identity, or the lowest free one. The pools of a link that has a sequential one are taken in the file's order." enum:"hash|sequential" default:"the global one" example:"sequential"`
	Retires    flag          `json:"retiring,omitempty" jsonschema:"Nobody gets new prefixes from the pool. Who has one is told at the next Renew or Rebind that it isn't preferred any more, keeps it until it ends, and gets another one beside it, of another pool of the link." default:"false" example:"true"`
	Lifetimes  *rawLifetimes `json:"lifetimes,omitempty" jsonschema:"Lifetimes of leases of the pool, before the link's. They replace those as a whole; a class's come before them." example:"{preferred: 1h, valid: 2h}"`
	Options    *rawOptions   `json:"options,omitempty" jsonschema:"Options for clients that get a lease of the pool, beside or instead of the link's; a class's and a reservation's come before them." example:"{dns-servers: [\"2001:db8:1::53\"]}"`
	Excluded   *rawCutout    `json:"excluded-prefix,omitempty" jsonschema:"The prefix that is kept out of each delegated one, for the link between the two routers (RFC 6603). Only clients that ask for Prefix Exclude get to know it." example:"{length: 64, id: 255}"`
}

type rawCutout struct {
	At     place  `json:"-"`
	Length number `json:"length" jsonschema:"Its length, more than that of the delegated prefix." min:"2" max:"128" example:"64"`
	ID     number `json:"id" jsonschema:"Its number among the delegated prefix's subprefixes of that length." min:"0" max:"18446744073709551615" zero:"the first one" example:"255"`
}

type rawReservation struct {
	stored       bool         // the node keeps it beside the file
	At           place        `json:"-"`
	DUID         hexadecimal  `json:"duid,omitempty" jsonschema:"The client by its DUID, in hexadecimal." min:"3" max:"130" example:"00:03:00:01:02:00:00:00:00:01"`
	Hardware     hexadecimal  `json:"hardware,omitempty" jsonschema:"The client by its link-layer address, from a DUID-LL or DUID-LLT, or as its relay saw it (RFC 6939)." min:"1" max:"64" example:"02:00:00:00:00:01"`
	RemoteID     *rawRemoteID `json:"remote-id,omitempty" jsonschema:"The client by the Remote-ID that its relay adds (RFC 4649): text or hexadecimal for any enterprise number, or {enterprise: ..., id: ...}." example:"{enterprise: 4491, id: line-17}"`
	SubscriberID octets       `json:"subscriber-id,omitempty" jsonschema:"The client by the Subscriber-ID that its relay adds (RFC 4580): text, or hexadecimal as 0x0a0b or 0a:0b." min:"1" max:"255" example:"subscriber-17"`
	InterfaceID  octets       `json:"interface-id,omitempty" jsonschema:"The client by the Interface-ID that its relay adds (RFC 9915, Section 21.18), which names a port of that relay and must name it alone on the link: text, or hexadecimal as 0x0a0b or 0a:0b." min:"1" max:"255" example:"eth 1/1/17:100"`
	Addresses    []ip         `json:"addresses,omitempty" jsonschema:"Addresses for its IA_NAs, the first free one for each." example:"[\"2001:db8:1::10\"]"`
	Prefixes     []subnet     `json:"prefixes,omitempty" jsonschema:"Prefixes for its IA_PDs, the first free one for each." example:"[\"2001:db8:9000::/48\"]"`
	Hostname     domain       `json:"hostname,omitempty" jsonschema:"The client's name, whatever it calls itself: a whole one, or one label that the domain of dns completes." example:"printer"`
	Boot         []rawBoot    `json:"boot,omitempty" jsonschema:"Boot files for the client; where no entry is for it, the link's. An empty list: none." example:"[{architecture: x64-uefi, url: \"tftp://[2001:db8::69]/boot.efi\"}]"`
	Options      *rawOptions  `json:"options,omitempty" jsonschema:"Options for the client, beside or instead of the link's." example:"{boot-file-url: \"http://[2001:db8::1]/boot\"}"`
}

type rawStore struct {
	At         place    `json:"-"`
	Path       text     `json:"path,omitempty" jsonschema:"The data folder; serve --data overrides it." default:"/var/lib/lockstep6" example:"/var/lib/lockstep6"`
	Sync       text     `json:"sync,omitempty" jsonschema:"Whether a grant waits until it is on stable storage. With never a power failure can lose the newest bindings." enum:"always|never" default:"always" example:"always"`
	Capacity   number   `json:"capacity,omitempty" jsonschema:"The most bindings that the server holds. Memory is taken only for those that there are." min:"1024" max:"268435456" default:"1048576" example:"4000000"`
	RenewCache fraction `json:"renew-cache,omitempty" jsonschema:"For which share of T1 after a binding was written a renewal that changes nothing but the time is answered without a write, with the lifetimes that are left. No effect where T1 is 0 or infinite." min:"0" max:"0.5" default:"0" zero:"every renewal is written" example:"0.25"`
}

type rawHistory struct {
	At   place `json:"-"`
	Keep span  `json:"keep" jsonschema:"For how long after its end it is kept who had a lease; infinite: for ever." min:"86400" example:"400d"`
}

type rawAdmin struct {
	At     place        `json:"-"`
	Listen text         `json:"listen" jsonschema:"ADDRESS:PORT, of either IP version. Port 0 leaves the choice to the kernel." example:"127.0.0.1:8067"`
	TLS    *rawAdminTLS `json:"tls,omitempty" jsonschema:"The certificate for https, TLS 1.3. Without it the address speaks http." example:"{certificate: admin.crt, key: admin.key}"`
	Token  text         `json:"token,omitempty" jsonschema:"Where the token comes from that clients send as Authorization: Bearer TOKEN: file:NAME or env:NAME, of 32 characters at least. With TLS and the token everything may be done, else an address only reads. It is read at the start." example:"file:admin.token" secret:"true"`
	Read   text         `json:"read,omitempty" jsonschema:"Who may read by TCP: whoever reaches the address, or whoever has the token. /live and /ready are always answered." enum:"anyone|token" default:"anyone at a loopback address, else token" example:"anyone"`
	Names  []text       `json:"names,omitempty" jsonschema:"Names of the node that a request without token may have as its Host, beside any IP address, localhost and the names of the certificate: by others a web page could have led a browser here (DNS rebinding)." default:"none" example:"[node-a.example]"`
}

type rawAdminTLS struct {
	At          place `json:"-"`
	Certificate text  `json:"certificate" jsonschema:"A file of PEM: the certificate and those that lead to its root. Relative to the configuration's folder. It is read again when it changes." example:"admin.crt"`
	Key         text  `json:"key" jsonschema:"A file of PEM: the certificate's private key." example:"admin.key"`
}

type rawLog struct {
	At     place `json:"-"`
	Level  text  `json:"level,omitempty" jsonschema:"The least important messages that are logged." enum:"debug|info|warn|error" default:"info" example:"info"`
	Format text  `json:"format,omitempty" jsonschema:"How lines are written: auto is text on a terminal and JSON otherwise." enum:"auto|text|json" default:"auto" example:"json"`
	Leases flag  `json:"leases,omitempty" jsonschema:"One line for each lease that is granted, extended, released, declined or expired." default:"true" example:"true"`
}

type rawLimits struct {
	At        place  `json:"-"`
	Leases    number `json:"leases-per-port,omitempty" jsonschema:"How many leases the clients behind one relay port may have together, those that other nodes granted included. What goes beyond is answered with NoAddrsAvail or NoPrefixAvail; reservations aren't limited." min:"0" max:"1000000" default:"0" zero:"any number" example:"16"`
	Weak      number `json:"weak-claims-per-port,omitempty" jsonschema:"How many claims in other nodes' names that the configuration doesn't explain are believed of one relay port. Without this field it is leases-per-port." min:"0" max:"1000000" zero:"any number" example:"8"`
	Addresses number `json:"addresses-per-client,omitempty" jsonschema:"How many addresses one client (its DUID, or what identity says) may have at once on each link. What goes beyond is answered with NoAddrsAvail; reservations aren't limited." min:"0" max:"65535" default:"0" zero:"any number" example:"4"`
	Prefixes  number `json:"prefixes-per-client,omitempty" jsonschema:"How many prefixes one client (its DUID, or what identity says) may have at once on each link (RFC 9663, Section 15). What goes beyond is answered with NoPrefixAvail; reservations aren't limited." min:"0" max:"65535" default:"0" zero:"any number" example:"4"`

	Client    *rawRate `json:"messages-per-client,omitempty" jsonschema:"How many messages of one client (its DUID, from one address) are answered. What goes beyond is dropped. Without this table it is 20 a second and 100 at once."`
	Neighbour *rawRate `json:"messages-per-neighbour,omitempty" jsonschema:"How many messages of one link-local address are read, of hosts on the node's own links. What goes beyond is dropped. Without this table any number is."`
	Relay     *rawRate `json:"messages-per-relay,omitempty" jsonschema:"How many messages of one relay, its address, are read. What goes beyond is dropped. Without this table any number is."`
	Shares    flag     `json:"fair-shares,omitempty" jsonschema:"While messages are lost, no relay and no host on the node's own links has more of them read than its share, and of who floods the kernel throws most away unread. Without that each is lost in proportion to what is sent, which serves a relay with far more clients than the others better." default:"true" example:"false"`
}

type rawRate struct {
	At     place  `json:"-"`
	Second number `json:"per-second" jsonschema:"Messages a second in the long run." min:"0" max:"1000000" zero:"any number" example:"20"`
	Burst  number `json:"burst,omitempty" jsonschema:"Messages at once, after a while without any." min:"1" max:"1000000" default:"5 times per-second" example:"100"`
}

type rawLinkLimits struct {
	At        place  `json:"-"`
	Addresses number `json:"addresses-per-client,omitempty" jsonschema:"How many addresses one client (its DUID, or what identity says) may have at once on this link. What goes beyond is answered with NoAddrsAvail; reservations aren't limited." min:"0" max:"65535" default:"that of limits" zero:"any number" example:"4"`
	Prefixes  number `json:"prefixes-per-client,omitempty" jsonschema:"How many prefixes one client (its DUID, or what identity says) may have at once on this link (RFC 9663, Section 15). What goes beyond is answered with NoPrefixAvail; reservations aren't limited." min:"0" max:"65535" default:"that of limits" zero:"any number" example:"4"`
}

type rawDecline struct {
	At         place  `json:"-"`
	Quarantine span   `json:"quarantine,omitempty" jsonschema:"How long a declined address is kept from everybody." min:"1" default:"24h" example:"24h"`
	PerClient  number `json:"max-per-client,omitempty" jsonschema:"How many declined addresses one client can have at a time; what it declines beyond that isn't quarantined." min:"1" max:"65535" default:"10" example:"10"`
}
