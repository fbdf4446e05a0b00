package reconfigure

import (
	"crypto/hmac"
	"crypto/md5"

	"github.com/lockstep6/lockstep6/core/wire"
)

// Asks tells whether a Reconfigure can ask for a message of that type (RFC 9915, Section 21.19).
func Asks(t wire.MessageType) bool {
	return t == wire.Renew || t == wire.Rebind || t == wire.InformationRequest
}

// AppendMessage appends a Reconfigure message (RFC 9915, Section 18.3.11) that asks a client for a message of a type, which Asks is true
// of. Replay must be higher than that of every earlier message of this server.
func AppendMessage(dst []byte, ask wire.MessageType, client, server []byte, key *Key, replay uint64) []byte {
	start := len(dst)
	dst = wire.AppendHeader(dst, wire.Reconfigure, [3]byte{})
	dst = wire.AppendOption(dst, wire.OptionClientID, client)
	dst = wire.AppendOption(dst, wire.OptionServerID, server)
	dst = wire.AppendUint8Option(dst, wire.OptionReconfigureMessage, byte(ask))
	dst = appendAuthentication(dst, replay, infoDigest, new([KeySize]byte))
	// The digest is over the whole message, with zeros in its own place (RFC 9915, Section 20.4.2).
	mac := hmac.New(md5.New, key[:])
	mac.Write(dst[start:])
	copy(dst[len(dst)-md5.Size:], mac.Sum(nil))
	return dst
}
