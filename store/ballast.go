package store

import (
	"errors"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The ballast is a file that only takes up room. When the disk is full, removing it gives Pebble what it needs to open
// again: a log, a manifest, and tables for what the log held. It is filled with noise, because a file system
// that compresses or punches holes would give back no room for zeros.
const (
	ballastFile  = "ballast"
	ballastTemp  = "ballast.new"
	ballastChunk = 1 << 20
)

// keepBallast makes the ballast if there is none and room enough. A failure costs the ballast only.
func (s *Store) keepBallast() {
	fs := s.o.FS
	name := fs.PathJoin(s.o.Path, ballastFile)
	if s.o.Ballast < 0 {
		return
	}
	if _, err := fs.Stat(name); err == nil || !notThere(err) {
		return
	}
	usage, err := fs.GetDiskUsage(s.o.Path)
	if err != nil {
		return
	}
	size := s.o.Ballast
	if size == 0 {
		size = min(ballastMost, int64(usage.TotalBytes/ballastShare))
	}
	if size == 0 || usage.AvailBytes < uint64(size)*ballastRoom {
		return
	}
	if err := s.writeBallast(name, size); err != nil {
		_ = fs.Remove(fs.PathJoin(s.o.Path, ballastTemp))
		if errors.Is(err, errClosed) {
			return
		}
		s.o.Logger.Warn("store: no ballast; a full disk will be harder to recover from", "id", "store-no-ballast", "error", err)
	}
}

func (s *Store) writeBallast(name string, size int64) error {
	temp := s.o.FS.PathJoin(s.o.Path, ballastTemp)
	if err := writeNoise(s.o.FS, temp, size, s.quit); err != nil {
		return err
	}
	return s.o.FS.Rename(temp, name)
}

// writeNoise makes a file of that many octets, and returns when it is on disk. It is given up when cancel is closed.
func writeNoise(fs vfs.FS, name string, size int64, cancel <-chan struct{}) error {
	file, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	chunk := make([]byte, ballastChunk)
	noise := rand.NewChaCha8([32]byte{})
	for size > 0 && err == nil {
		n := min(size, ballastChunk)
		_, _ = noise.Read(chunk[:n]) // never fails
		_, err = file.Write(chunk[:n])
		size -= n
		select {
		case <-cancel:
			err = errClosed
		default:
		}
	}
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// dropBallast gives its room back to the disk.
func (s *Store) dropBallast() {
	fs := s.o.FS
	_ = fs.Remove(fs.PathJoin(s.o.Path, ballastTemp))
	err := fs.Remove(fs.PathJoin(s.o.Path, ballastFile))
	if err != nil && !notThere(err) {
		s.o.Logger.Error("store: the ballast can't be removed", "id", "store-ballast-stuck", "error", err)
	} else if err == nil {
		s.o.Logger.Warn("store: disk full; the ballast is given up to recover", "id", "store-disk-full", "path", s.o.Path)
	}
}

// The probe is a file of the size of what Pebble writes when it opens, besides tables: a manifest, options, a log.
const (
	probeFile = "probe"
	probeSize = 1 << 20
)

// probe tells whether the disk takes what an opening writes besides tables. Where Pebble meets such a failure itself, it
// leaves goroutines behind that keep the whole instance, each time that the opening is tried again.
func (f *fuse) probe() error {
	name := f.PathJoin(f.dir, probeFile)
	err := writeNoise(f, name, probeSize, nil)
	if removed := f.Remove(name); err == nil {
		err = removed
	}
	if err == nil {
		err = f.write(f.dir, f.syncDir)
	}
	return err
}
