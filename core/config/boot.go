package config

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Bounds of boot files, so that what they cost per message, and take of a reply, is bounded.
const (
	MaxBootFiles = 64   // entries of one list
	MaxBootFile  = 2048 // octets of one entry's options
)

// A BootList is what one part of the file says of boot files. One without files ends the search: nothing is inherited.
type BootList struct{ Files []BootFile }

// A BootFile is the boot file of the clients that meet all that it asks for (RFC 5970).
type BootFile struct {
	Architectures []uint16     // the client lists one of these; empty: everybody else
	UserClasses   [][]byte     // and has one of these items in its User Class; empty: whatever it has
	VendorClass   *VendorClass // and a Vendor Class that begins so, which it is answered; nil: whatever it has
	Always        bool         // sent though the client didn't ask
	URL           []byte       // the whole option 59
	Parameters    []byte       // the whole option 60; nil: none
}

// A VendorClass is the begin of a Vendor Class's first data item (RFC 9915, Section 21.16).
type VendorClass struct {
	Enterprise uint32
	Data       []byte
}

// intel is the enterprise number in the Vendor Class options of UEFI and PXE clients.
const intel = 343

// bootLists are the boot files of a part of the file and of what it inherits, its own first.
func (c *checker) bootLists(raw []rawBoot, options *rawOptions, inherited []BootList) []BootList {
	plain, isPlain := c.plainBootFile(options)
	switch {
	case raw == nil && isPlain:
		return nil // what options says here comes before what boot says further up
	case raw == nil:
		return inherited
	case isPlain:
		c.fail(plain, "the boot file is set by boot here as well", "make it an entry of boot without architecture, for everybody else")
	}
	own := c.bootList(raw)
	if len(own.Files) == 0 {
		return []BootList{own}
	}
	return append([]BootList{own}, inherited...)
}

// plainBootFile is where a part's options set the boot file.
func (c *checker) plainBootFile(raw *rawOptions) (place, bool) {
	if raw == nil {
		return place{}, false
	}
	for i := range raw.named {
		if spec, _ := c.specOf(raw.named[i].name); spec != nil && spec.code == wire.OptionBootFileURL {
			return raw.named[i].at, true
		}
	}
	for i := range raw.Custom {
		if raw.Custom[i].Code.value == uint64(wire.OptionBootFileURL) {
			return raw.Custom[i].At, true
		}
	}
	return place{}, false
}

func (c *checker) bootList(raw []rawBoot) (list BootList) {
	if len(raw) > MaxBootFiles {
		c.fail(raw[0].At, fmt.Sprintf("is the first of %d entries", len(raw)), fmt.Sprintf("up to %d can be", MaxBootFiles))
		return list
	}
	lines := make(map[string]int)
	for i := range raw {
		r := &raw[i]
		if !r.At.given() {
			continue
		}
		before := len(c.errors)
		f := BootFile{Always: r.Always.value, UserClasses: values(&r.UserClass), URL: c.bootURL(&r.URL)}
		for k := range r.Architecture.list {
			a := &r.Architecture.list[k]
			if !a.ok {
				continue
			}
			if slices.Contains(f.Architectures, a.value) {
				c.fail(a.place, fmt.Sprintf("architecture %d stands here twice", a.value), "keep one of the two")
			}
			f.Architectures = append(f.Architectures, a.value)
		}
		if v := &r.VendorClass; v.given {
			f.VendorClass = &VendorClass{uint32(v.enterprise.or(intel)), v.data.value}
		}
		f.Parameters = c.bootParameters(&r.Params)
		if n := len(f.URL) + len(f.Parameters); n > MaxBootFile {
			c.fail(r.At, fmt.Sprintf("its options take %d octets", n), fmt.Sprintf("a reply has room for %d", MaxBootFile))
		}
		if len(c.errors) == before && len(f.Architectures) == len(r.Architecture.list) {
			c.bootTwice(&f, r.At, lines)
		}
		list.Files = append(list.Files, f)
	}
	return list
}

// bootTwice finds what is asked for by an earlier entry already, so that this one never counts.
func (c *checker) bootTwice(f *BootFile, at place, lines map[string]int) {
	codes := f.Architectures
	users := f.UserClasses
	if len(codes) == 0 {
		codes = []uint16{0}
	}
	if len(users) == 0 {
		users = [][]byte{nil}
	}
	vendor := ""
	if f.VendorClass != nil {
		vendor = fmt.Sprintf("%d %x", f.VendorClass.Enterprise, f.VendorClass.Data)
	}
	told := false
	for _, code := range codes {
		for _, user := range users {
			key := fmt.Sprintf("%t %d %x %s", len(f.Architectures) > 0, code, user, vendor)
			line, twice := lines[key]
			if !twice {
				lines[key] = at.line
			} else if !told {
				c.fail(at, fmt.Sprintf("asks for what the entry in line %d asks for", line), "keep one of the two")
				told = true
			}
		}
	}
}

func (c *checker) bootURL(t *text) []byte {
	if !t.ok {
		return nil
	}
	c.checkURL(t, wire.OptionBootFileURL, "")
	return appendOption(nil, wire.OptionBootFileURL, []byte(t.value))
}

// bootParameters is option 60: each parameter behind its length in two octets (RFC 5970, Section 3.2).
func (c *checker) bootParameters(raw *texts) []byte {
	if len(raw.list) == 0 {
		if raw.given {
			c.fail(raw.place, "is an empty list", "write a parameter, or leave it out")
		}
		return nil
	}
	var data []byte
	for i := range raw.list {
		p := raw.list[i].value
		data = append(binary.BigEndian.AppendUint16(data, uint16(len(p))), p...)
	}
	return appendOption(nil, wire.OptionBootFileParameters, data)
}
