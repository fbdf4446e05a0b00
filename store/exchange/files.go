package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
)

// A Format is a server's.
type Format string

// The formats that are read.
const (
	Kea     Format = "kea"
	ISC     Format = "isc"
	Dnsmasq Format = "dnsmasq"
	Dibbler Format = "dibbler"
)

// Options say what a file doesn't.
type Options struct {
	// BigEndian says how to read a dhcpd6.leases that doesn't tell its byte order: one before dhcpd 4.3, or of a machine that isn't of
	// the common kind.
	BigEndian bool
}

// Files are a server's open lease files.
type Files struct {
	Reader
	Names []string // in the order in which they are read
	Total int64    // octets of all

	read atomic.Int64
	open []*os.File
}

// Open opens a server's lease files by the name of the main one. Kea's others, which its cleanup leaves, are found beside it.
func Open(format Format, name string, o Options) (*Files, error) {
	f := &Files{Names: []string{name}}
	if format == Kea {
		f.Names = keaFiles(name, exists)
	}
	for _, n := range f.Names {
		file, err := os.Open(n)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.open = append(f.open, file)
		info, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.Total += info.Size()
	}
	f.Reader = f.reader(format, o)
	return f, nil
}

func (f *Files) reader(format Format, o Options) Reader {
	if format == Kea {
		parts := make([]Reader, len(f.open))
		for i, file := range f.open {
			parts[i] = NewKea(f.counted(file), f.Names[i])
		}
		return &chain{parts}
	}
	r, name := f.counted(f.open[0]), f.Names[0]
	switch format {
	case ISC:
		return NewISC(r, name, o.BigEndian)
	case Dnsmasq:
		info, _ := f.open[0].Stat() // it was there a moment ago; without it a lease was heard when it was granted last
		heard := int64(0)
		if info != nil {
			heard = info.ModTime().Unix()
		}
		return NewDnsmasq(r, name, heard)
	default:
		return NewDibbler(r, name)
	}
}

// Read is how many octets were read of Total. Any goroutine may ask.
func (f *Files) Read() int64 { return f.read.Load() }

// Close closes the files.
func (f *Files) Close() (err error) {
	for _, file := range f.open {
		err = errors.Join(err, file.Close())
	}
	return err
}

func (f *Files) counted(r io.Reader) io.Reader { return &counter{r, &f.read} }

type counter struct {
	r    io.Reader
	read *atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.read.Add(int64(n))
	return n, err
}

func exists(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// A chain reads one after the other.
type chain struct{ rest []Reader }

// Next implements Reader.
func (c *chain) Next(l *Lease) error {
	for len(c.rest) > 0 {
		if err := c.rest[0].Next(l); !errors.Is(err, io.EOF) {
			return err
		}
		c.rest = c.rest[1:]
	}
	return io.EOF
}

// byteOrderMark is what some editors put before a text.
const byteOrderMark = "\ufeff"

// lines reads lines of bounded length, without their ends.
type lines struct {
	r      *bufio.Reader
	name   string
	number int // of the line that next returned
	long   []byte
}

func newLines(r io.Reader, name string) *lines {
	return &lines{r: bufio.NewReaderSize(r, 64<<10), name: name}
}

// next returns a line, which is good until the next call. The error is io.EOF behind the last one, and errLong for a line that is
// too long, which is passed over.
func (l *lines) next() ([]byte, error) {
	l.number++
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.more(line)
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	if l.number == 1 {
		line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	}
	return bytes.TrimRight(line, "\r\n"), err
}

// more is the rest of a line that is longer than the buffer.
func (l *lines) more(line []byte) ([]byte, error) {
	l.long = append(l.long[:0], line...)
	err := bufio.ErrBufferFull
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.r.ReadSlice('\n')
		if len(l.long) <= maxLine {
			l.long = append(l.long, line...)
		}
	}
	if len(l.long) > maxLine && (err == nil || errors.Is(err, io.EOF)) {
		return nil, errLong
	}
	return l.long, err
}

// fault is a Fault at the present line.
func (l *lines) fault(reason Reason, err error) *Fault {
	return &Fault{Reason: reason, File: l.name, Line: l.number, Text: err.Error()}
}

// beside is a file in the same folder.
func beside(name, other string) string { return filepath.Join(filepath.Dir(name), other) }
