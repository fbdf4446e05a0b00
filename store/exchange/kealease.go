package exchange

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// States of a lease in the column state.
const (
	keaAssigned   = 0
	keaDeclined   = 1
	keaReclaimed  = 2 // expired, and the server has dealt with that
	keaReleased   = 3 // given back, and kept for its client
	keaRegistered = 4 // an address that the client made itself (RFC 9686)
)

// number reads a column of so many bits.
func (k *kea) number(column, bits int) (uint64, error) {
	text := k.field(column)
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%s: %.60q isn't a number of %d bits", keaColumns[column], text, bits)
	}
	return n, nil
}

// numbers reads columns of 32 bits.
func (k *kea) numbers(columns ...int) (all [4]uint32, err error) {
	for i, c := range columns {
		n, err := k.number(c, 32)
		if err != nil {
			return all, err
		}
		all[i] = uint32(n)
	}
	return all, nil
}

// lease reads one line.
func (k *kea) lease(l *Lease) (reason Reason, err error) {
	if err := k.width(); err != nil {
		return Malformed, err
	}
	n, err := k.numbers(colValid, colPreferred, colType, colIAID)
	if err != nil {
		return Malformed, err
	}
	state, err := k.state()
	if err != nil {
		return Malformed, err
	}
	l.Valid, l.Preferred, l.IAID = n[0], n[1], n[3]
	switch {
	case n[2] == 0:
		l.Kind = wire.IANA
	case n[2] == 2:
		l.Kind = wire.IAPD
	case n[2] == 1:
		return NotRepresentable, fmt.Errorf("%.60s is a temporary address (IA_TA), which isn't served", k.field(colAddress))
	default:
		return Malformed, fmt.Errorf("lease_type: %d isn't 0, 1 or 2", n[2])
	}
	if state == keaRegistered {
		return NotRepresentable, fmt.Errorf("%.60s is registered: its client made it itself", k.field(colAddress))
	}
	length, err := k.number(colLength, 8)
	if err != nil {
		return Malformed, err
	}
	if l.Key, err = keyOf(k.field(colAddress), length, l.Kind); err != nil {
		return Malformed, err
	}
	if err := k.times(l, state); err != nil {
		return Malformed, err
	}
	if err := k.client(l); err != nil {
		return Malformed, err
	}
	return 0, nil
}

func (k *kea) state() (uint32, error) {
	if k.field(colState) == "" {
		return keaAssigned, nil // a file of before there were states
	}
	state, err := k.number(colState, 32)
	if err == nil && state > keaRegistered {
		err = fmt.Errorf("state: %d isn't one of 0 to %d", state, keaRegistered)
	}
	return uint32(state), err
}

// times reads when the client was last heard, and what that makes of the state. A line with a valid lifetime of 0 is how Kea deletes
// a lease: by a Release, or when it has expired.
func (k *kea) times(l *Lease, state uint32) error {
	expire, err := k.number(colExpire, 63)
	if err != nil {
		return err
	}
	last := int64(expire) - int64(l.Valid)
	if last > lastUnix {
		return fmt.Errorf("expire: %d less the valid lifetime is the year %d, and no client was heard then; expire is when the client was heard last, plus valid_lifetime, in seconds since 1970",
			expire, yearOf(last))
	}
	l.Last, l.Expires = binding.TimeOf(last), ends(int64(expire), l.Valid == wire.Infinity)
	switch {
	case state == keaDeclined && l.Valid > 0:
		l.State = binding.Declined
	case state == keaReclaimed, state == keaReleased, l.Valid == 0:
		l.State, l.Expires = binding.Released, binding.TimeOf(int64(expire))
	default:
		l.State = binding.Bound
	}
	if l.State == binding.Bound {
		l.Preferred = min(l.Preferred, l.Valid)
	}
	return nil
}

// client reads whose the lease is, where that one is, and its name.
func (k *kea) client(l *Lease) (err error) {
	if k.octets, err = appendHex(k.octets[:0], k.field(colDUID)); err != nil {
		return fmt.Errorf("duid: %w", err)
	}
	l.DUID = k.octets
	if err := checkDUID(l.DUID); err != nil && l.State == binding.Bound {
		return err
	}
	if l.State == binding.Declined || len(l.DUID) > wire.MaxDUID {
		l.DUID = nil // nobody's: Kea writes an empty one
	}
	end := len(k.octets)
	hardware := k.field(colHardware)
	if k.octets, err = appendPlace(k.octets, l.DUID, hardware, k.field(colHardwareType), k.field(colContext)); err != nil {
		return err
	}
	if len(l.DUID) > 0 {
		l.DUID = k.octets[:end:end] // it may have moved
	}
	if len(k.octets) > end {
		l.Extension = k.octets[end:]
	}
	l.Name = strings.TrimSuffix(k.field(colHostname), ".")
	l.Forward, l.Reverse = k.field(colForward) == "1", k.field(colReverse) == "1"
	return nil
}
