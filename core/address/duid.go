package address

import (
	"crypto/sha256"
	"encoding/binary"
)

// ServerDUID returns the Server Identifier of a cluster's node: a DUID-UUID (RFC 6355) whose UUID is of version 8
// (RFC 9562) and is derived from the cluster's ID and the node's name, both octet by octet as configured.
// So a node knows its peers' and keeps its own without a disk, and no key enters: it outlives key changes.
func ServerDUID(clusterID, node string) (duid [18]byte) {
	const label = "lockstep6 server DUID"
	message := append([]byte(label), clusterID...)
	message = append(message, node...)
	// The length keeps apart what would otherwise run together.
	message = binary.BigEndian.AppendUint32(message, uint32(len(node)))
	sum := sha256.Sum256(message)
	duid[1] = 4 // DUID-UUID
	copy(duid[2:], sum[:])
	duid[2+6] = duid[2+6]&0x0f | 0x80 // version 8
	duid[2+8] = duid[2+8]&0x3f | 0x80 // variant 10
	return duid
}
