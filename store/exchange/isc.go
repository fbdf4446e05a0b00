package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// maxBlock is the most leases of one IA that are read.
const maxBlock = 1024

// errWritten says that the file ends where more must come, as that of a server that was killed while it wrote.
var errWritten = errors.New("the file ends within a statement")

// isc reads dhcpd6.leases: a block for each change of an identity association, of which the last one stands whole. The association is
// named by its IAID, 4 octets in the byte order of the machine that wrote the file, and the client's DUID.
type isc struct {
	tokens *tokens
	order  binary.ByteOrder
	kind   wire.Kind
	iaid   uint32
	cltt   int64
	duid   []byte
	block  []Lease  // what the present block still has
	faults []*Fault // and what was wrong with it
}

// NewISC reads dhcpd's dhcpd6.leases. Name stands in faults. BigEndian is the byte order of a file that doesn't tell it.
func NewISC(r io.Reader, name string, bigEndian bool) Reader {
	i := &isc{tokens: newTokens(r, name), order: binary.LittleEndian}
	if bigEndian {
		i.order = binary.BigEndian
	}
	return i
}

// Next implements Reader.
func (i *isc) Next(l *Lease) error {
	for len(i.block) == 0 && len(i.faults) == 0 {
		t, err := i.tokens.next()
		if err == nil && t.kind == tokenEnd {
			return io.EOF
		}
		if err == nil {
			err = i.top(t)
		}
		switch {
		case err == nil:
		case errors.Is(err, errWritten), errors.Is(err, io.ErrUnexpectedEOF):
			i.note(Malformed, i.tokens.line, "%v", err) // nothing comes behind it
		case errors.Is(err, errToken):
			i.note(Malformed, i.tokens.line, "%v; the rest of its statement isn't read", err)
		default:
			return err
		}
	}
	if len(i.faults) > 0 {
		f := i.faults[0]
		i.faults = i.faults[1:]
		return f
	}
	*l = i.block[0]
	i.block = i.block[1:]
	return nil
}

// note notes what is wrong with the present statement, whose rest is read all the same.
func (i *isc) note(reason Reason, line int, format string, args ...any) {
	i.faults = append(i.faults, &Fault{reason, i.tokens.name, line, fmt.Sprintf(format, args...)})
}

// top reads a statement that begins with a token.
func (i *isc) top(t token) error {
	switch {
	case t.punct('}'), t.punct(';'):
		return nil
	case t.is("authoring-byte-order"):
		return i.byteOrder()
	case t.is("ia-na"):
		return i.ia(wire.IANA)
	case t.is("ia-pd"):
		return i.ia(wire.IAPD)
	case t.is("ia-ta"):
		i.note(NotRepresentable, i.tokens.line, "a temporary address (IA_TA), which isn't served")
	}
	return i.statement()
}

// statement passes over the rest of a statement: up to its semicolon, or the end of its block.
func (i *isc) statement() error {
	for depth := 0; ; {
		t, err := i.tokens.next()
		switch {
		case err != nil:
			return err
		case t.kind == tokenEnd:
			return errWritten
		case t.punct('{'):
			depth++
		case t.punct('}'):
			if depth--; depth <= 0 {
				return nil
			}
		case t.punct(';') && depth == 0:
			return nil
		}
	}
}

// word reads the statement's next word or text; empty at its end, which it doesn't pass over.
func (i *isc) word() (string, bool, error) {
	t, err := i.tokens.next()
	switch {
	case err != nil:
		return "", false, err
	case t.kind == tokenEnd:
		return "", false, errWritten
	case t.kind == tokenPunct && !t.punct('='):
		return "", false, nil
	}
	return string(t.octets), true, nil
}

// words reads the statement's words up to its semicolon.
func (i *isc) words() (all []string, err error) {
	for {
		w, ok, err := i.word()
		if err != nil || !ok {
			return all, err
		}
		if len(all) < 8 {
			all = append(all, w)
		}
	}
}

func (i *isc) byteOrder() error {
	words, err := i.words()
	switch {
	case err != nil:
		return err
	case len(words) == 1 && words[0] == "little-endian":
		i.order = binary.LittleEndian
	case len(words) == 1 && words[0] == "big-endian":
		i.order = binary.BigEndian
	default:
		i.note(Malformed, i.tokens.line, "authoring-byte-order is %.60q, neither little-endian nor big-endian", words)
	}
	return nil
}

// ia reads a block. A lease of it that can't be read costs that lease; a block that has no name or time, all of it.
func (i *isc) ia(kind wire.Kind) error {
	line := i.tokens.line
	t, err := i.tokens.next()
	if err != nil {
		return err
	}
	if t.kind != tokenText || len(t.octets) < 4 || checkDUID(t.octets[4:]) != nil {
		i.note(Malformed, line, "the name of an IA isn't its IAID and a client's DUID")
		return i.statement()
	}
	i.kind, i.iaid, i.cltt = kind, i.order.Uint32(t.octets), 0
	i.duid = append([]byte(nil), t.octets[4:]...) // blocks are handed out as they are
	i.block = nil
	timeless := false
	err = i.body(func(t token) (err error) {
		switch {
		case t.is("cltt"):
			faults := len(i.faults)
			i.cltt, _, err = i.date()
			timeless = len(i.faults) > faults
		case t.is("iaaddr"), t.is("iaprefix"):
			err = i.lease(t.is("iaprefix"))
		default:
			err = i.statement()
		}
		return err
	})
	if err != nil || timeless {
		i.block = nil
		return err
	}
	i.finish()
	return nil
}

// body reads the statements of a block in braces.
func (i *isc) body(statement func(first token) error) error {
	t, err := i.tokens.next()
	if err != nil {
		return err
	}
	if !t.punct('{') {
		i.note(Malformed, i.tokens.line, "%.60q stands where a block begins", t.octets)
		return i.statement()
	}
	for {
		t, err := i.tokens.next()
		switch {
		case err != nil:
			return err
		case t.kind == tokenEnd:
			return errWritten
		case t.punct('}'):
			return nil
		case t.punct(';'):
			continue
		}
		if err := statement(t); err != nil {
			return err
		}
	}
}

// finish completes the leases of a block: the association's time stands before them or behind them. What the block doesn't have is over,
// unless something of it couldn't be read.
func (i *isc) finish() {
	only := make([]binding.Key, 0, len(i.block))
	for at := range i.block {
		l := &i.block[at]
		l.Last = binding.TimeOf(i.cltt)
		if l.State == binding.Released {
			l.Expires = l.Last
		}
		if most := l.Last.Add(l.Valid); l.Expires == 0 || l.State == binding.Bound && l.Expires != binding.Never && l.Expires > most {
			l.Expires = most // longer its client can't have it
		}
		only = append(only, l.Key)
	}
	if n := len(i.block); n > 0 && len(i.faults) == 0 {
		i.block[n-1].Only = only
	}
}
