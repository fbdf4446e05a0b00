package engine_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// fqdnData is the data of a Client FQDN option: flags as in S or -, and a name, which is partial without a dot at its end.
func fqdnData(flags, text string) []byte {
	data := []byte{0}
	for i, letter := range "SON" {
		if strings.ContainsRune(flags, letter) {
			data[0] |= 1 << i
		}
	}
	if text == "" {
		return data
	}
	name, err := naming.ParseName(text)
	if err != nil {
		panic(err)
	}
	if !strings.HasSuffix(text, ".") {
		name = name[:len(name)-1]
	}
	return append(data, name...)
}

func flagLetters(f naming.Flags) (text string) {
	for i, letter := range []string{"S", "O", "N"} {
		if f>>i&1 != 0 {
			text += letter
		}
	}
	return text + "-"[min(len(text), 1):]
}

func describeKept(k naming.Kept) string { return flagLetters(k.Flags()) + " " + k.Name().String() }

// describeFQDN is the option as an independent library reads it.
func describeFQDN(o *dhcpv6.OptFQDN) string {
	return flagLetters(naming.Flags(o.Flags)) + " " + strings.Join(o.DomainName.Labels, ".")
}

// checkName checks the Client FQDN option of a reply (RFC 4704, Sections 4.1 and 6).
func checkName(question, answer *wire.Message) error {
	told, tells := answer.Options.Find(wire.OptionClientFQDN)
	if !tells {
		return nil
	}
	sent, said := question.Options.Find(wire.OptionClientFQDN)
	kept := naming.Kept(told)
	wanted, ok := naming.ParseOption(sent)
	does, differs := kept.Flags()&naming.FlagS, (kept.Flags()^wanted.Flags)&naming.FlagS != 0
	switch question.Type {
	case wire.Solicit, wire.Request, wire.Renew, wire.Rebind:
	default:
		return fmt.Errorf("a name in the answer to a %s", question.Type)
	}
	switch {
	case !said || !ok || !question.Requests(wire.OptionClientFQDN):
		return errors.New("a name that wasn't asked for")
	case kept.Name() == nil || kept.Flags() > 7:
		return fmt.Errorf("%x aren't flags and a whole name", told)
	case does != 0 && kept.Flags()&naming.FlagN != 0 || differs != (kept.Flags()&naming.FlagO != 0):
		return fmt.Errorf("flags %s for %s", flagLetters(kept.Flags()), flagLetters(wanted.Flags))
	}
	return nil
}

// tidings prints what the last batch's changes tell of what they begin and end.
func (s *session) tidings(t *testing.T) string {
	var lines []string
	forEachChange(t, s.engine.Changes, func(key binding.Key, _ uint64, value []byte) {
		line := fmt.Sprintf("%s/%d ", netip.AddrFrom16(key.Address), key.Length)
		stored, err := binding.DecodeValue(binding.AppendKey(nil, &key), value)
		switch {
		case err != nil:
			t.Fatal(err)
		case !stored.News:
			line += "goes on"
		case len(stored.Before) == 0:
			line += "begins"
		default:
			before, err := binding.DecodeValue(binding.AppendKey(nil, &key), stored.Before)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf("ends what was %s, %s", before.State, nameIn(before.Extension))
		}
		lines = append(lines, line+"; "+nameIn(stored.Extension)+"\n")
	})
	if len(lines) == 0 {
		return "nothing was written\n"
	}
	return strings.Join(lines, "")
}

func nameIn(x binding.Extension) string {
	if kept, ok := x.Find(binding.ExtFQDN); ok {
		return describeKept(kept)
	}
	return "no name"
}
