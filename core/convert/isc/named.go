package isc

import (
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// cableLabs are the suboptions of enterprise 4491 that have names here, with their codes and formats.
var cableLabs = map[string]option{
	"device-type": {code: 2, format: "t"}, "vendor-type": {code: 10, format: "t"}, "tftp-servers": {code: 32, format: "6A"},
	"config-file": {code: 33, format: "t"}, "syslog-servers": {code: 34, format: "6A"}, "device-id": {code: 36, format: "X"},
	"time-servers": {code: 37, format: "6A"}, "time-offset": {code: 38, format: "l"},
}

// nameOf is the name that an option which the file defines has in our configuration, by option-definitions that are written for it where
// they aren't yet; "": it has none. Those are named that have a code of DHCPv6 that IANA hasn't given away, and vendors' suboptions.
func (t *translator) nameOf(o *option) string {
	if o == nil {
		return ""
	}
	if name, ok := t.optionNames[o]; ok {
		return name
	}
	t.optionNames[o] = ""
	types, array, ok := o.shape()
	enterprise := o.vendor()
	name := optionName(o.name)
	if known, is := cableLabs[name]; is && enterprise == 4491 && known.code == o.code && known.format == o.format {
		t.optionNames[o] = name
		return name
	}
	if !ok || !o.defined || o.code > 65535 || enterprise < 0 && (o.space.name != "dhcp6" || o.code < 256) || t.twoCalled(o, name) {
		return ""
	}
	t.optionNames[o] = name
	entry := t.d.Root().List("option-definitions").Append(draft.Map())
	entry.Set("name", draft.Text(name))
	entry.Set("code", draft.Number(o.code))
	if enterprise >= 0 {
		entry.Set("enterprise", draft.Number(enterprise))
	}
	setType(entry, types, array)
	if in := t.spaceIn(o); in != nil {
		t.putInner(entry, in)
	}
	return name
}

// twoCalled tells whether another option of the space has the name already.
func (t *translator) twoCalled(o *option, name string) bool {
	for other, has := range t.optionNames {
		if other != o && other.space == o.space && has == name {
			return true
		}
	}
	return false
}

// putInner names what stands in an option.
func (t *translator) putInner(entry *draft.Node, in *space) {
	var all []*option
	for _, o := range in.names {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *option) int { return int(a.code) - int(b.code) })
	for _, o := range all {
		types, array, ok := o.shape()
		name := optionName(o.name)
		if !ok || o.code > 65535 || t.twoCalled(o, name) {
			continue
		}
		t.optionNames[o] = name
		sub := entry.List("suboptions").Append(draft.Map())
		sub.Set("name", draft.Text(name))
		sub.Set("code", draft.Number(o.code))
		setType(sub, types, array)
	}
}

// vendor is the enterprise number that an option is a suboption of, in a space whose codes and lengths have two octets; -1: it is of none.
func (o *option) vendor() int64 {
	parents := o.carriers()
	if len(parents) != 1 || parents[0].space.name != "vsio" || !o.space.wide() {
		return -1
	}
	return int64(parents[0].code)
}

// wide tells whether codes and lengths have the two octets that they have in DHCPv6.
func (s *space) wide() bool { return s.codes == 2 && s.length == 2 }

// spaceIn is the space whose options are an option's data; nil: its data is something else.
func (t *translator) spaceIn(o *option) *space {
	name, ok := strings.CutPrefix(o.format, "E")
	if in := t.spaces[strings.TrimSuffix(name, ".")]; ok && in != nil && in.wide() {
		return in
	}
	return nil
}

// optionName is a name as option-definitions takes it.
func optionName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, name)
	if name == "" || name[0] < 'a' || slices.Contains([]string{"custom", "always", "never", "withhold"}, name) {
		return "option-" + name
	}
	return name
}
