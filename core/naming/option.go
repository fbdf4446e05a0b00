package naming

// Flags are those of the Client FQDN option (RFC 4704, Section 4.1).
type Flags uint8

// The flags.
const (
	FlagS Flags = 1 // the server keeps the AAAA record; in a client's message: it shall
	FlagO Flags = 2 // S isn't what the client wanted
	FlagN Flags = 4 // the server changes nothing in DNS

	flagsKnown = FlagS | FlagO | FlagN
)

// An Option is a Client FQDN option as a client sent it (RFC 4704, Section 4).
type Option struct {
	Flags  Flags  // those that are known; others are ignored
	labels []byte // without the root's
	whole  bool   // the root's label was there. Else the name is partial, or empty
}

// ParseOption reads the option's data. Not ok: it isn't flags and a name; a name in text, as some clients send it, isn't one.
func ParseOption(data []byte) (o Option, ok bool) {
	if len(data) == 0 || len(data) > 1+MaxName {
		return Option{}, false
	}
	o.Flags = Flags(data[0]) & flagsKnown
	rest := data[1:]
	for at := 0; at < len(rest); {
		size := int(rest[at])
		switch {
		case size == 0:
			o.labels, o.whole = rest[:at], true
			return o, at == len(rest)-1
		case size > maxLabel || at+1+size > len(rest):
			return Option{}, false
		}
		at += 1 + size
	}
	o.labels = rest
	return o, true
}

// A Kept is what a binding keeps of its name, and what the Client FQDN option of a Reply says: flags and a whole name.
type Kept []byte

// Flags are those that the Reply had.
func (k Kept) Flags() Flags {
	if len(k) == 0 {
		return FlagN
	}
	return Flags(k[0]) & flagsKnown
}

// Name is the client's whole name; nil where k isn't flags and a name.
func (k Kept) Name() Name {
	if len(k) < 2 || !valid(k[1:]) {
		return nil
	}
	return Name(k[1:])
}

// wanted are the flags that the client had sent: S, and O where the answer's S was another one (RFC 4704, Section 4.1). An
// answer of nothing but N is what a client gets that wanted it.
func (k Kept) wanted() (f Flags) {
	told := k.Flags()
	if (told&FlagS != 0) != (told&FlagO != 0) {
		f = FlagS
	}
	if told&(FlagN|FlagO) == FlagN {
		f |= FlagN
	}
	return f
}
