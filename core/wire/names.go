package wire

import "strconv"

// String is the message's name in the standard, "type-N" for one without.
func (t MessageType) String() string {
	if int(t) < len(messageNames) && messageNames[t] != "" {
		return messageNames[t]
	}
	return "type-" + strconv.Itoa(int(t))
}

var messageNames = [...]string{
	Solicit:            "Solicit",
	Advertise:          "Advertise",
	Request:            "Request",
	Confirm:            "Confirm",
	Renew:              "Renew",
	Rebind:             "Rebind",
	Reply:              "Reply",
	Release:            "Release",
	Decline:            "Decline",
	Reconfigure:        "Reconfigure",
	InformationRequest: "Information-request",
	RelayForward:       "Relay-forward",
	RelayReply:         "Relay-reply",
	Leasequery:         "Leasequery",
	LeasequeryReply:    "Leasequery-reply",
	LeasequeryDone:     "Leasequery-done",
	LeasequeryData:     "Leasequery-data",
	ReconfigureRequest: "Reconfigure-request",
	ReconfigureReply:   "Reconfigure-reply",
	DHCPv4Query:        "DHCPv4-query",
	DHCPv4Response:     "DHCPv4-response",
	ActiveLeasequery:   "Active-leasequery",
	StartTLS:           "StartTLS",
	AddrRegInform:      "ADDR-REG-INFORM",
	AddrRegReply:       "ADDR-REG-REPLY",
}

// String is the status' name in the standard, "status-N" for one without.
func (s StatusCode) String() string {
	if int(s) < len(statusNames) && statusNames[s] != "" {
		return statusNames[s]
	}
	return "status-" + strconv.Itoa(int(s))
}

var statusNames = [...]string{
	StatusSuccess:       "Success",
	StatusUnspecFail:    "UnspecFail",
	StatusNoAddrsAvail:  "NoAddrsAvail",
	StatusNoBinding:     "NoBinding",
	StatusNotOnLink:     "NotOnLink",
	StatusUseMulticast:  "UseMulticast",
	StatusNoPrefixAvail: "NoPrefixAvail",

	StatusUnknownQueryType:     "UnknownQueryType",
	StatusMalformedQuery:       "MalformedQuery",
	StatusNotConfigured:        "NotConfigured",
	StatusNotAllowed:           "NotAllowed",
	StatusQueryTerminated:      "QueryTerminated",
	StatusDataMissing:          "DataMissing",
	StatusCatchUpComplete:      "CatchUpComplete",
	StatusNotSupported:         "NotSupported",
	StatusTLSConnectionRefused: "TLSConnectionRefused",
}

// String is "IA_NA", "IA_PD" or "registered".
func (k Kind) String() string {
	switch k {
	case IANA:
		return "IA_NA"
	case IAPD:
		return "IA_PD"
	case Registered:
		return "registered"
	default:
		return "kind-" + strconv.Itoa(int(k))
	}
}
