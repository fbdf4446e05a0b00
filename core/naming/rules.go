package naming

// Rules are how the clients of a link are named. They are immutable.
type Rules struct {
	Updates    bool     // the servers keep DNS; else every answer says that they don't
	Domain     Name     // completes a partial name, and takes in a whole one that lies elsewhere; nil: such names aren't used
	Zones      []Name   // forward zones that are kept; whole names may lie in them, and only there an AAAA record is kept
	Ignore     bool     // what clients call themselves doesn't count
	Generate   Generate // when a name is made from the lease's address
	Prefix     []byte   // the beginning of such names, lower case; a hyphen and the address follow
	AllowOwn   bool     // a client may keep its AAAA record itself: S isn't set against its will
	AllowNone  bool     // a client may want nothing in DNS
	Substitute []byte   // stands for each octet that hosts' names don't have; empty: such octets are left out
	Refused    [][]byte // first labels that no client may have, lower case
}

// Generate says when a name is made from the lease's address.
type Generate uint8

// The cases.
const (
	GenerateNever   Generate = iota
	GenerateMissing          // where the client has no name that can be used
	GenerateAlways           // for every client
	GenerateSent             // for every client that sent a name
)

// MaxKept is the most octets that Append appends.
const MaxKept = 1 + MaxName

// Append appends what is kept of the client's name with a lease at addr, and told to it (RFC 4704, Section 6). Sent is its Client
// FQDN option's data, nil where it sent none; reserved is the name that the configuration gives it, nil for none. Of no name, and
// of one that would be too long, nothing is appended.
func (r *Rules) Append(dst []byte, sent []byte, reserved Name, addr *[16]byte) []byte {
	option, ok := ParseOption(sent)
	named := ok && len(option.labels) > 0
	start := len(dst)
	dst = append(dst, 0)
	from := len(dst)
	switch {
	case reserved != nil:
		dst = append(dst, reserved...)
	case r.Generate == GenerateAlways || r.Generate == GenerateSent && named:
		dst = r.appendGenerated(dst, addr)
	case named && !r.Ignore:
		dst = r.appendSent(dst, option)
	}
	if len(dst) == from && r.Generate == GenerateMissing {
		dst = r.appendGenerated(dst, addr)
	}
	return r.flagged(dst, start, option.Flags, ok)
}

// AppendAgain is Append for the client of a binding that sends no Client FQDN option now: the name stays what was kept, and the
// flags are what the client wanted when it said so. What is reserved for it counts, and a name that was made from the address
// is made again, by the rules as they are now.
func (r *Rules) AppendAgain(dst []byte, kept Kept, reserved Name, addr *[16]byte) []byte {
	name := kept.Name()
	if len(name) <= 1 {
		return r.Append(dst, nil, reserved, addr)
	}
	made := name.MadeOf(addr)
	start := len(dst)
	dst = append(dst, 0)
	switch {
	case reserved != nil:
		dst = append(dst, reserved...)
	case r.Generate == GenerateAlways || r.Generate == GenerateSent || r.Generate == GenerateMissing && (made || r.Ignore):
		dst = r.appendGenerated(dst, addr)
	case !made && !r.Ignore:
		dst = append(dst, name...)
	}
	return r.flagged(dst, start, kept.wanted(), true)
}

// flagged puts the flags in front of the name behind start, and takes all back where there is none.
func (r *Rules) flagged(dst []byte, start int, wanted Flags, sent bool) []byte {
	name := Name(dst[start+1:])
	if len(name) == 0 {
		return dst[:start]
	}
	dst[start] = byte(r.flags(wanted, sent, name))
	return dst
}

// flags are those of the answer (RFC 4704, Section 6): N where the client wants that and may, or where nothing is kept; else S as
// the client wants it, if it may choose; O where S isn't what the client wanted (Section 4.1). Of whoever sent no option the
// server keeps all.
func (r *Rules) flags(wanted Flags, sent bool, name Name) (f Flags) {
	wants, does := !sent || wanted&FlagS != 0, false
	if !r.Updates || sent && wanted&FlagN != 0 && r.AllowNone {
		f = FlagN
	} else if does = (wants || !r.AllowOwn) && Longest(r.Zones, name) >= 0; does {
		f = FlagS
	}
	if does != wants {
		f |= FlagO
	}
	return f
}

// appendSent appends the name that the client sent, cleaned and completed; nothing where it can't be used. A whole name that lies
// neither in the domain nor in a zone that is kept would let a client write any name into reverse zones: of such a one the first
// label counts, in the domain. So it does of the domain's and the zones' own names, which aren't a client's to have.
func (r *Rules) appendSent(dst []byte, option Option) []byte {
	start, first := len(dst), -1 // where the name begins, and where its first label ends
	for rest := option.labels; len(rest) > 0 && len(dst)-start < MaxName; rest = rest[1+int(rest[0]):] {
		dst = r.appendLabel(dst, rest[1:1+int(rest[0])])
		if first >= 0 {
			continue
		}
		if first = len(dst); first == start || r.refuses(dst[start+1:first]) {
			return dst[:start]
		}
	}
	if !option.whole {
		return r.complete(dst, start)
	}
	dst = append(dst, 0)
	if name := Name(dst[start:]); len(name) <= MaxName && !r.heads(name) && (name.Under(r.Domain) || Longest(r.Zones, name) >= 0) {
		return dst
	}
	return r.complete(dst[:first], start)
}

// heads tells whether a name is the domain's own or a zone's.
func (r *Rules) heads(name Name) bool {
	for _, zone := range r.Zones {
		if string(zone) == string(name) {
			return true
		}
	}
	return string(name) == string(r.Domain)
}

// appendLabel appends a label with the octets that hosts' names have, without hyphens around it (RFC 1123, Section 2.1); nothing
// where none is left, or too many.
func (r *Rules) appendLabel(dst []byte, label []byte) []byte {
	start := len(dst)
	dst = append(dst, 0)
	for _, c := range label {
		if hostOctet(c) {
			dst = append(dst, lower(c))
		} else {
			dst = append(dst, r.Substitute...)
		}
		for len(dst) > start+1 && dst[start+1] == '-' {
			dst = append(dst[:start+1], dst[start+2:]...)
		}
		if len(dst) > start+1+maxLabel {
			return dst[:start]
		}
	}
	for len(dst) > start+1 && dst[len(dst)-1] == '-' {
		dst = dst[:len(dst)-1]
	}
	if len(dst) == start+1 {
		return dst[:start]
	}
	dst[start] = byte(len(dst) - start - 1)
	return dst
}

func (r *Rules) refuses(label []byte) bool {
	for _, refused := range r.Refused {
		if string(refused) == string(label) {
			return true
		}
	}
	return false
}

// complete appends the domain to the labels from start on; it takes them back where there is none, the name gets too long, or it
// is a zone's own.
func (r *Rules) complete(dst []byte, start int) []byte {
	if r.Domain == nil || len(dst)-start+len(r.Domain) > MaxName {
		return dst[:start]
	}
	dst = append(dst, r.Domain...)
	if r.heads(dst[start:]) {
		return dst[:start]
	}
	return dst
}
