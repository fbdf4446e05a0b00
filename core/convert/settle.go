// Package convert turns a draft that was translated from another server's configuration into a file that this server takes.
// The translators are in packages below: kea and isc; what they write is in draft.
package convert

import (
	"errors"
	"fmt"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/convert/draft"
	"github.com/lockstep6/lockstep6/core/policy"
)

// maxRounds bounds how often a draft is mended.
const maxRounds = 1000

// Settle writes the file, and has it checked as `lockstep6 check` does. What this server refuses though the old one took it, such as a
// lifetime beyond a bound of the standard, is taken out with a remark that says why, until nothing is refused. The command and the
// source are for the file's header. The error says what couldn't be mended.
func Settle(d *draft.Draft, command, source string) ([]byte, error) {
	for range maxRounds {
		out := d.Write(command, source)
		faults := check(source, out)
		if len(faults) == 0 {
			return out, nil
		}
		f := faults[0]
		why := f.Problem
		if f.Remedy != "" {
			why += "; " + f.Remedy
		}
		if d.Drop(f.Field, why) == "" {
			return nil, fmt.Errorf("what comes out isn't right: %w", faults)
		}
	}
	return nil, errors.New("what comes out isn't right, and can't be mended")
}

// placeholderDUID stands for the DUID that a single node makes at its first start.
var placeholderDUID = append([]byte{0, 4}, make([]byte, 16)...)

// check finds what is wrong with a file of a single node.
func check(name string, data []byte) config.Errors {
	cfg, faults := config.Parse(name, data)
	if cfg == nil {
		return faults
	}
	if _, err := policy.Compile(cfg, policy.Input{File: name, SingleDUID: placeholderDUID}); err != nil {
		errors.As(err, &faults)
		if len(faults) == 0 {
			faults = config.Errors{{File: name, Problem: err.Error()}}
		}
	}
	return faults
}
