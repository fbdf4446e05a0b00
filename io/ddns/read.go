package ddns

import (
	"context"
	"errors"
	"iter"

	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/upkeep"
)

// Read gives what a zone holds to yield: all records, by transfer; where the servers refuse that, those of the names that are given, by one
// query for each name and type, of which a CNAME record in the way is given too. Whole tells which. What was given before an error may be
// incomplete and isn't vouched for.
func (c *Client) Read(ctx context.Context, zone int, names iter.Seq[naming.Name], types []upkeep.RRType, yield func(*Record) error) (whole bool, err error) {
	given := false
	err = c.Transfer(ctx, zone, func(r *Record) error {
		given = true
		return yield(r)
	})
	var refused *RefusedError
	if err == nil || given || !errors.As(err, &refused) {
		return err == nil, err
	}
	for name := range names {
		if err := c.readName(ctx, zone, name, types, yield); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (c *Client) readName(ctx context.Context, zone int, name naming.Name, types []upkeep.RRType, yield func(*Record) error) error {
	for _, kind := range types {
		records, err := c.Query(ctx, zone, name, kind)
		if err != nil {
			return err
		}
		for i := range records {
			if err := yield(&records[i]); err != nil {
				return err
			}
			if records[i].Type != kind {
				return nil // a CNAME stands for all types
			}
		}
	}
	return nil
}
