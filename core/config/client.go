package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Fields of a reservation that name its client.
const (
	ByDUID         = "duid"
	ByHardware     = "hardware"
	ByRemoteID     = "remote-id"
	BySubscriberID = "subscriber-id"
	ByInterfaceID  = "interface-id"
)

// A Client is whom a reservation is for. It can be compared.
type Client struct {
	Field         string // one of the five
	Value         string // octets
	Enterprise    uint32 // of a Remote-ID
	AnyEnterprise bool   // of a Remote-ID: whatever the number is
}

// ParseClient reads a client: the field that names it, its value as the file has it, and of a Remote-ID the enterprise number,
// or "" for any.
func ParseClient(field, value, enterprise string) (Client, error) {
	c := Client{Field: field, AnyEnterprise: field == ByRemoteID && enterprise == ""}
	octets, isHex := parseHex(value)
	low, high := 1, 255
	switch field {
	case ByDUID:
		low, high = wire.MinDUID, wire.MaxDUID
	case ByHardware:
		high = 64
	case ByRemoteID, BySubscriberID, ByInterfaceID:
		if !isHex || !strings.HasPrefix(value, "0x") && !strings.Contains(value, ":") {
			octets, isHex = []byte(value), !strings.HasPrefix(value, "0x")
		}
	default:
		return c, fmt.Errorf("a client is named by duid, hardware, remote-id, subscriber-id or interface-id, not by %s", printable(field))
	}
	switch {
	case !isHex:
		return c, fmt.Errorf("%s %s isn't in hexadecimal; write pairs of digits such as 00:03:00:01", field, printable(value))
	case len(octets) < low || len(octets) > high:
		return c, fmt.Errorf("%s %s has %d octets; from %d to %d are possible", field, printable(value), len(octets), low, high)
	}
	c.Value = string(octets)
	if enterprise == "" {
		return c, nil
	}
	number, err := strconv.ParseUint(enterprise, 10, 32)
	if err != nil || field != ByRemoteID {
		return c, errors.New("an enterprise number, of up to 32 bits, is for a remote-id")
	}
	c.Enterprise = uint32(number)
	return c, nil
}

// Client is whom a reservation is for.
func (r *Reservation) Client() Client {
	switch {
	case r.DUID != nil:
		return Client{Field: ByDUID, Value: string(r.DUID)}
	case r.Hardware != nil:
		return Client{Field: ByHardware, Value: string(r.Hardware)}
	case r.RemoteID != nil:
		return Client{ByRemoteID, string(r.RemoteID.Value), r.RemoteID.Enterprise, r.RemoteID.AnyEnterprise}
	case r.InterfaceID != nil:
		return Client{Field: ByInterfaceID, Value: string(r.InterfaceID)}
	default:
		return Client{Field: BySubscriberID, Value: string(r.SubscriberID)}
	}
}

// Text is the client's value as the file can have it.
func (c Client) Text() string {
	text := c.Value
	if c.Field == ByDUID || c.Field == ByHardware {
		return wire.FormatDUID([]byte(text))
	}
	plain := utf8.ValidString(text) && strconv.Quote(text) == `"`+text+`"`
	if _, isHex := parseHex(text); !plain || isHex || strings.HasPrefix(text, "0x") {
		return fmt.Sprintf("0x%x", text)
	}
	return text
}

// String is the field and the value, for people.
func (c Client) String() string {
	if c.Field == ByRemoteID && !c.AnyEnterprise {
		return fmt.Sprintf("%s %d %s", c.Field, c.Enterprise, c.Text())
	}
	return c.Field + " " + c.Text()
}
