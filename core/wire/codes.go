package wire

// A MessageType is the first octet of every DHCPv6 message
// (RFC 9915, Section 7.3; RFC 5007; RFC 5460; RFC 6977; RFC 7341; RFC 7653; RFC 9686).
type MessageType uint8

// Message types that the server speaks or must know to tell them apart.
const (
	Solicit            MessageType = 1
	Advertise          MessageType = 2
	Request            MessageType = 3
	Confirm            MessageType = 4
	Renew              MessageType = 5
	Rebind             MessageType = 6
	Reply              MessageType = 7
	Release            MessageType = 8
	Decline            MessageType = 9
	Reconfigure        MessageType = 10
	InformationRequest MessageType = 11
	RelayForward       MessageType = 12
	RelayReply         MessageType = 13
	Leasequery         MessageType = 14
	LeasequeryReply    MessageType = 15
	LeasequeryDone     MessageType = 16
	LeasequeryData     MessageType = 17
	ReconfigureRequest MessageType = 18
	ReconfigureReply   MessageType = 19
	DHCPv4Query        MessageType = 20
	DHCPv4Response     MessageType = 21
	ActiveLeasequery   MessageType = 22
	StartTLS           MessageType = 23
	AddrRegInform      MessageType = 36
	AddrRegReply       MessageType = 37
)

// An OptionCode names an option (RFC 9915, Section 21; the IANA registry has the rest).
type OptionCode uint16

// Option codes that the server reads or writes by itself.
const (
	OptionClientID           OptionCode = 1
	OptionServerID           OptionCode = 2
	OptionIANA               OptionCode = 3
	OptionIATA               OptionCode = 4
	OptionIAAddress          OptionCode = 5
	OptionORO                OptionCode = 6
	OptionPreference         OptionCode = 7
	OptionElapsedTime        OptionCode = 8
	OptionRelayMessage       OptionCode = 9
	OptionAuthentication     OptionCode = 11
	OptionServerUnicast      OptionCode = 12
	OptionStatusCode         OptionCode = 13
	OptionRapidCommit        OptionCode = 14
	OptionUserClass          OptionCode = 15
	OptionVendorClass        OptionCode = 16
	OptionVendorInformation  OptionCode = 17
	OptionInterfaceID        OptionCode = 18
	OptionReconfigureMessage OptionCode = 19
	OptionReconfigureAccept  OptionCode = 20
	OptionSIPNames           OptionCode = 21
	OptionSIPAddresses       OptionCode = 22
	OptionDNSServers         OptionCode = 23
	OptionDomainSearch       OptionCode = 24
	OptionIAPD               OptionCode = 25
	OptionIAPrefix           OptionCode = 26
	OptionInformationRefresh OptionCode = 32
	OptionRemoteID           OptionCode = 37
	OptionSubscriberID       OptionCode = 38
	OptionClientFQDN         OptionCode = 39
	OptionPOSIXTimezone      OptionCode = 41
	OptionTZDBTimezone       OptionCode = 42
	OptionERO                OptionCode = 43
	OptionLQQuery            OptionCode = 44
	OptionClientData         OptionCode = 45
	OptionCLTTime            OptionCode = 46
	OptionLQRelayData        OptionCode = 47
	OptionLQClientLink       OptionCode = 48
	OptionRelayID            OptionCode = 53
	OptionNTPServer          OptionCode = 56
	OptionBootFileURL        OptionCode = 59
	OptionBootFileParameters OptionCode = 60
	OptionClientArchitecture OptionCode = 61
	OptionAFTRName           OptionCode = 64
	OptionERPLocalDomain     OptionCode = 65
	OptionRSOO               OptionCode = 66
	OptionPrefixExclude      OptionCode = 67
	OptionClientLinkLayer    OptionCode = 79
	OptionLinkAddress        OptionCode = 80
	OptionSOLMaxRT           OptionCode = 82
	OptionINFMaxRT           OptionCode = 83
	OptionLQBaseTime         OptionCode = 100
	OptionLQStartTime        OptionCode = 101
	OptionLQEndTime          OptionCode = 102
	OptionCaptivePortal      OptionCode = 103
	OptionRelaySourcePort    OptionCode = 135
	OptionEncryptedDNS       OptionCode = 144
	OptionAddrRegEnable      OptionCode = 148
)

// A StatusCode tells how an operation went (RFC 9915, Section 21.13).
type StatusCode uint16

// Status codes of the base standard. UseMulticast (5) is obsolete and never sent.
const (
	StatusSuccess       StatusCode = 0
	StatusUnspecFail    StatusCode = 1
	StatusNoAddrsAvail  StatusCode = 2
	StatusNoBinding     StatusCode = 3
	StatusNotOnLink     StatusCode = 4
	StatusUseMulticast  StatusCode = 5
	StatusNoPrefixAvail StatusCode = 6
)

// Status codes of leasequery (RFC 5007, Section 4.1.3; RFC 5460, Section 5.5; RFC 7653, Section 6.2).
const (
	StatusUnknownQueryType     StatusCode = 7
	StatusMalformedQuery       StatusCode = 8
	StatusNotConfigured        StatusCode = 9
	StatusNotAllowed           StatusCode = 10
	StatusQueryTerminated      StatusCode = 11
	StatusDataMissing          StatusCode = 12
	StatusCatchUpComplete      StatusCode = 13
	StatusNotSupported         StatusCode = 14
	StatusTLSConnectionRefused StatusCode = 15
)

// Infinity is the lifetime that never ends (RFC 9915, Section 7.7).
const Infinity uint32 = 0xffffffff

// Ports (RFC 9915, Section 7.2).
const (
	ClientPort = 546
	ServerPort = 547
)

// A Kind tells an identity association for addresses from one for delegated prefixes.
// IAIDs of the two are separate spaces (RFC 9915, Section 12).
type Kind uint8

// The two kinds of identity association that the server serves, and what is no association: addresses that clients gave
// themselves and registered (RFC 9686). Of one client they all have the IAID 0.
const (
	IANA       Kind = 1
	IAPD       Kind = 2
	Registered Kind = 3
)
