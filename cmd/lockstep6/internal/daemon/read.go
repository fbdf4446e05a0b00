package daemon

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
)

// ReadText reads a configuration file as it is.
func ReadText(file string) ([]byte, error) {
	data, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	return data, nil
}

// maxConfig is how long a configuration may be, in octets: a hundred thousand reservations fit.
const maxConfig = 64 << 20

func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(f, file)
}

// readAgain is readBounded while the node runs. A pipe or a device, which may never end, is refused; and whoever asked may go while
// a file system doesn't answer.
func readAgain(ctx context.Context, file string) ([]byte, error) {
	done := make(chan struct{})
	var read []byte
	var failed error
	go func() {
		defer close(done)
		read, failed = readRegular(file)
	}()
	select {
	case <-done:
		return read, failed
	case <-ctx.Done():
		return nil, fmt.Errorf("%s isn't read yet: %w", file, ctx.Err())
	}
}

func readRegular(file string) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe isn't waited for
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if about, err := f.Stat(); err != nil {
		return nil, err
	} else if !about.Mode().IsRegular() {
		return nil, fmt.Errorf("%s isn't a regular file; write the configuration into one", file)
	}
	return bounded(f, file)
}

func bounded(f *os.File, file string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(data) > maxConfig {
		err = fmt.Errorf("%s is longer than %d MiB", file, maxConfig>>20)
	}
	return data, err
}
