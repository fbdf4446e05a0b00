package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
)

// ErrCorrupt marks errors that say that the store's files are damaged.
var ErrCorrupt = errors.New("store is damaged")

// ErrFormat marks errors that say that the store was written by a newer release.
var ErrFormat = errors.New("store has a newer format")

// explain tells a failure to open or read the store with its path and what to do about it.
func explain(path string, err error) error {
	var inUse *InUseError
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &inUse), errors.Is(err, ErrFormat), errors.Is(err, errBlown):
		return err
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EEXIST):
		return fmt.Errorf("store %s: not a folder: %w; move that file away, or set store.path to a folder", path, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("store %s: %w; give the server's user read and write access to that folder and everything in it", path, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("store %s: %w; mount it writable, or set store.path to another place", path, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("store %s: %w; free space on that disk (64 MiB at least)", path, err)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("store %s: %w; raise the limit of open files (LimitNOFILE=) to 4096 or more", path, err)
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return fmt.Errorf("store %s: there is no store here: %w; check the path", path, err)
	case strings.Contains(text, "unknown format"):
		return fmt.Errorf("store %s: %w than this binary knows (%w); run the release that wrote it, or a later one", path, ErrFormat, err)
	case strings.Contains(text, "merger name"), strings.Contains(text, "comparer name"):
		return fmt.Errorf("store %s: written by another program: %w; set store.path to a folder of its own", path, err)
	case corrupt(err):
		return fmt.Errorf("store %s: %w: %w; check the disk, then see what `lockstep6 store check --data %s` says of it, and have `lockstep6 store repair --data %s` "+
			"make a store of what can be read, or restore the newest checkpoint into an empty folder, "+
			"or start with an empty one (bindings come back as clients renew; see docs/operations.md, a damaged store)", path, ErrCorrupt, err, path, path)
	}
	return fmt.Errorf("store %s: %w", path, err)
}

// tableError matches what Pebble says of a table that is missing or has another size than its manifest says.
var tableError = regexp.MustCompile(`\bL[0-6]: [0-9]{6}`)

// corrupt tells whether an error is about damaged content: a checksum, a structure, or a table file that is gone.
func corrupt(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, errValue) || errors.Is(err, errChanged) || errors.Is(err, record.ErrInvalidChunk) ||
		errors.Is(err, record.ErrZeroedChunk) || tableError.MatchString(err.Error())
}
