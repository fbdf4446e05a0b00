// Package exchange reads the lease files of other DHCPv6 servers, and writes what they read: Kea's memfile (CSV), ISC dhcpd's
// dhcpd6.leases, dnsmasq's leases and Dibbler's server-AddrMgr.xml. It knows their forms and nothing of pools, links or our
// store: whoever imports decides what becomes of an entry.
//
//	files of a server -> Open -> Reader.Next: one Lease after the other, in the order in which the server reads them
//	leases            -> KeaWriter -> a file that Kea reads
//
// A reader holds one entry (of dhcpd one block, of Dibbler one element) at a time, so files may be larger than memory. Of several
// entries for one lease the last one stands; to find that out is the importer's. An entry that can't be taken is a *Fault, after
// which reading goes on.
package exchange
