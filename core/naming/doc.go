// Package naming holds how clients are named: domain names in wire form, the Client FQDN option (RFC 4704), the names that DNS
// keeps of leases (RFC 3596), and whose they are (DHCID, RFC 4701).
//
// What the engine asks for each message allocates nothing.
package naming
