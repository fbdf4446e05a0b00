package ddns

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/naming"
)

// A Failure is why there is no answer to go by.
type Failure uint8

// The failures, from the one that passes by itself to the one that somebody has to mend.
const (
	NoAnswer   Failure = iota // nothing came in time, or there is nobody
	Malformed                 // what came isn't an answer to what was asked
	NotTrusted                // the answer isn't signed as it should be (RFC 8945)
)

// String is the failure as metrics have it.
func (f Failure) String() string { return [...]string{"no_answer", "malformed", "not_trusted"}[f] }

// An Error says that none of a zone's servers gave an answer to go by.
type Error struct {
	Failure Failure // the worst of all servers'
	Zone    naming.Name
	Servers []ServerError
}

// A ServerError is one server's part in an Error.
type ServerError struct {
	Server  netip.AddrPort
	Failure Failure
	Err     error
}

// Error names the zone, and each server with what is wrong there.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("zone " + e.Zone.String())
	for i := range e.Servers {
		s := &e.Servers[i]
		b.WriteString([]string{": ", "; "}[min(i, 1)] + s.Server.String() + ": " + s.Err.Error())
	}
	return b.String()
}

// add takes in a server's error.
func (e *Error) add(server netip.AddrPort, err error) {
	failure := failureOf(err)
	e.Failure = max(e.Failure, failure)
	e.Servers = append(e.Servers, ServerError{server, failure, err})
}

func failureOf(err error) Failure {
	var trust *trustError
	var bad *malformedError
	switch {
	case errors.As(err, &trust):
		return NotTrusted
	case errors.As(err, &bad):
		return Malformed
	default:
		return NoAnswer
	}
}

// A malformedError says what is wrong with a message.
type malformedError struct{ error }

func (e *malformedError) Unwrap() error { return e.error }

// ended is the context's error where it has one, else err: what an interrupted socket says doesn't matter.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
