package failover

import "github.com/lockstep6/lockstep6/core/binding"

// A Type is the type of a message between the servers (RFC 8156, Section 5.3).
type Type uint8

// The types, with the numbers of the standard.
const (
	BNDUPD       Type = 24
	BNDREPLY     Type = 25
	POOLREQ      Type = 26
	POOLRESP     Type = 27
	UPDREQ       Type = 28
	UPDREQALL    Type = 29
	UPDDONE      Type = 30
	CONNECT      Type = 31
	CONNECTREPLY Type = 32
	DISCONNECT   Type = 33
	STATE        Type = 34
	CONTACT      Type = 35
)

// A Message is one of the messages. It belongs to a connection, and is lost with it.
type Message struct {
	Type       Type
	connection uint64

	transaction uint64   // BNDUPD, BNDREPLY
	updates     []update // BNDUPD: of one client, or one prefix of nobody
	rejected    []bool   // BNDREPLY: by update
	echo        []update // BNDREPLY: the updates that it answers

	state  State // STATE
	since  int64
	starts bool // the STARTUP flag
}

// An update is what a server tells of a lease.
type update struct {
	key                                    binding.Key
	status                                 Status
	client                                 Client
	since, until, lifetime, heard, expires int64
	version                                int
}

// Octets of options and headers (RFC 8156, Sections 5.1, 5.2, 5.5 and 7.4; RFC 5007; RFC 5460).
const (
	header       = 2 + 8 // message-size, and type, transaction-id and sent-time
	optionHeader = 4
	timeOption   = optionHeader + 4
	statusOption = optionHeader + 1
	iaOption     = optionHeader + 12
	addressData  = optionHeader + 24
	prefixData   = optionHeader + 25
	rejection    = optionHeader + 2
	// relayData is OPTION_LQ_RELAY_DATA with a Relay-forward that has Interface-ID and Remote-ID, of which clients can be told apart.
	relayData   = optionHeader + 16 + 34 + (optionHeader + 4) + (optionHeader + 8)
	connectData = (optionHeader + 16) + 6*timeOption // relationship name, version, flags and the parameters of the connection
	stateData   = statusOption + statusOption + timeOption
)

// OfClients tells whether the message is about clients' leases, and not about who may give what is free or about the connection.
func (m *Message) OfClients() bool {
	all := append(m.updates[:len(m.updates):len(m.updates)], m.echo...)
	return len(all) > 0 && all[0].status != Free && all[0].status != FreeBackup
}

// Leases is how many leases of clients a BNDUPD tells of.
func (m *Message) Leases() int {
	if m.Type != BNDUPD || !m.OfClients() {
		return 0
	}
	return len(m.updates)
}

// Octets is the message's length in a TCP stream, without TLS.
func (m *Message) Octets() int {
	n := header
	switch m.Type {
	case BNDUPD:
		n += clientData(m.updates, timeOption+relayData, func(u *update) int {
			if u.status == Active {
				return statusOption + 6*timeOption
			}
			return statusOption + 2*timeOption
		})
	case BNDREPLY:
		i := 0
		n += clientData(m.echo, 0, func(*update) int {
			i++
			if m.rejected[i-1] {
				return rejection + statusOption
			}
			return statusOption + 2*timeOption
		})
	case CONNECT, CONNECTREPLY:
		n += connectData
	case STATE:
		n += stateData
	}
	return n
}

// clientData is the length of OPTION_CLIENT_DATA, or of the lone OPTION_IAPREFIX of a prefix that no client has.
func clientData(updates []update, about int, of func(*update) int) (n int) {
	for i := range updates {
		u := &updates[i]
		if i == 0 && (u.status == Active || u.status == Expired || u.status == Released) {
			n += optionHeader + optionHeader + len(u.client.DUID) + about
		}
		if u.key.Length == 128 {
			n += iaOption + addressData + of(u)
		} else if u.status == Free || u.status == FreeBackup {
			n += prefixData + timeOption + of(u)
		} else {
			n += iaOption + prefixData + of(u)
		}
	}
	return n
}
