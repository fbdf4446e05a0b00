package events

import (
	"context"
	"errors"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
)

// A Source has what is to be told. A Runner's goroutine alone calls it.
type Source interface {
	// Read returns events that wait behind a place, in the order of their commits, and the place of the last one. There are none: it is
	// the place that was given, or a later one up to which there was nothing to tell.
	Read(after uint64) (some []Event, upTo uint64, err error)
	// Done forgets what waits up to a place. That may get lost in a crash.
	Done(upTo uint64) error
	// Now is the present moment by the clock that events' times are read from, in whole seconds.
	Now() time.Time
	// News gets a token after something came to wait.
	News() <-chan struct{}

	// ListDue tells whether a whole list has to be told: events are missing, somebody asked for it, or the newest one wasn't told to its end.
	ListDue() bool
	// BeginList returns the number of a list that begins, once that is on disk: higher than those before. What waits below a place was committed
	// before the leases are looked at, and is told before the list, with the number of the list before: where the end of a lease was dropped for
	// want of room its beginning may still wait, and told with the list's number it would outlast the list.
	BeginList(ctx context.Context) (number int64, below uint64, err error)
	// EndList says that the list was told to its end. False: events have been lost since it began.
	EndList(ctx context.Context) (bool, error)
	// List is the number of the newest list that has begun; 0: none has.
	List() int64
	// Shards is into how many parts Keys divides the leases.
	Shards() int
	// Keys appends the leases of one part.
	Keys(shard int, into []binding.Key) []binding.Key
	// Look is what stands of a lease now; false: nothing that is told.
	Look(key *binding.Key) (Event, bool)
}

// A Broker takes messages for others.
type Broker interface {
	// Publish hands messages over, and returns one error for each: nil once it is durable at the broker, ErrRefused where it will
	// never take it. Messages of one Publish have different keys. It returns when a timeout of the broker's own has passed, or, where
	// the library must go on trying, calls late each time that one has, with why, and how many aren't taken yet. After its context ended
	// a Broker is only closed.
	Publish(ctx context.Context, some []Message, late func(waiting int, err error)) []error
	// Close ends what is under way.
	Close()
}

// ErrRefused says that a broker will never take a message: it is too large for it.
var ErrRefused = errors.New("the broker refuses the event for good")

// all is one error for each message.
func all(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
