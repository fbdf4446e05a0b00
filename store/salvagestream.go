package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// A taker gets what of a store can be read, by its kind. Bindings may come several times, in any version; what has the same key otherwise is the same.
type taker func(prefix byte, key, value []byte) error

// stream gives all that can be read: what the tables hold, as the manifest says that they count, and what logs have beside it. Where the
// manifest can't be read all tables are taken for good: of bindings versions tell which stands, and the rest may only be too much.
func (s *salvage) stream(take taker) error {
	db, err := s.openView()
	if err != nil {
		s.guess(err)
		err = s.streamTables(take)
	} else {
		err = guard(func() error {
			return scan(db, []byte{0}, []byte{0xff}, func(key, value []byte) error { return errorsAfter(s.ctx.Err(), take(key[0], key, value)) })
		})
		if closed := guard(db.Close); err == nil {
			err = closed
		}
	}
	if err != nil {
		return err
	}
	return s.streamLogs(take)
}

// missingTable matches what Pebble says of a table that its manifest names and that isn't there.
var missingTable = regexp.MustCompile(`\bfile ([0-9]{6,}) \(type sstable\) unknown`)

// openView opens the view, when it has learned from the manifest which tables are missing, and which nobody needs. A manifest that isn't as it was on stable storage isn't
// believed; where nothing tells, and its end is broken, that may be of a crash, or of damage that hides tables: where some seem to be of no use, it isn't either.
func (s *salvage) openView() (*pebble.DB, error) {
	if err := s.found.changed[s.found.manifest]; err != nil {
		return nil, fmt.Errorf("%s: %w", s.found.manifest, err)
	}
	db, err := s.view.open(&s.Options)
	if err != nil {
		return nil, err
	}
	levels, err := db.SSTables()
	if err != nil {
		err = errorsAfter(guard(db.Close), err)
		missing := missingTable.FindStringSubmatch(err.Error())
		if missing == nil || s.view.placed[missing[1]+tableSuffix] {
			return nil, err
		}
		name := missing[1] + tableSuffix
		s.survey.Files = append(s.survey.Files, SurveyedFile{Name: name, Kind: "table", State: FileMissing, Err: errors.New("the manifest names it")})
		slices.SortFunc(s.survey.Files, func(a, b SurveyedFile) int { return strings.Compare(a.Name, b.Name) })
		if err := s.patch(name, nil); err != nil {
			return nil, err
		}
		return s.openView()
	}
	needed := map[string]bool{}
	for _, level := range levels {
		for i := range level {
			needed[fmt.Sprintf("%06d%s", uint64(level[i].BackingSSTNum), tableSuffix)] = true
		}
	}
	unused := false
	for i := range s.survey.Files {
		f := &s.survey.Files[i]
		if f.Kind == "table" && !needed[f.Name] {
			f.State = FileUnused
		}
		unused = unused || f.State == FileUnused
	}
	if unused && s.torn != nil {
		return nil, errorsAfter(guard(db.Close), s.torn)
	}
	return db, nil
}

// guess notes that the manifest is of no use.
func (s *salvage) guess(err error) {
	s.survey.Guessed = true
	there := false
	for i := range s.survey.Files {
		switch f := &s.survey.Files[i]; {
		case f.Kind == "manifest":
			f.State, f.Err, there = FileDamaged, err, true
		case f.State == FileUnused:
			f.State = FileWhole
		}
	}
	if !there {
		s.survey.Files = append(s.survey.Files, SurveyedFile{Name: "MANIFEST", Kind: "manifest", State: FileMissing, Err: err})
	}
}

// streamTables gives what each table for itself has.
func (s *salvage) streamTables(take taker) error {
	for i := range s.survey.Files {
		f := &s.survey.Files[i]
		if f.Kind != "table" {
			continue
		}
		t, err := s.openTable(f.Name)
		if err != nil {
			continue // it is told as damaged
		}
		var taken error
		_ = t.each(func(key pebble.InternalKey, value []byte) error {
			if kind := key.Kind(); kind == pebble.InternalKeyKindSet || kind == pebble.InternalKeyKindMerge {
				taken = take(key.UserKey[0], key.UserKey, value)
			}
			return errorsAfter(taken, s.ctx.Err())
		})
		t.close()
		if err := errorsAfter(taken, s.ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// streamLogs gives what Pebble's logs have. What the store has absorbed since is in tables: it is given again only where some of those are damaged.
func (s *salvage) streamLogs(take taker) error {
	all := s.survey.Guessed || slices.ContainsFunc(s.survey.Files, func(f SurveyedFile) bool { return f.Kind == "table" && f.damaged() })
	for i := range s.survey.Files {
		if s.survey.Files[i].Kind != "log" {
			continue
		}
		again := SurveyedFile{Name: s.survey.Files[i].Name}
		var taken error
		err := s.readLog(&again, func(kind pebble.InternalKeyKind, _ uint64, key, value []byte) {
			set := kind == pebble.InternalKeyKindSet || kind == pebble.InternalKeyKindMerge
			old := key[0] == prefixLog && len(key) == 9 && binary.BigEndian.Uint64(key[1:]) < s.absorbed
			if taken == nil && set && (all || !old) {
				taken = take(key[0], key, value)
			}
		})
		if err := errorsAfter(taken, err); err != nil {
			return err
		}
	}
	return nil
}

// count counts what makes sense of what is streamed, and gives that on, but for what came before and tasks that are done. The store's own values are
// no part of it: they come from where they were put last.
func (s *salvage) count(next taker) taker {
	return func(prefix byte, key, value []byte) error {
		kind, n, err := surveyedKinds[prefix], uint64(1), error(nil)
		if prefix == prefixMeta || s.again(key) {
			return nil
		}
		switch prefix {
		case prefixBinding:
			kind, err = s.binding(key, value)
		case prefixLog:
			n, err = s.group(key, value)
		case prefixHistory:
			err = sized(key, historyKeySize)
		case prefixIndex:
			err = sized(key, indexKeySize)
		case prefixOutbox:
			var g Outgoing
			g, err = outgoing(key, value)
			n = uint64(g.Count)
		case prefixTask:
			_, err = queued(key, value)
		default:
			kind, err = "unknown", errValue
		}
		if err != nil {
			s.survey.Broken[kind]++
			return nil
		}
		s.survey.Kinds[kind] += n
		return next(prefix, key, value)
	}
}

// again tells whether a part of the log, or a task, was streamed before, or isn't to be at all, as what the outbox has told.
func (s *salvage) again(key []byte) bool {
	if place, err := sequenceOf(key); err == nil {
		defer func() { s.given[place] = true }()
		return s.given[place]
	}
	if key[0] == prefixOutbox && len(key) == outboxKeySize {
		return binary.BigEndian.Uint64(key[1:]) < s.told
	}
	if id, err := taskOf(key); err == nil {
		defer func() { s.tasks[id] = true }()
		return s.tasks[id] || s.done[id] || id.Compare(s.before) < 0
	}
	return false
}

func sized(key []byte, size int) error {
	if len(key) != size {
		return errValue
	}
	return nil
}

// binding looks at one of the base's values.
func (s *salvage) binding(key, stored0 []byte) (kind string, err error) {
	value, removed, _, err := stored(stored0)
	if err == nil {
		err = checkKey(key[1:])
	}
	if err != nil {
		return "bindings", err
	}
	if removed {
		_, _, err = s.Options.Codec.Version(value)
		return "removals", err
	}
	return "bindings", s.Check(key[1:], value)
}

// group counts the changes of one of the log's values.
func (s *salvage) group(key, value []byte) (changes uint64, err error) {
	if _, err := sequenceOf(key); err != nil {
		return 0, err
	}
	rest, _, err := grouped(value)
	for len(rest) > 0 && err == nil {
		var k, v []byte
		if k, v, rest, err = s.Options.Codec.Next(rest); err == nil {
			_, _, err = s.Options.Codec.Version(v)
			err = errorsAfter(checkKey(k), err)
			changes++
		}
	}
	return changes, err
}
