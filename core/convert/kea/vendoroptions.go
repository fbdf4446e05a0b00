package kea

import (
	"encoding/binary"
	"fmt"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// legacyVendor is option 17, with an enterprise number and the options of the one space for all vendors.
func (o *optionWriter) legacyVendor(d *datum) {
	if len(d.data) < 4 {
		o.t.lost(o.out, d.field, d.name(), "it has no enterprise number")
		return
	}
	number := binary.BigEndian.Uint32(d.data)
	before := len(o.numbers)
	for _, sub := range o.all {
		if sub.space == "vendor-opts-space" {
			o.suboption(number, sub)
		}
	}
	o.unasked(d)
	if len(o.numbers) == before && !o.hasVendor(number) {
		o.t.lost(o.out, d.field, d.name(), fmt.Sprintf("it has no options of enterprise %d beside it, and isn't sent without", number))
	}
}

func (o *optionWriter) hasVendor(number uint32) bool {
	for _, d := range o.all {
		if n, ok := vendorOf(d.space); ok && n == number {
			return true
		}
	}
	return false
}

// vendors writes the options of vendors' spaces.
func (o *optionWriter) vendors() {
	for _, d := range o.all {
		if number, ok := vendorOf(d.space); ok {
			o.suboption(number, d)
			o.unasked(d)
		}
	}
	if len(o.numbers) == 0 {
		return
	}
	list := o.out.List("vendor-options")
	for _, number := range o.numbers {
		entry := list.Append(draft.Map())
		entry.Set("enterprise", draft.Number(number))
		entry.Set("options", o.table(o.vendor[number], true))
	}
	o.t.vendorNote(o.out, o.all[0].at)
}

// unasked notes vendors' options that are sent unasked: all of them go together.
func (o *optionWriter) unasked(d *datum) {
	if d.always {
		o.always = append(o.always, draft.Text("vendor-options"))
	}
}

func (o *optionWriter) suboption(number uint32, d *datum) {
	o.used[d] = true
	if d.never {
		o.t.lost(o.out, d.field, d.name(), "never-send of a single vendor option")
		return
	}
	if o.vendor == nil {
		o.vendor = make(map[uint32][]*datum)
	}
	if o.vendor[number] == nil {
		o.numbers = append(o.numbers, number)
	}
	o.vendor[number] = append(o.vendor[number], d)
}
