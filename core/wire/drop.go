package wire

import "strconv"

// A Drop is the reason why a datagram got no answer. Its String is the metric's label.
// DropNone means that there is no reason to drop it.
type Drop uint8

// Reasons, in the order in which a datagram meets them.
const (
	DropNone               Drop = iota
	DropTruncated               // shorter than its header, or an option runs past its end
	DropRelayDepth              // more than MaxRelays levels (RFC 9915, Section 7.6, HOP_COUNT_LIMIT)
	DropNoRelayMessage          // a Relay-forward without Relay Message option (RFC 9915, Section 9.1)
	DropUnknownType             // RFC 9915, Section 16: unknown message type
	DropServerMessage           // Advertise, Reply, Reconfigure, Relay-reply (Sections 16.3, 16.10, 16.11, 16.14)
	DropMalformedOption         // a known option with an impossible length or content
	DropRepeatedOption          // a singleton option that stands twice (RFC 9915, Section 21)
	DropTooManyIAs              // more than MaxIAs identity associations
	DropTooManyLeases           // more than MaxLeasesPerIA leases in one of them
	DropNoClientID              // Sections 16.2, 16.4 to 16.9
	DropBadClientID             // a DUID outside 3..130 octets (RFC 9915, Section 11.1)
	DropNoServerID              // Sections 16.4, 16.6, 16.8, 16.9
	DropUnexpectedServerID      // Sections 16.2, 16.5, 16.7
	DropForPeer                 // meant for another node of the cluster
	DropForeignServer           // meant for a server that the configuration doesn't name
	DropUnexpectedIA            // an IA in an Information-request (Section 16.12)
	DropUnexpectedORO           // an Option Request option in an ADDR-REG-INFORM (RFC 9686, Section 4.2.1)
	DropForeignRelay            // from a relay that the configuration doesn't allow
	DropDirectUnicast           // a client's unicast (RFC 9915, Section 16)
	DropOffLinkSource           // a client's on the node's own link, from an address that doesn't belong there
	DropNoLink                  // no configured link matches
	DropDenied                  // the client is of a class that gets no answer
	DropNoAddresses             // a Confirm without addresses (Section 18.3.3), an ADDR-REG-INFORM without one
	DropNotRegistering          // an ADDR-REG-INFORM on a link where addresses aren't registered
	DropForeignAddress          // an ADDR-REG-INFORM for another address than it was sent from (RFC 9686, Section 4.2.1)
	DropOffLink                 // an ADDR-REG-INFORM for an address that isn't appropriate to the link (RFC 9686, Section 4.2.1)
	DropLeased                  // an ADDR-REG-INFORM for an address that servers gave to a client, or keep for one (RFC 9686, Section 4.2.1)
	DropNothingToSay            // a Rebind that leaves nothing to answer (Section 18.3.5)
	DropPatience                // left to a peer for now: the client's first node, or the one that owns the binding
	DropBackSeat                // a new client, left to peers while this node listens after an absence
	DropExhausted               // nothing to give, and a peer may have
	DropStoreBroken             // what would be granted can't be made durable
	DropTableFull               // no room for another binding
	DropContended               // lost a race for a binding several times in a row
	DropReplyTooLong            // the reply doesn't fit
	DropOverload                // older than a client's patience, or shed
	DropRelayRate               // its relay sends more than it may
	DropNeighbourRate           // its sender on the link sends more than it may
	DropClientRate              // its client sends more than it may
	DropShare                   // its sender has had its share of a node that gets too much
	DropFlood                   // its sender floods, and most of that isn't even read: about so many
	DropHeld                    // the reply waited for the disk for so long that the lease's end isn't sure any more
	DropSend                    // the kernel refused to send the reply
	DropCount                   // the number of reasons; not a reason
)

// String is the metric's label: lower case, words joined by hyphens.
func (d Drop) String() string {
	if d < DropCount {
		return dropNames[d]
	}
	return "reason-" + strconv.Itoa(int(d))
}

var dropNames = [DropCount]string{
	DropNone:               "none",
	DropTruncated:          "truncated",
	DropRelayDepth:         "relay-depth",
	DropNoRelayMessage:     "no-relay-message",
	DropUnknownType:        "unknown-type",
	DropServerMessage:      "server-message",
	DropMalformedOption:    "malformed-option",
	DropRepeatedOption:     "repeated-option",
	DropTooManyIAs:         "too-many-ias",
	DropTooManyLeases:      "too-many-leases",
	DropNoClientID:         "no-client-id",
	DropBadClientID:        "bad-client-id",
	DropNoServerID:         "no-server-id",
	DropUnexpectedServerID: "unexpected-server-id",
	DropForPeer:            "for-peer",
	DropForeignServer:      "foreign-server",
	DropUnexpectedIA:       "unexpected-ia",
	DropUnexpectedORO:      "unexpected-oro",
	DropForeignRelay:       "foreign-relay",
	DropDirectUnicast:      "direct-unicast",
	DropOffLinkSource:      "off-link-source",
	DropNoLink:             "no-link",
	DropDenied:             "denied",
	DropNoAddresses:        "no-addresses",
	DropNotRegistering:     "not-registering",
	DropForeignAddress:     "foreign-address",
	DropOffLink:            "off-link",
	DropLeased:             "leased",
	DropNothingToSay:       "nothing-to-say",
	DropPatience:           "patience",
	DropBackSeat:           "back-seat",
	DropExhausted:          "exhausted",
	DropStoreBroken:        "store-broken",
	DropTableFull:          "table-full",
	DropContended:          "contended",
	DropReplyTooLong:       "reply-too-long",
	DropOverload:           "overload",
	DropRelayRate:          "relay-rate",
	DropNeighbourRate:      "neighbour-rate",
	DropClientRate:         "client-rate",
	DropShare:              "fair-share",
	DropFlood:              "flood",
	DropHeld:               "held",
	DropSend:               "send",
}
