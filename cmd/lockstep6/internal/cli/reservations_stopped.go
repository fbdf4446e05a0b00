package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/lockstep6/lockstep6/cmd/lockstep6/internal/daemon"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/store"
)

// openReservations opens the reservations of a data folder: of the running node where one answers, else what the
// stopped store has.
func openReservations(data string) (reservationSource, error) {
	if client, err := dialNode(data); err == nil {
		return client, nil
	} else if errors.Is(err, os.ErrPermission) {
		return nil, err
	}
	reader, err := store.OpenReadOnly(store.Options{Path: data})
	if err != nil {
		return nil, err
	}
	list, err := daemon.StoredReservations(reader)
	return &storedReservations{data: data, list: list}, errors.Join(err, reader.Close())
}

// storedReservations are those of a store that no node has open.
type storedReservations struct {
	data string
	list daemon.StoredList
}

// Reservations are the stored ones of a link.
func (s *storedReservations) Reservations(_ context.Context, link string) ([]admin.Reservation, error) {
	return s.list.Of(link)
}

// DeleteReservation drops one. The fingerprint that comes of it is known when the node runs.
func (s *storedReservations) DeleteReservation(ctx context.Context, link string, who config.Client, _ bool) (c admin.ReservationChange, err error) {
	if !s.list.Remove(link, who) {
		return c, fmt.Errorf("%w: link %s stores none for %s", admin.ErrNoReservation, link, who)
	}
	w, err := openStore(s.data)
	if err != nil {
		return c, err
	}
	c.Note = "dropped; it holds when the node runs again, and " + admin.ReservationNote
	return c, errors.Join(s.list.Keep(ctx, w), w.Close())
}

// Close has nothing to close: the list was read.
func (s *storedReservations) Close() error { return nil }
