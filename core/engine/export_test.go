package engine

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Interfere has f called between each choice of a lease and its claim; nil: no longer.
func (e *Engine) Interfere(f func()) { e.interfere = f }

// TakenSlots are the slots that the maps call taken, in order, by pool ID; pools without any are left out.
func (s *Site) TakenSlots() map[int][]uint64 {
	out := make(map[int][]uint64)
	for id, maps := range s.free {
		if maps == nil || maps[0] == nil {
			continue
		}
		pool := s.Policy.Pools[id]
		for slot := uint64(0); slot < pool.Range.Size().Lo; slot++ {
			at := address.U128{Lo: slot}
			if maps[address.StripeOf(at, len(maps))].Taken(address.StripeIndex(at, len(maps)).Lo) {
				out[id] = append(out[id], slot)
			}
		}
	}
	return out
}

// Strays are the leases that lie across those of the pools.
func (s *Site) Strays() []binding.Key { return s.strays.keys }

// OfClient is how many leases of a kind are counted for a client on a link that is known by its DUID.
func (s *Site) OfClient(duid []byte, link int, kind wire.Kind) int {
	return s.clients.Count(s.clientOf(&address.Identity{DUID: duid, Kind: kind}, link))
}

// AtPort is how many leases are counted at the relay port that an extension tells of.
func (s *Site) AtPort(extension binding.Extension) int {
	return int(s.View.Ports.Count(portOf(extension, leasePort)))
}
