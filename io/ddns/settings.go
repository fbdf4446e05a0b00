package ddns

import (
	"bytes"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/core/upkeep"
)

// Settings are what the configuration says of updates. They are immutable.
type Settings struct {
	Records  upkeep.Settings // its Zones are set by the Updater, from Zones
	Zones    []Zone
	Timeout  time.Duration // of one try; see NewClient
	Parallel int           // updates that are on their way at a time; at least 1
	GiveUp   time.Duration // after which a task that can't be done is dropped; 0: never
}

// A setup is the settings with what stands for them while they are in force.
type setup struct {
	Settings
	records   upkeep.Settings
	zones     []*zone
	exchanger upkeep.Exchanger
}

// newSetup makes one. Zones whose servers and key are those of the former setup go on as they were; counters go on by name.
func newSetup(s *Settings, former *setup, exchanger upkeep.Exchanger) *setup {
	n := &setup{Settings: *s, records: s.Records, exchanger: exchanger}
	n.Parallel = max(n.Parallel, 1)
	n.records.Zones = nil
	for i := range s.Zones {
		n.records.Zones = append(n.records.Zones, s.Zones[i].Name)
		n.zones = append(n.zones, former.takeOver(&s.Zones[i]))
	}
	return n
}

// takeOver is a zone's state in a new setup.
func (s *setup) takeOver(z *Zone) *zone {
	if s != nil {
		for i := range s.Zones {
			switch old := &s.Zones[i]; {
			case !bytes.Equal(old.Name, z.Name):
			case slices.Equal(old.Servers, z.Servers) && old.Key.equal(z.Key):
				return s.zones[i]
			default: // other servers, or another key: nothing is known of them
				return newZone(z.Name, s.zones[i].counts)
			}
		}
	}
	return newZone(z.Name, &zoneCounts{})
}

func (k *Key) equal(other *Key) bool {
	if k == nil || other == nil {
		return k == other
	}
	return bytes.Equal(k.Name, other.Name) && k.Algorithm == other.Algorithm && bytes.Equal(k.Secret, other.Secret)
}
