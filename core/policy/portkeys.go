package policy

import (
	"fmt"

	"github.com/lockstep6/lockstep6/core/config"
)

// A portKey is what relays say of a port: an Interface-ID, a Relay-ID or both; "": that isn't asked for.
type portKey struct{ relay, id string }

// portKeys are what the link lists of relays' IDs, each once: each Interface-ID with each Relay-ID, where there are both.
func portKeys(l *config.Link) (keys []portKey) {
	relays, ids := l.RelayIDs, l.InterfaceIDs
	if len(relays)+len(ids) == 0 {
		return nil
	}
	if len(relays) == 0 {
		relays = [][]byte{nil}
	}
	if len(ids) == 0 {
		ids = [][]byte{nil}
	}
	seen := make(map[portKey]bool)
	for _, id := range ids {
		for _, relay := range relays {
			if key := (portKey{string(relay), string(id)}); !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// String names the IDs, in hex.
func (k portKey) String() string {
	switch {
	case k.relay == "":
		return fmt.Sprintf("Interface-ID %x", k.id)
	case k.id == "":
		return fmt.Sprintf("Relay-ID %x", k.relay)
	default:
		return fmt.Sprintf("Interface-ID %x with Relay-ID %x", k.id, k.relay)
	}
}

// portOf notes a link's claim to a port: for some link-addresses only, or anywhere.
func (c *compiler) portOf(key portKey, i int, own []span, ids map[portKey][]span) {
	s := &c.p.selection
	found, ok := s.ports[key]
	if !ok {
		found.anywhere = -1
	}
	if len(own) > 0 {
		ids[key] = append(ids[key], own...)
	} else if found.anywhere >= 0 && found.anywhere != int32(i) {
		field := "interface-ids"
		if key.id == "" {
			field = "relay-ids"
		}
		c.fault(fmt.Sprintf("links[%d].match.%s", i, field),
			fmt.Sprintf("link %s has the %s too", c.cfg.Links[found.anywhere].Name, key),
			"add link-addresses to tell the two apart")
	} else {
		found.anywhere = int32(i)
	}
	s.ports[key] = found
}

// named notes the names of pools by which the link is found.
func (c *compiler) named(l *config.Link, i int) {
	s := &c.p.selection
	for k, name := range l.PoolNames {
		if other, ok := s.names[name]; ok && other != int32(i) {
			c.fault(fmt.Sprintf("links[%d].match.pool-names[%d]", i, k),
				fmt.Sprintf("link %s is found by the name %s already", c.cfg.Links[other].Name, name), "a name leads to one link")
			continue
		}
		if s.names == nil {
			s.names = make(map[string]int32)
		}
		s.names[name] = int32(i)
	}
}
