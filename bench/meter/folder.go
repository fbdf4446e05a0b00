package meter

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// FolderSize adds up the files of a folder, in octets. Files that go meanwhile don't count.
func FolderSize(folder string) (sum int64, err error) {
	return SizeOf(folder, func(string) bool { return true })
}

// SizeOf adds up those files of a folder whose names, without the folders', pass. Files that go meanwhile don't count.
func SizeOf(folder string, pass func(name string) bool) (sum int64, err error) {
	err = eachFile(folder, func(name string) error {
		if !pass(filepath.Base(name)) {
			return nil
		}
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err == nil:
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// Forget drops a folder's files from the kernel's cache, so that the next reader meets the disk.
func Forget(folder string) error {
	return eachFile(folder, func(name string) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := f.Sync(); err != nil {
			return err
		}
		return os.NewSyscallError("fadvise", unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
	})
}

func eachFile(folder string, do func(name string) error) error {
	return filepath.WalkDir(folder, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return do(name)
	})
}
