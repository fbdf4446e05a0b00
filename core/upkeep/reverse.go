package upkeep

import "github.com/lockstep6/lockstep6/core/naming"

// reverse brings the PTR records up to date, with one update for each zone (RFC 4703, Section 5.4): an address has the one of its client.
// A removal deletes the record that points to the job's name, and no other: that is what Section 5.5 wants a prerequisite for, which
// would keep the rest of the update from being made.
//
// A timid job's additions are updates of their own, which require that there is no PTR record.
func (r *runner) reverse() error {
	var updates, timid []Update
	for i := range r.job.Remove {
		r.inZones(&updates, &r.job.Remove[i], r.gone)
	}
	for i := range r.job.Add {
		switch {
		case r.result.Conflict:
		case r.job.Timid:
			r.inZones(&timid, &r.job.Add[i], r.first)
		default:
			r.inZones(&updates, &r.job.Add[i], r.stands)
		}
	}
	for i := range updates {
		if _, err := r.ask(&updates[i]); err != nil {
			return err
		}
	}
	for i := range timid {
		if _, err := r.ask(&timid[i], YXRRSet); err != nil {
			return err
		}
	}
	return nil
}

// inZones puts the changes of a lease's reverse names into the updates of their zones.
func (r *runner) inZones(updates *[]Update, of *Record, change func(u *Update, name naming.Name)) {
	for _, name := range of.reverseNames() {
		if zone := naming.Longest(r.settings.Zones, name); zone < 0 {
			r.result.NoZone++
		} else {
			change(inZone(updates, zone), name)
		}
	}
}

// inZone is the update of a zone among those that are being made.
func inZone(updates *[]Update, zone int) *Update {
	for i := range *updates {
		if (*updates)[i].Zone == zone {
			return &(*updates)[i]
		}
	}
	*updates = append(*updates, Update{Zone: zone})
	return &(*updates)[len(*updates)-1]
}

func (r *runner) gone(u *Update, name naming.Name) {
	u.Changes = append(u.Changes, Change{Name: name, Kind: DeleteRecord, Type: TypePTR, Data: r.job.Name})
}

func (r *runner) stands(u *Update, name naming.Name) {
	u.Changes = append(u.Changes, Change{Name: name, Kind: DeleteRRset, Type: TypePTR}, r.ptr(name))
}

func (r *runner) first(u *Update, name naming.Name) {
	u.Requires = append(u.Requires, Prerequisite{Name: name, Kind: Absent, Type: TypePTR})
	u.Changes = append(u.Changes, r.ptr(name))
}

func (r *runner) ptr(name naming.Name) Change {
	return Change{Name: name, Kind: AddRecord, Type: TypePTR, TTL: r.job.TTL, Data: r.job.Name}
}
