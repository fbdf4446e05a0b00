package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
)

// metaReservations is the name in the store's meta space of the reservations that were made at run time.
const metaReservations = "reservations"

// Bounds of what is stored. Each change writes the list anew.
const (
	maxStored       = 4096    // reservations
	maxStoredOctets = 1 << 20 // of the list
)

// A storedReservation is an entry of the list; package config reads it (see its rawStored).
type storedReservation struct {
	Link        string                     `json:"link"`
	Client      string                     `json:"client"`
	Reservation map[string]json.RawMessage `json:"reservation"`
}

// A StoredList is the reservations that a node keeps beside its file, in order.
type StoredList struct{ entries []storedReservation }

// StoredReservations reads those of a stopped store.
func StoredReservations(r *store.Reader) (StoredList, error) {
	value, _ := r.Meta(metaReservations)
	return readStoredList(value)
}

// readStoredList reads what the store keeps; nothing: there are none.
func readStoredList(value []byte) (l StoredList, err error) {
	if len(value) == 0 {
		return l, nil
	}
	if err := json.Unmarshal(value, &l.entries); err != nil {
		return l, fmt.Errorf("the store's %s can't be read: %w", metaReservations, err)
	}
	return l, nil
}

// value is what the store keeps of the list: each entry in a line of its own, for faults name lines.
func (l *StoredList) value() ([]byte, error) {
	if len(l.entries) == 0 {
		return nil, nil
	}
	if len(l.entries) > maxStored {
		return nil, &admin.ReloadError{Problem: "there is no room for another stored reservation",
			Faults: []string{fmt.Sprintf("a node stores %d at most; write them into the file, on every node", maxStored)}}
	}
	out := []byte{'['}
	for i := range l.entries {
		if i > 0 {
			out = append(out, ",\n"...)
		}
		line, err := json.Marshal(&l.entries[i])
		if err != nil {
			return nil, err
		}
		out = append(out, line...)
	}
	out = append(out, ']')
	if len(out) > maxStoredOctets {
		return nil, &admin.ReloadError{Problem: "there is no room for another stored reservation",
			Faults: []string{fmt.Sprintf("all of a node take %d octets at most, and would take %d; write them into the file, on every node", maxStoredOctets, len(out))}}
	}
	return out, nil
}

// Remove takes a client's entry out. False: there is none.
func (l *StoredList) Remove(link string, client config.Client) bool {
	before := len(l.entries)
	l.entries = slices.DeleteFunc(l.entries, func(e storedReservation) bool { return e.Link == link && e.Client == client.String() })
	return len(l.entries) < before
}

// Keep writes the list into a store.
func (l *StoredList) Keep(ctx context.Context, s *store.Store) error {
	value, err := l.value()
	if err != nil {
		return err
	}
	return s.PutMeta(ctx, metaReservations, value)
}

// Of are the entries of a link.
func (l *StoredList) Of(link string) ([]admin.Reservation, error) {
	out := []admin.Reservation{}
	for i := range l.entries {
		if l.entries[i].Link == link {
			r, err := l.entries[i].read()
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// read is the entry as people read it.
func (e *storedReservation) read() (r admin.Reservation, err error) {
	text, err := json.Marshal(e.Reservation)
	if err != nil {
		return r, err
	}
	var what struct {
		Addresses, Prefixes []string
		Hostname            string
		Options             map[string]json.RawMessage
		RemoteID            json.RawMessage `json:"remote-id"`
	}
	if err := json.Unmarshal(text, &what); err != nil {
		return r, fmt.Errorf("the store's reservation for %s can't be read: %w", e.Client, err)
	}
	r = admin.Reservation{Link: e.Link, Addresses: what.Addresses, Prefixes: what.Prefixes, Hostname: what.Hostname, Options: len(what.Options), Stored: true}
	r.Client, r.Value, _ = strings.Cut(e.Client, " ")
	var numbered struct{ Enterprise *uint32 }
	if len(what.RemoteID) > 0 && json.Unmarshal(what.RemoteID, &numbered) == nil && numbered.Enterprise != nil {
		r.Enterprise = numbered.Enterprise
		_, r.Value, _ = strings.Cut(r.Value, " ")
	}
	return r, nil
}

// put sets a client's entry, and tells its number, from 1.
func (l *StoredList) put(link string, client config.Client, what []byte) (number int, err error) {
	e := storedReservation{Link: link, Client: client.String()}
	if err := json.Unmarshal(what, &e.Reservation); err != nil || e.Reservation == nil {
		return 0, errors.New(`it must be a JSON object such as {"addresses": ["2001:db8:1::10"]}`)
	}
	for _, field := range []string{config.ByDUID, config.ByHardware, config.ByRemoteID, config.BySubscriberID, config.ByInterfaceID} {
		if _, ok := e.Reservation[field]; ok {
			return 0, fmt.Errorf("%s: the client is named already, leave it out", field)
		}
	}
	var name any = client.Text()
	if client.Field == config.ByRemoteID && !client.AnyEnterprise {
		name = map[string]any{"enterprise": client.Enterprise, "id": client.Text()}
	}
	text, err := json.Marshal(name)
	if err != nil {
		return 0, err
	}
	e.Reservation[client.Field] = text
	if at := slices.IndexFunc(l.entries, func(o storedReservation) bool { return o.Link == link && o.Client == e.Client }); at >= 0 {
		l.entries[at] = e
		return at + 1, nil
	}
	l.entries = append(l.entries, e)
	return len(l.entries), nil
}
