package admin

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// Refusals is what a node remembers of messages by which clients got nothing, or not all that they asked for.
type Refusals struct {
	Refusals []Refusal `json:"refusals"` // the newest first
	Total    uint64    `json:"total"`    // since the node's start, of all clients
	Skipped  uint64    `json:"skipped"`  // of these, how many were only counted, for there were too many in a second
}

// A Refusal is one message.
type Refusal struct {
	At              time.Time `json:"at"`
	Message         string    `json:"message,omitempty"` // its type; empty: it couldn't be read
	DUID            string    `json:"duid,omitempty"`    // of the client, as far as it could be read
	HardwareAddress string    `json:"hardware_address,omitempty"`
	PeerAddress     string    `json:"peer_address,omitempty"` // the client's own
	Relay           string    `json:"relay,omitempty"`        // who sent the datagram; empty: the client itself
	LinkAddress     string    `json:"link_address,omitempty"`
	InterfaceID     string    `json:"interface_id,omitempty"`
	PoolName        string    `json:"pool_name,omitempty"`     // that a relay asks for and can't be met; its first 32 octets
	PrefixLength    uint8     `json:"prefix_length,omitempty"` // likewise; 0: none
	Interface       string    `json:"interface,omitempty"`     // of this node, by which it came; empty: none that is configured
	Link            string    `json:"link,omitempty"`
	Status          string    `json:"status,omitempty"` // the worst that the reply carried; empty: there was no reply
	Reason          string    `json:"reason"`           // a name that stays the same
	Why             string    `json:"why"`              // the reason in words
	Remedy          string    `json:"remedy"`
}

// NewRefusal puts a refusal into words. Link and interface are the names of what it has numbers for.
func NewRefusal(f *worker.Refusal, link, iface string) Refusal {
	a := &f.Asker
	r := Refusal{
		At: time.Unix(0, f.At).UTC(), DUID: wire.FormatDUID(a.DUID), PeerAddress: netip.AddrFrom16(a.Peer).String(),
		InterfaceID: opaque(a.InterfaceID), Interface: iface, Link: link,
	}
	if f.Type != 0 {
		r.Message = f.Type.String()
	}
	if len(a.LinkLayer) > 2 {
		r.HardwareAddress = net.HardwareAddr(a.LinkLayer[2:]).String()
	} else if _, addr, ok := wire.HardwareAddress(a.DUID); ok {
		r.HardwareAddress = net.HardwareAddr(addr).String()
	}
	if a.Relayed {
		r.Relay = netip.AddrFrom16(f.Source).String()
	}
	if a.LinkAddress != [16]byte{} {
		r.LinkAddress = netip.AddrFrom16(a.LinkAddress).String()
	}
	if f.Drop == wire.DropNone {
		r.Status = f.Status.String()
	}
	r.PoolName, r.PrefixLength = opaque(a.PoolName), a.Length
	why := whyOf(f)
	r.Reason, r.Why, r.Remedy = why.name, why.words, why.remedy
	return r
}

// Who is a client as an operator knows it.
type Who struct {
	address netip.Addr // valid: its own, or its relay's
	octets  []byte     // else a DUID, or a hardware address
}

// ParseWho reads a DUID, an IPv6 address, or a hardware address.
func ParseWho(text string) (w Who, err error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Is6() {
		return Who{address: address.WithZone("")}, nil
	}
	octets, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "", ".", "").Replace(text))
	if err != nil || len(octets) < wire.MinDUID || len(octets) > wire.MaxDUID {
		return w, fmt.Errorf("%q is neither a DUID such as 00:03:00:01:02:00:00:00:00:01, nor a link-local or a hardware address", text)
	}
	return Who{octets: octets}, nil
}

// Match tells whether the client was refused: by any of what is known of it. A hardware address is also one from which the
// client's link-local address is made (RFC 4291, Appendix A).
func (w Who) Match(r *Refusal) bool {
	if w.address.IsValid() {
		text := w.address.String()
		return r.PeerAddress == text || r.Relay == text
	}
	if r.DUID == wire.FormatDUID(w.octets) || r.HardwareAddress == net.HardwareAddr(w.octets).String() {
		return true
	}
	peer, err := netip.ParseAddr(r.PeerAddress)
	if err != nil || len(w.octets) != 6 || !peer.IsLinkLocalUnicast() {
		return false
	}
	o := w.octets
	own := peer.As16()
	return slices.Equal(own[8:], []byte{o[0] ^ 2, o[1], o[2], 0xff, 0xfe, o[3], o[4], o[5]})
}

var refusalRoutes = []route{{"GET", "/v1/refusals", false, []string{"client", "limit"}, refusals}}

func refusals(w http.ResponseWriter, r *http.Request, node Node) {
	query, all := r.URL.Query(), node.Refusals()
	if query.Has("client") {
		who, err := ParseWho(query.Get("client"))
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error(), "leave it out for all clients")
			return
		}
		all.Refusals = slices.DeleteFunc(all.Refusals, func(f Refusal) bool { return !who.Match(&f) })
	}
	if query.Has("limit") {
		limit, err := strconv.Atoi(query.Get("limit"))
		if err != nil || limit < 1 {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("limit=%q isn't a number from 1 on", query.Get("limit")), "leave it out for all that the node remembers")
			return
		}
		all.Refusals = all.Refusals[:min(len(all.Refusals), limit)]
	}
	reply(w, http.StatusOK, all)
}

// Refusals asks what a client was refused; empty: all clients.
func (c *Client) Refusals(ctx context.Context, client string) (r Refusals, err error) {
	path := "/v1/refusals"
	if client != "" {
		path += "?client=" + url.QueryEscape(client)
	}
	err = c.call(ctx, http.MethodGet, path, nil, &r)
	return r, err
}
