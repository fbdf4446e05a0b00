package daemon

import (
	"context"
	"fmt"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
)

// Reservations implements admin.Node.
func (o *operator) Reservations(link string) ([]admin.Reservation, error) {
	o.d.changing.one.Lock()
	defer o.d.changing.one.Unlock()
	l := linkNamed(o.d.inForce.config, link)
	if l == nil {
		return nil, admin.ErrNoLink
	}
	return LinkReservations(l), nil
}

// LinkReservations are those of a link, as people read them.
func LinkReservations(l *config.Link) []admin.Reservation {
	all := make([]admin.Reservation, 0, len(l.Reservations))
	for i := range l.Reservations {
		r := &l.Reservations[i]
		c := r.Client()
		out := admin.Reservation{
			Link: l.Name, Client: c.Field, Value: c.Text(), Addresses: []string{}, Prefixes: []string{}, Options: len(r.Options), Stored: r.Stored,
		}
		if r.Hostname != nil {
			out.Hostname = admin.NameText(r.Hostname)
		}
		if c.Field == config.ByRemoteID && !c.AnyEnterprise {
			out.Enterprise = &c.Enterprise
		}
		for _, a := range r.Addresses {
			out.Addresses = append(out.Addresses, a.String())
		}
		for _, p := range r.Prefixes {
			out.Prefixes = append(out.Prefixes, p.String())
		}
		all = append(all, out)
	}
	return all
}

func linkNamed(c *config.Config, name string) *config.Link {
	for i := range c.Links {
		if c.Links[i].Name == name {
			return &c.Links[i]
		}
	}
	return nil
}

// PutReservation implements admin.Node.
func (o *operator) PutReservation(ctx context.Context, link string, client config.Client, what []byte, force bool) (admin.ReservationChange, error) {
	return o.d.restore(ctx, link, force, func(l *StoredList) (int, error) {
		added, err := l.put(link, client, what)
		if err != nil {
			return 0, &admin.ReloadError{Problem: "the reservation is refused", Faults: []string{link + " " + client.String() + ": " + err.Error()}}
		}
		return added, nil
	})
}

// DeleteReservation implements admin.Node.
func (o *operator) DeleteReservation(ctx context.Context, link string, client config.Client, force bool) (admin.ReservationChange, error) {
	return o.d.restore(ctx, link, force, func(l *StoredList) (int, error) {
		if !l.Remove(link, client) {
			return 0, fmt.Errorf("%w: link %s stores none for %s", admin.ErrNoReservation, link, client)
		}
		return 0, nil
	})
}

// restore changes the stored reservations, and puts them in force with the file as it was read last. Edit tells the number of the one that it
// adds, from 1; 0: none.
func (d *Daemon) restore(ctx context.Context, link string, force bool, edit func(*StoredList) (int, error)) (change admin.ReservationChange, err error) {
	d.changing.one.Lock()
	defer d.changing.one.Unlock()
	if linkNamed(d.inForce.config, link) == nil {
		return change, admin.ErrNoLink
	}
	list, err := readStoredList(d.inForce.stored)
	if err != nil {
		return change, err
	}
	added, err := edit(&list)
	if err != nil {
		return change, err
	}
	value, err := list.value()
	if err != nil {
		return change, err
	}
	change.Plan, err = d.change(ctx, sources{text: d.inForce.text, stored: value, added: added, providers: d.inForce.providers}, admin.ReloadRequest{Force: force})
	if !d.inForce.policy.Single {
		change.Note = admin.ReservationNote
	}
	return change, err
}
