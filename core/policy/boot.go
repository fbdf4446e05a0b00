package policy

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// Bounds of what is looked at in a message, so that a hostile one costs no more than a long honest one.
const (
	maxArchitectures = 64 // types that a client lists
	maxItems         = 64 // items of a User Class
	maxClasses       = 8  // Vendor Class options
)

// A bootList is config.BootList with its conditions compiled. Files are counted in sets of bits, in the file's order.
type bootList struct {
	files          []bootFile
	users          uint64            // those that ask for a User Class
	anybody        uint64            // those that ask for no architecture
	byArchitecture map[uint16]uint64 // those that ask for one
}

// A bootFile is what a client is told that it is for.
type bootFile struct {
	*config.BootFile
	echo []byte // the whole Vendor Class option that it is answered; nil: none
}

// bootLists compiles the boot files of a part of the file and of what it inherits.
func bootLists(from []config.BootList) (lists []bootList) {
	for i := range from {
		l := bootList{byArchitecture: make(map[uint16]uint64)}
		for k := range from[i].Files {
			f := bootFile{BootFile: &from[i].Files[k]}
			if v := f.VendorClass; v != nil {
				data := binary.BigEndian.AppendUint32(nil, v.Enterprise)
				data = binary.BigEndian.AppendUint16(data, uint16(len(v.Data)))
				f.echo = wire.AppendOption(nil, wire.OptionVendorClass, append(data, v.Data...))
			}
			bit := uint64(1) << k
			if len(f.UserClasses) > 0 {
				l.users |= bit
			}
			if len(f.Architectures) == 0 {
				l.anybody |= bit
			}
			for _, a := range f.Architectures {
				l.byArchitecture[a] |= bit
			}
			l.files = append(l.files, f)
		}
		lists = append(lists, l)
	}
	return lists
}

// choose takes the file that is for the client; nil: none is. Those come first that ask for its User Class. Of its architectures,
// in its order, the first one that a file is for decides, else a file for everybody.
func (l *bootList) choose(m *wire.Message) *bootFile {
	fit := l.fitting(m)
	for _, among := range [...]uint64{fit & l.users, fit &^ l.users} {
		if among == 0 {
			continue
		}
		types := architecturesOf(m)
		for ; len(types) > 0; types = types[2:] {
			if at := among & l.byArchitecture[binary.BigEndian.Uint16(types)]; at != 0 {
				return &l.files[bits.TrailingZeros64(at)]
			}
		}
		if at := among & l.anybody; at != 0 {
			return &l.files[bits.TrailingZeros64(at)]
		}
	}
	return nil
}

// fitting are the files whose User Class and Vendor Class the client has, whatever its architecture.
func (l *bootList) fitting(m *wire.Message) (set uint64) {
	for i := range l.files {
		f := &l.files[i]
		if len(f.UserClasses) > 0 && !hasUserClass(m, f.UserClasses) || f.VendorClass != nil && !hasVendorClass(m, f.VendorClass) {
			continue
		}
		set |= 1 << i
	}
	return set
}

// architecturesOf are the types that a client lists (RFC 5970, Section 3.3), of two octets each. An odd octet at the end says nothing.
func architecturesOf(m *wire.Message) []byte {
	types, _ := m.Options.Find(wire.OptionClientArchitecture)
	return types[:min(len(types)&^1, 2*maxArchitectures)]
}

// hasUserClass tells whether an item of the client's User Class is one of these. What isn't an item ends the search.
func hasUserClass(m *wire.Message, any [][]byte) bool {
	items, _ := m.Options.Find(wire.OptionUserClass)
	for n := 0; len(items) >= 2 && n < maxItems; n++ {
		end := 2 + int(binary.BigEndian.Uint16(items))
		if len(items) < end {
			return false
		}
		for _, value := range any {
			if bytes.Equal(items[2:end], value) {
				return true
			}
		}
		items = items[end:]
	}
	return false
}

// hasVendorClass tells whether the first item of a Vendor Class of the client begins so.
func hasVendorClass(m *wire.Message, v *config.VendorClass) bool {
	seen := 0
	for code, data, rest, ok := m.Options.Next(); ok && seen < maxClasses; code, data, rest, ok = rest.Next() {
		if code != wire.OptionVendorClass {
			continue
		}
		seen++
		if len(data) < 6 || binary.BigEndian.Uint32(data) != v.Enterprise {
			continue
		}
		if item := data[6:]; int(binary.BigEndian.Uint16(data[4:])) <= len(item) && bytes.HasPrefix(item[:binary.BigEndian.Uint16(data[4:])], v.Data) {
			return true
		}
	}
	return false
}

// bootFile is the boot file for the client of a message; nil: plain options say what it is, or there is none. The first layer decides
// that has one for it.
func (l Layers) bootFile(m *wire.Message) *bootFile {
	for _, o := range l {
		for i := range o.boot {
			if len(o.boot[i].files) == 0 {
				return nil // what is inherited isn't sent
			}
			if f := o.boot[i].choose(m); f != nil {
				return f
			}
		}
		if i := o.index(wire.OptionBootFileURL); i >= 0 && !o.list[i].withheld {
			return nil
		}
	}
	return nil
}

// boots tells whether options of that code are left to boot files, also for a client that none of them is for.
func (l Layers) boots(code wire.OptionCode) bool {
	if code != wire.OptionBootFileURL && code != wire.OptionBootFileParameters {
		return false
	}
	return slices.ContainsFunc(l, func(o *Options) bool { return len(o.boot) > 0 })
}

// replaces tells whether the boot file says itself what plain options of that code would.
func (f *bootFile) replaces(code wire.OptionCode) bool {
	switch code {
	case wire.OptionBootFileURL, wire.OptionBootFileParameters:
		return true
	case wire.OptionClientArchitecture:
		return len(f.Architectures) > 0
	case wire.OptionVendorClass:
		return f.echo != nil
	default:
		return false
	}
}

// append appends the URL and the parameters, where they are asked for or sent always. Beside the URL stand the Vendor Class that the client
// waits for, and those of its architectures that the file is for, in its order (RFC 5970, Section 3.3).
func (f *bootFile) append(dst []byte, m *wire.Message, among Layers) []byte {
	if (f.Always || lists(m.ORO, wire.OptionBootFileURL)) && !among.withholds(wire.OptionBootFileURL) {
		dst = append(append(dst, f.echo...), f.URL...)
		dst = f.appendArchitectures(dst, m)
	}
	if (f.Always || lists(m.ORO, wire.OptionBootFileParameters)) && !among.withholds(wire.OptionBootFileParameters) {
		dst = append(dst, f.Parameters...)
	}
	return dst
}

func (f *bootFile) appendArchitectures(dst []byte, m *wire.Message) []byte {
	if len(f.Architectures) == 0 {
		return dst
	}
	var room [2 * maxArchitectures]byte
	types := room[:0]
	for asked := architecturesOf(m); len(asked) > 0; asked = asked[2:] {
		for _, a := range f.Architectures {
			if a == binary.BigEndian.Uint16(asked) {
				types = append(types, asked[:2]...)
			}
		}
	}
	return wire.AppendOption(dst, wire.OptionClientArchitecture, types)
}
