package upkeep

import (
	"context"
	"errors"
	"fmt"

	"github.com/lockstep6/lockstep6/core/naming"
)

// An Exchanger has the zone's DNS server make an update. The error says that there is no answer that can be trusted: the update may have
// been made all the same, and can be tried again later.
type Exchanger interface {
	Exchange(ctx context.Context, u *Update) (Answer, error)
}

// A Result is what came of a job.
type Result struct {
	Updates  int  // that were answered
	Conflict bool // the name is another client's, or nobody's that is known: nothing was added, no PTR either (RFC 4703, Section 5.3.3)
	Taken    bool // the name was another client's and is this one's now
	NoZone   int  // names that lie in no zone that takes updates
}

// A RefusedError says that a DNS server didn't make an update, for reasons that lie with its configuration or this node's, or in its trouble.
// That ends the attempt (RFC 4703, Section 5.1); a later one may do better.
type RefusedError struct {
	Zone   int // as in Update.Zone
	Name   naming.Name
	Answer Answer
}

// Error names the answer and the name.
func (e *RefusedError) Error() string { return fmt.Sprintf("update of %v: %v", e.Name, e.Answer) }

// ErrRestless says that others create and delete the name all the time.
var ErrRestless = errors.New("upkeep: the name comes and goes")

// rounds is how often an addition begins anew because the name came or went meanwhile (RFC 4703, Section 5.3: limit the attempts).
const rounds = 4

// Run does a job, step by step. All steps can be repeated, so a job that ended with an error is run again from its beginning. A name that
// is another client's is a result; errors are those of the Exchanger, *RefusedError, and ErrRestless: then not all is done.
//
// PTR records follow once the name is the client's; where it isn't, the job's old ones are removed all the same.
func Run(ctx context.Context, job *Job, s *Settings, x Exchanger) (Result, error) {
	r := runner{ctx: ctx, job: job, settings: s, exchanger: x}
	if err := r.forward(); err != nil {
		return r.result, err
	}
	return r.result, r.reverse()
}

type runner struct {
	ctx       context.Context
	job       *Job
	settings  *Settings
	exchanger Exchanger
	result    Result
}

// ask has an update made. The answers given may come; any other one is an error.
func (r *runner) ask(u *Update, may ...Answer) (Answer, error) {
	answer, err := r.exchanger.Exchange(r.ctx, u)
	if err != nil {
		return answer, err
	}
	r.result.Updates++
	if answer == NoError {
		return answer, nil
	}
	for _, a := range may {
		if a == answer {
			return answer, nil
		}
	}
	return answer, &RefusedError{Zone: u.Zone, Name: u.Name(), Answer: answer}
}

// forward brings the name's AAAA and DHCID records up to date.
func (r *runner) forward() error {
	add, remove := r.addresses(r.job.Add, AddRecord), r.addresses(r.job.Remove, DeleteRecord)
	changes := len(add)+len(remove) > 0 || r.job.Tidy
	zone := naming.Longest(r.settings.Zones, r.job.Name)
	switch {
	case zone < 0 && changes:
		r.result.NoZone++
		return nil
	case zone < 0:
		return nil // it can't be said whose the name is
	case len(add) > 0:
		return r.add(zone, add, remove)
	case changes:
		if err := r.remove(zone, remove); err != nil {
			return err
		}
	}
	if len(r.job.Add) > 0 && !r.settings.TakeOver {
		return r.hold(zone)
	}
	return nil
}

// addresses are the changes of the AAAA records of leases.
func (r *runner) addresses(of []Record, kind ChangeKind) (changes []Change) {
	for i := range of {
		if of[i].Forward {
			c := Change{Name: r.job.Name, Kind: kind, Type: TypeAAAA, Data: of[i].Key.Address[:]}
			if kind == AddRecord {
				c.TTL = r.job.TTL
			}
			changes = append(changes, c)
		}
	}
	return changes
}

// dhcid is the addition of the record that says whose the name is.
func (r *runner) dhcid() Change {
	return Change{Name: r.job.Name, Kind: AddRecord, Type: TypeDHCID, TTL: r.job.TTL, Data: r.job.identity()}
}

// ours is the prerequisite that the name is this client's.
func (r *runner) ours() Prerequisite {
	return Prerequisite{Name: r.job.Name, Kind: Exists, Type: TypeDHCID, Data: r.job.identity()}
}

// add adds the leases' AAAA records and takes away those that the client has left (RFC 4703, Section 5.3). What its other IAs have
// under the name stays, and so do A records, which a DHCPv4 server may keep (Section 5.2).
func (r *runner) add(zone int, add, remove []Change) error {
	name := r.job.Name
	// Section 5.3.1: where the name isn't used it becomes the client's.
	first := Update{Zone: zone, Requires: []Prerequisite{{Name: name, Kind: NameUnused}}, Changes: append(add[:len(add):len(add)], r.dhcid())}
	// Section 5.3.2: where it is used it must be the client's already.
	second := Update{Zone: zone, Requires: []Prerequisite{{Name: name, Kind: NameUsed}, r.ours()}, Changes: append(remove, add...)}
	for range rounds {
		if answer, err := r.ask(&first, YXDomain); err != nil || answer == NoError {
			return err
		}
		switch answer, err := r.ask(&second, NXDomain, NXRRSet); {
		case err != nil || answer == NoError:
			return err
		case answer == NXDomain: // back to Section 5.3.1
			continue
		}
		if r.settings.TakeOver {
			return r.takeOver(zone, add)
		}
		r.result.Conflict = true // Section 5.3.3: give up
		return nil
	}
	return fmt.Errorf("%v: %w", name, ErrRestless)
}

// hold finds out whether PTR records may point to the name though nothing is added under it, as for a delegated prefix or for a client
// that keeps its AAAA record itself: it isn't used, or is this client's. The updates have prerequisites, and change nothing.
func (r *runner) hold(zone int) error {
	name := r.job.Name
	unused := Update{Zone: zone, Requires: []Prerequisite{{Name: name, Kind: NameUnused}}}
	owned := Update{Zone: zone, Requires: []Prerequisite{{Name: name, Kind: NameUsed}, r.ours()}}
	for range rounds {
		if answer, err := r.ask(&unused, YXDomain); err != nil || answer == NoError {
			return err
		}
		if answer, err := r.ask(&owned, NXDomain, NXRRSet); err != nil || answer != NXDomain {
			r.result.Conflict = answer == NXRRSet && err == nil
			return err
		}
	}
	return fmt.Errorf("%v: %w", name, ErrRestless)
}

// takeOver makes the name this client's, whosever it was. A CNAME can't be taken over: what is added beside one is ignored (RFC 2136,
// Section 3.4.2.2).
func (r *runner) takeOver(zone int, add []Change) error {
	name := r.job.Name
	changes := []Change{{Name: name, Kind: DeleteRRset, Type: TypeDHCID}, {Name: name, Kind: DeleteRRset, Type: TypeAAAA}}
	u := Update{
		Zone: zone, Requires: []Prerequisite{{Name: name, Kind: Absent, Type: TypeCNAME}},
		Changes: append(append(changes, add...), r.dhcid()),
	}
	answer, err := r.ask(&u, YXRRSet)
	r.result.Taken, r.result.Conflict = err == nil && answer == NoError, answer == YXRRSet
	return err
}

// remove takes the leases' AAAA records away, and the name where nothing is left of it (RFC 4703, Section 5.5). Where the name isn't the
// client's any more there is nothing to remove.
func (r *runner) remove(zone int, remove []Change) error {
	name := r.job.Name
	if len(remove) > 0 {
		first := Update{Zone: zone, Requires: []Prerequisite{r.ours()}, Changes: remove}
		if answer, err := r.ask(&first, NXRRSet, NXDomain); err != nil || answer != NoError {
			return err
		}
	}
	second := Update{
		Zone:     zone,
		Requires: []Prerequisite{r.ours(), {Name: name, Kind: Absent, Type: TypeA}, {Name: name, Kind: Absent, Type: TypeAAAA}},
		Changes:  []Change{{Name: name, Kind: DeleteName}},
	}
	answer, err := r.ask(&second, NXRRSet, NXDomain, YXRRSet)
	if answer != Refused {
		return err
	}
	// What stands under the name beside these records may be no concern of this server by the DNS server's rules, which then refuse to
	// delete it. The name goes without its owner.
	second.Changes = []Change{{Name: name, Kind: DeleteRRset, Type: TypeDHCID}}
	_, err = r.ask(&second, NXRRSet, NXDomain, YXRRSet)
	return err
}
