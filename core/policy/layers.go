package policy

import (
	"slices"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Layers are sets of options over each other, the uppermost first: of an option that several have the first one counts, and where
// one below it is sent always so is that one. Of boot files the first one counts that is for the client (see bootFile).
type Layers []*Options

// Append is Options.Append for all layers together.
func (l Layers) Append(dst []byte, m *wire.Message) []byte {
	if len(l) == 1 && len(l[0].boot) == 0 {
		return l[0].Append(dst, m)
	}
	if !asks(m.Type) {
		return dst
	}
	file := l.bootFile(m)
	for at, o := range l {
		asked := o.asked(m.ORO)
		for i := range o.list {
			opt := &o.list[i]
			if l[:at].Has(opt.code) || asked[i/64]>>(i%64)&1 == 0 && !l[at:].always(opt.code) {
				continue
			}
			// RFC 9915, Section 21.23: only used in Reply messages in response to Information-request.
			if opt.stateless && m.Type != wire.InformationRequest {
				continue
			}
			if file != nil && file.replaces(opt.code) || l[at+1:].withholds(opt.code) {
				continue
			}
			if opt.code == wire.OptionVendorInformation {
				dst = l[at:].appendVendor(dst)
				continue
			}
			dst = opt.append(dst, m)
		}
	}
	if file != nil {
		dst = file.append(dst, m, l)
	}
	return dst
}

// appendVendor appends the vendor's suboptions of all layers, down to one that takes back what it inherits.
func (l Layers) appendVendor(dst []byte) []byte {
	of := func(i int) []byte {
		if at := l[i].index(wire.OptionVendorInformation); at >= 0 {
			return l[i].list[at].encoded
		}
		return nil
	}
	if end := slices.IndexFunc(l, func(o *Options) bool {
		at := o.index(wire.OptionVendorInformation)
		return at >= 0 && len(o.list[at].encoded) == 0
	}); end >= 0 {
		l = l[:end]
	}
	return wire.AppendVendorInformation(dst, len(l), of)
}

// withholds tells whether any layer has the option sent to nobody.
func (l Layers) withholds(code wire.OptionCode) bool {
	for _, o := range l {
		if o.withholds {
			if i := o.index(code); i >= 0 && o.list[i].withheld {
				return true
			}
		}
	}
	return false
}

// Has tells whether any layer has an option of that code.
func (l Layers) Has(code wire.OptionCode) bool {
	for _, o := range l {
		if o.Has(code) {
			return true
		}
	}
	return false
}

// always tells whether any layer sends its option of that code without being asked.
func (l Layers) always(code wire.OptionCode) bool {
	for _, o := range l {
		if i := o.index(code); i >= 0 && o.list[i].always {
			return true
		}
	}
	return false
}
