package binding

import "encoding/binary"

// ExtHistory is the last piece of a value that history is told of: the change begins a client's time with a lease, or ends one.
// Its data is the value of the record whose time it has ended, or nothing. It is there only while the change is on its way,
// never in memory; the store takes it off before the value becomes part of its base (see Bare).
const ExtHistory ExtensionKind = 255

// AppendNews is AppendPublished of a change that history is told of. Before is the record whose time it has ended; nil: none.
func AppendNews(dst []byte, r *Record, draft *Draft, before *Record) []byte {
	size := extensionHeader + before.valueLength()
	if draft.KeepExtension {
		pieces := r.pieces()
		dst = pieces.appendTo(appendFixed(dst, r, pieces.length()+size))
	} else {
		dst = append(appendFixed(dst, r, len(draft.Extension)+size), draft.Extension...)
	}
	return appendBefore(dst, before)
}

// AppendEnd is AppendRemoval of a lease whose last record history is told of.
func AppendEnd(dst []byte, version uint64, before *Record) []byte {
	key := before.Key()
	dst = binary.AppendUvarint(dst, uint64(removalSize+extensionHeader+before.valueLength()))
	return appendBefore(appendRemoved(dst, &key, version), before)
}

// appendBefore appends the piece for history.
func appendBefore(dst []byte, before *Record) []byte {
	n := before.valueLength()
	dst = append(dst, byte(ExtHistory), byte(n>>8), byte(n))
	if before == nil {
		return dst
	}
	return before.pieces().appendTo(appendHeader(dst, before))
}

// valueLength is how many octets the record's value takes in the store; 0 of none.
func (r *Record) valueLength() int {
	if r == nil {
		return 0
	}
	return valueHeader + int(r.duidLength) + r.pieces().length()
}

// Bare returns a value without its piece for history: a beginning of it, or all of it. What can't be read is returned whole.
func Bare(value []byte) []byte {
	start := valueHeader
	switch {
	case len(value) > removalSize && value[9] == removedState:
		start = removalSize
	case len(value) < valueHeader:
		return value
	default:
		start += int(value[37])
	}
	if start > len(value) {
		return value
	}
	rest, _, news, ok := splitNews(value[start:])
	if !ok || !news {
		return value
	}
	return value[:start+len(rest)]
}

// splitNews takes the piece for history off an extension. Not ok: it isn't a sequence of whole pieces, of which that one is
// the last, or too long for a record.
func splitNews(e Extension) (rest Extension, before []byte, news, ok bool) {
	for at := 0; at < len(e); {
		kind, data, after, whole := e[at:].Next()
		switch {
		case !whole || kind == extDUID:
			return nil, nil, false, false
		case kind == ExtHistory:
			return e[:at:at], data, true, len(after) == 0 && at <= MaxExtension
		}
		at = len(e) - len(after)
	}
	return e, nil, false, len(e) <= MaxExtension
}
