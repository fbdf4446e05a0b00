package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/store"
)

// A StoreReport is what of a node's store can be read, as `lockstep6 store` tells it.
type StoreReport struct {
	Folder  string            `json:"folder"`
	Whole   bool              `json:"whole"`
	Refused string            `json:"refused,omitempty"` // why a node couldn't start with it
	Guessed bool              `json:"guessed,omitempty"` // the manifest is of no use: all tables count
	Kinds   map[string]uint64 `json:"readable"`          // by kind, what can be read
	Broken  map[string]uint64 `json:"senseless,omitempty"`
	Files   []StoreFile       `json:"files"`

	Aside    string `json:"damaged_store,omitempty"` // of a repair: where the store is that was repaired
	Bindings uint64 `json:"bindings,omitempty"`      // of a repair: in force in the new store
}

// A StoreFile is what was found of one file.
type StoreFile struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`  // table, log, manifest or options
	State   string   `json:"state"` // whole, damaged, missing or unused
	Size    int64    `json:"size"`
	Entries uint64   `json:"entries,omitempty"` // that a table has, by its own word
	Read    uint64   `json:"read"`              // entries of a table, or records of a log or the manifest
	Error   string   `json:"error,omitempty"`
	Lost    []string `json:"unreadable,omitempty"` // ranges of what can't be read in it
}

// CheckStore reads a stopped node's store, or a copy, and changes nothing. It calls read for each file.
func CheckStore(ctx context.Context, folder string, read func(name string)) (*StoreReport, error) {
	survey, err := store.CheckFiles(ctx, salvaging(folder, read))
	if err != nil {
		return nil, err
	}
	return reportOf(folder, survey), nil
}

// RepairStore makes a store of what can be read of a stopped node's. The node then takes its time for an absence since ever, as after the loss of its disk.
func RepairStore(ctx context.Context, folder string, read func(name string)) (*StoreReport, error) {
	done, err := store.Repair(ctx, salvaging(folder, read))
	if err != nil {
		return nil, err
	}
	r := reportOf(folder, &done.Survey)
	r.Aside, r.Bindings = done.Aside, done.Bindings
	return r, nil
}

func salvaging(folder string, read func(name string)) store.Salvaging {
	return store.Salvaging{
		Options: store.Options{Path: folder}, Read: read, Forget: []string{metaHeartbeat, metaWhole},
		Check: func(key, value []byte) error {
			_, err := binding.DecodeValue(key, value)
			return err
		},
	}
}

func reportOf(folder string, s *store.Survey) *StoreReport {
	r := &StoreReport{Folder: folder, Whole: s.Whole(), Guessed: s.Guessed, Kinds: s.Kinds, Broken: s.Broken, Files: []StoreFile{}}
	if s.Refused != nil {
		r.Refused = s.Refused.Error()
	}
	for i := range s.Files {
		f := &s.Files[i]
		out := StoreFile{Name: f.Name, Kind: f.Kind, State: string(f.State), Size: f.Size, Entries: f.Says, Read: f.Read}
		if f.Err != nil {
			out.Error = f.Err.Error()
		}
		for _, g := range f.Gaps {
			out.Lost = append(out.Lost, gapText(g))
		}
		r.Files = append(r.Files, out)
	}
	return r
}

// gapText tells what lies in a gap by the keys around it.
func gapText(g store.Gap) string {
	switch after, before := keyText(g.After, "the beginning"), keyText(g.Before, "the end"); {
	case len(g.After) > 0 && len(g.Before) > 0:
		return "between " + after + " and " + before
	case len(g.After) > 0:
		return "behind " + after
	default:
		return "before " + before
	}
}

// keyText tells a key of the store in words: docs/store-format.md has their form.
func keyText(key []byte, none string) string {
	const secondsPerDay = 86400
	switch {
	case len(key) == 0:
		return none
	case key[0] == 'b' && len(key) >= 1+store.KeySize:
		return "lease " + leaseText(key[1:])
	case key[0] == 'h' && len(key) >= 3+store.KeySize:
		day := time.Unix((int64(key[1])<<8|int64(key[2]))*secondsPerDay, 0).UTC()
		return fmt.Sprintf("history of %s of lease %s", day.Format(time.DateOnly), leaseText(key[3:]))
	case key[0] == 'm':
		return fmt.Sprintf("value %q", key[1:])
	case key[0] == 'l':
		return fmt.Sprintf("place %x of the log", key[1:])
	case key[0] == 'q':
		return fmt.Sprintf("task %x", key[1:])
	}
	return fmt.Sprintf("key %x", key)
}

func leaseText(key []byte) string {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte(key[:16])), int(key[16])).String()
}
