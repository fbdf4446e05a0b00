package wire

import "bytes"

// AppendVendorInformation appends Vendor-specific Information options (RFC 9915, Section 21.17) made of several layers, the uppermost
// first: layer(i) are whole options. An enterprise number gets one option, with the suboptions of all layers; of a
// suboption that several have the uppermost counts. What isn't long enough for an enterprise number is left out.
func AppendVendorInformation(dst []byte, layers int, layer func(int) []byte) []byte {
	for i := range layers {
		all := Options(layer(i))
		for _, data, rest, ok := all.Next(); ok; _, data, rest, ok = rest.Next() {
			if len(data) < 4 || begun(all[:len(all)-len(rest)], data) {
				continue
			}
			above := false
			for k := range i {
				above = above || instance(layer(k), data[:4]) != nil
			}
			if !above {
				dst = appendVendor(dst, data[:4], i, layers, layer)
			}
		}
	}
	return dst
}

// begun tells whether options that end with one of these data have another one of the enterprise before it.
func begun(upTo Options, data []byte) bool {
	first := instance(upTo, data[:4])
	return len(first) > 0 && &first[0] != &data[0]
}

// instance is the data of the first option of an enterprise; nil: there is none.
func instance(options Options, enterprise []byte) []byte {
	for _, data, rest, ok := options.Next(); ok; _, data, rest, ok = rest.Next() {
		if len(data) >= 4 && bytes.Equal(data[:4], enterprise) {
			return data
		}
	}
	return nil
}

// appendVendor appends the option of one enterprise, which none of the layers before from has.
func appendVendor(dst, enterprise []byte, from, layers int, layer func(int) []byte) []byte {
	dst, mark := OpenOption(dst, OptionVendorInformation)
	dst = append(dst, enterprise...)
	for i := from; i < layers; i++ {
		options := Options(layer(i))
		for _, data, rest, ok := options.Next(); ok; _, data, rest, ok = rest.Next() {
			if len(data) < 4 || !bytes.Equal(data[:4], enterprise) {
				continue
			}
			subs := Options(data[4:])
			for code, value, more, ok := subs.Next(); ok; code, value, more, ok = more.Next() {
				taken := false
				for k := from; k < i && !taken; k++ {
					taken = hasSuboption(layer(k), enterprise, code)
				}
				if !taken {
					dst = AppendOption(dst, code, value)
				}
			}
		}
	}
	return CloseOption(dst, mark)
}

func hasSuboption(options Options, enterprise []byte, code OptionCode) bool {
	for _, data, rest, ok := options.Next(); ok; _, data, rest, ok = rest.Next() {
		if len(data) < 4 || !bytes.Equal(data[:4], enterprise) {
			continue
		}
		if _, has := Options(data[4:]).Find(code); has {
			return true
		}
	}
	return false
}
