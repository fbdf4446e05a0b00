package config

import (
	"net/netip"
	"slices"
)

// Reconfigure says which clients may be made to ask again, and how (RFC 9915, Section 18.3.11).
type Reconfigure struct {
	Links    []int // indexes into Config.Links; none: all
	Gate     Gate  // whose members are told a key
	Rate     int   // messages a second
	Timeout  uint32
	Attempts int

	Requestors  []netip.Prefix // relays that may have clients asked (RFC 6977); none: nobody may
	RequestRate int            // of one of them, messages a second
}

// Defaults of reconfigure: REC_TIMEOUT, in seconds, and REC_MAX_RC (RFC 9915, Section 7.6); the rate is ours.
const (
	DefaultReconfigureRate     = 100
	DefaultReconfigureTimeout  = 2
	DefaultReconfigureAttempts = 8

	DefaultReconfigureRequestRate = 10
)

// reconfigure is called when links and classes are checked.
func (c *checker) reconfigure(raw *rawConfig, cfg *Config) *Reconfigure {
	from := raw.Reconfigure
	if from == nil {
		return nil
	}
	r := &Reconfigure{
		Gate:     c.gate(&from.Classes, &from.Except, cfg.Classes),
		Rate:     int(from.Rate.or(DefaultReconfigureRate)),
		Timeout:  from.Timeout.or(DefaultReconfigureTimeout),
		Attempts: int(from.Attempts.or(DefaultReconfigureAttempts)),

		RequestRate: int(from.RequestRate.or(DefaultReconfigureRequestRate)),
	}
	for i := range from.Requestors {
		r.Requestors = append(r.Requestors, from.Requestors[i].value)
	}
	if len(from.Requestors) == 0 && c.positions["reconfigure.requestors"] != (Position{}) {
		c.fail(from.At.in("requestors"), "is an empty list", "name the relays' prefixes, or leave it out")
	}
	if len(from.Links) == 0 && c.positions["reconfigure.links"] != (Position{}) {
		c.fail(from.At.in("links"), "is an empty list", "name a link, or leave it out")
	}
	for i := range from.Links {
		name := &from.Links[i]
		at := slices.IndexFunc(raw.Links, func(l rawLink) bool { return l.Name.value == name.value })
		switch {
		case !name.ok:
		case at < 0:
			c.fail(name.place, "there is no link "+printable(name.value), "write the name of a link")
		case slices.Contains(r.Links, at):
			c.fail(name.place, printable(name.value)+" stands here twice", "keep one of the two")
		default:
			r.Links = append(r.Links, at)
		}
	}
	return r
}
