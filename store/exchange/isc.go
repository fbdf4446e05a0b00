package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

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
	err = i.body(func(t token) (err error) {
		switch {
		case t.is("cltt"):
			i.cltt, _, err = i.date()
		case t.is("iaaddr"), t.is("iaprefix"):
			err = i.lease(t.is("iaprefix"))
		default:
			err = i.statement()
		}
		return err
	})
	if err != nil {
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
		if l.Expires == 0 {
			l.Expires = l.Last.Add(l.Valid)
		}
		only = append(only, l.Key)
	}
	if n := len(i.block); n > 0 && len(i.faults) == 0 {
		i.block[n-1].Only = only
	}
}

// lease reads a block in a block.
func (i *isc) lease(prefix bool) error {
	line, faults := i.tokens.line, len(i.faults)
	name, _, err := i.word()
	if err != nil {
		return err
	}
	l := Lease{Kind: i.kind, IAID: i.iaid, DUID: i.duid, State: binding.Released, File: i.tokens.name, Line: line}
	if err := i.body(func(t token) error { return i.property(&l, string(t.octets)) }); err != nil {
		return err
	}
	if prefix != (i.kind == wire.IAPD) {
		i.note(Malformed, line, "%.60q is in an IA of the other kind", name)
	} else if l.Key, err = i.named(name); err != nil {
		i.note(Malformed, line, "%v", err)
	} else if len(i.block) == maxBlock {
		i.note(Malformed, line, "an IA has more than %d leases", maxBlock)
	}
	if len(i.faults) == faults {
		i.block = append(i.block, l)
	}
	return nil
}

// named reads an address, or a prefix with its length.
func (i *isc) named(name string) (k binding.Key, err error) {
	length := uint64(128)
	if i.kind == wire.IAPD {
		address, bits, _ := strings.Cut(name, "/")
		if length, err = strconv.ParseUint(bits, 10, 8); err != nil {
			return k, fmt.Errorf("%.60q isn't a prefix", name)
		}
		name = address
	}
	return keyOf(name, length, i.kind)
}

// property reads a statement within a lease.
func (i *isc) property(l *Lease, what string) error {
	switch what {
	case "ends":
		unix, never, err := i.date()
		l.Expires = ends(unix, never)
		return err
	case "binding", "preferred-life", "max-life", "set":
	default:
		return i.statement()
	}
	words, err := i.words()
	if err != nil {
		return err
	}
	switch {
	case what == "binding" && len(words) == 2:
		l.State = iscState(words[1])
	case what == "set" && len(words) == 3:
		variable(l, words[0], words[2])
	case what == "preferred-life" && len(words) == 1:
		l.Preferred = i.lifetime(words[0])
	case what == "max-life" && len(words) == 1:
		l.Valid = i.lifetime(words[0])
	}
	return nil
}

// iscState is what dhcpd calls a binding's state. What is neither in use nor kept away is over.
func iscState(word string) binding.State {
	switch word {
	case "active":
		return binding.Bound
	case "abandoned":
		return binding.Declined
	}
	return binding.Released
}

// variable reads what dhcpd keeps of a name that it put into DNS.
func variable(l *Lease, name, value string) {
	value = strings.TrimSuffix(value, ".")
	switch name {
	case "ddns-fwd-name":
		l.Name, l.Forward = value, true
	case "ddns-client-fqdn":
		if l.Name == "" {
			l.Name = value
		}
	case "ddns-rev-name":
		l.Reverse = true
	}
}

func (i *isc) lifetime(text string) uint32 {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		i.note(Malformed, i.tokens.line, "%.60q isn't a lifetime in seconds", text)
	}
	return uint32(n)
}

// date reads a moment: the day of the week, date and time in UTC; epoch and seconds; or never.
func (i *isc) date() (unix int64, never bool, err error) {
	words, err := i.words()
	switch {
	case err != nil:
		return 0, false, err
	case len(words) == 1 && words[0] == "never":
		return 0, true, nil
	case len(words) == 2 && words[0] == "epoch":
		if unix, err = strconv.ParseInt(words[1], 10, 64); err == nil {
			return unix, false, nil
		}
	case len(words) >= 3:
		if at, err := time.Parse("2006/1/2 15:4:5", words[1]+" "+words[2]); err == nil {
			return at.Unix() - offset(words[3:]), false, nil
		}
	}
	i.note(Malformed, i.tokens.line, "%.60q isn't a time as dhcpd writes it", words)
	return 0, false, nil
}

// offset is a time zone's, such as -0500, in seconds; old files may have one.
func offset(words []string) int64 {
	if len(words) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(words[0], 10, 32)
	if err != nil {
		return 0
	}
	return n/100*3600 + n%100*60
}
