// Package takeover measures what clients lose when one of two servers dies: real servers, lockstep6 and Kea, in network
// namespaces of their own, behind a relay that copies every message to both (RFC 6853, Section 5.2).
//
//	Run: two servers start -> clients get an address and a prefix each from the first, and renew once
//	     -> the first is killed -> each client rebinds, or starts anew -> Judge each Reply -> Tally -> Markdown
//
// Clients and relay are written with insomniacslk/dhcp, not with our own messages, so that no fault of core/wire can
// stand on both sides. `make takeover` computes the figures again.
//
// No time is measured. But a server that gets no processor or disk for a second drops what waited, so keep both free
// enough for a few hundred messages.
package takeover
