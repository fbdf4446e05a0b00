package upkeep

import (
	"encoding/binary"
	"errors"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Task says that what DNS holds of a lease is to be looked at, because its binding has changed.
type Task struct {
	Key    binding.Key    // of length 0: no lease, but the name alone, of which nothing but its DHCID may be left
	Before binding.Stored // whose the lease was before, with the name in its extension; of no state where it was nobody's
	Tried  bool           // what can be done while it isn't certain has been done (see Plan). It isn't kept

	// Repair: an audit found that DNS holds something else. Then it doesn't matter whose lease it is.
	Repair bool
	DHCID  []byte // of a Repair: the data of the name's DHCID record where nobody knows the DUID; else nil
}

// Name is the name that the lease had before; nil: none.
func (t *Task) Name() naming.Name { return Named(&t.Before).Name() }

// owner is what the client of a binding is known by, in a DUID's place: its DUID, or what outlasts it. A name in DNS is its own (RFC 4701,
// Section 3.3, type 2, of those octets), so that a client that boots in stages doesn't find its name to be another's.
func owner(b *binding.Stored) []byte { return b.Identity().DUID }

// Named is what a binding keeps of its client's name.
func Named(s *binding.Stored) naming.Kept {
	kept, _ := s.Extension.Find(binding.ExtFQDN)
	return kept
}

// TaskOf appends the task that follows from a change as the journal takes it (see binding.AppendNews): where the change begins or
// ends something, and the old or the new binding has a name. Of others, renewals above all, it appends nothing. It allocates nothing
// but what dst grows by.
func TaskOf(dst, key, value []byte) []byte {
	s, err := binding.DecodeValue(key, value)
	if err != nil || !s.News {
		return dst
	}
	t := Task{Key: s.Key}
	if len(s.Before) > 0 {
		if t.Before, err = binding.DecodeValue(key, s.Before); err != nil {
			t.Before = binding.Stored{}
		}
	}
	if Named(&s).Name() == nil && t.Name() == nil {
		return dst
	}
	return t.Append(dst)
}

// A task in the store: version, parts, key; of whom the lease was before state, kind, owner, IAID, when it was last heard, DUID; DHCID;
// and the name as the piece of the extension that it was. DUID and IAID are what the client is known by (see owner).
const (
	taskVersion = 1
	taskHeader  = 2 + binding.KeySize
	taskBefore  = 12 // without DUID and name

	partBefore = 1
	partRepair = 2
	partDHCID  = 4
	partsKnown = partBefore | partRepair | partDHCID
)

// ErrTask says that octets aren't a task, or one of a newer program.
var ErrTask = errors.New("upkeep: this is no task that this program knows")

// Append appends the task as DecodeTask reads it. Of Before it takes what a task needs: key, state, kind, owner, IAID, DUID, name, and
// when the client was last heard.
func (t *Task) Append(dst []byte) []byte {
	var parts byte
	if t.Before.State != 0 {
		parts |= partBefore
	}
	if t.Repair {
		parts |= partRepair
	}
	if t.DHCID != nil {
		parts |= partDHCID
	}
	dst = append(dst, taskVersion, parts)
	dst = binding.AppendKey(dst, &t.Key)
	if b := &t.Before; b.State != 0 {
		dst = append(dst, byte(b.State), byte(b.Kind), b.Owner)
		id := b.Identity()
		dst = binary.BigEndian.AppendUint32(dst, id.IAID)
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.LastTransaction))
		dst = append(append(dst, byte(len(id.DUID))), id.DUID...)
	}
	dst = append(dst, t.DHCID...)
	if kept := Named(&t.Before); kept.Name() != nil && t.Before.State != 0 {
		dst = binding.AppendExtension(dst, binding.ExtFQDN, kept)
	}
	return dst
}

// DecodeTask reads a task. DUID, name and DHCID are views. The error is ErrTask.
func DecodeTask(b []byte) (Task, error) {
	if len(b) < taskHeader || b[0] != taskVersion || b[1]&^partsKnown != 0 {
		return Task{}, ErrTask
	}
	t := Task{Key: binding.Key{Address: [16]byte(b[2:]), Length: b[18]}, Repair: b[1]&partRepair != 0}
	parts, rest := b[1], b[taskHeader:]
	if t.Key.Length > 128 {
		return Task{}, ErrTask
	}
	if parts&partBefore != 0 {
		var ok bool
		if rest, ok = t.decodeBefore(rest); !ok {
			return Task{}, ErrTask
		}
	}
	if parts&partDHCID != 0 {
		if len(rest) < naming.DHCIDSize {
			return Task{}, ErrTask
		}
		t.DHCID, rest = rest[:naming.DHCIDSize:naming.DHCIDSize], rest[naming.DHCIDSize:]
	}
	if len(rest) == 0 {
		return t, nil
	}
	kind, kept, after, ok := binding.Extension(rest).Next()
	if !ok || kind != binding.ExtFQDN || len(after) > 0 || naming.Kept(kept).Name() == nil || parts&partBefore == 0 {
		return Task{}, ErrTask
	}
	t.Before.Extension = rest
	return t, nil
}

// decodeBefore reads whose the lease was, and returns what follows.
func (t *Task) decodeBefore(b []byte) (rest []byte, ok bool) {
	if len(b) < taskBefore || len(b) < taskBefore+int(b[11]) || b[11] > binding.MaxDUID {
		return nil, false
	}
	end := taskBefore + int(b[11])
	t.Before = binding.Stored{
		Key: t.Key, State: binding.State(b[0]), Kind: wire.Kind(b[1]), Owner: b[2],
		IAID: binary.BigEndian.Uint32(b[3:]), LastTransaction: binding.Time(binary.BigEndian.Uint32(b[7:])),
		DUID: b[taskBefore:end:end],
	}
	known := t.Before.State >= binding.Bound && t.Before.State <= binding.Superseded
	return b[end:], known && t.Before.Kind >= wire.IANA && t.Before.Kind <= wire.Registered
}
