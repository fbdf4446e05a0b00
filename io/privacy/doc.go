// Package privacy keeps what names a client out of the log and out of metrics, where the configuration says so (RFC 7824).
//
// A log line hands identifiers over as typed values: DUID, Lease, IAID, Name. They are written in clear, as pseudonyms or not at all,
// as the Keeper is set. Values that aren't typed are shown as they are only where their attribute is known never to name a client;
// texts such as errors are searched for identifiers, and an attribute that nobody has classed is left out. So a line that forgets
// to use a type shows less than it should, and never more.
package privacy
