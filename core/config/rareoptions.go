package config

// rareOptions are those of IANA's registry that few networks need.
func rareOptions() []optionSpec {
	const servers = `["2001:db8::1", "2001:db8::2"]`
	const manager = "[1, manager.example.net]"
	return []optionSpec{
		typed(63, false, "binary", "Where the client is, by coordinates (RFC 6225).", `"0102030405060708090a0b0c0d0e0f10"`, "geolocation"),
		typed(76, false, "string", "Kerberos realm (RFC 6784).", "EXAMPLE.NET", "krb-realm-name"),
		typed(77, false, "string", "Kerberos default realm (RFC 6784).", "EXAMPLE.NET", "krb-default-realm-name"),
		typed(78, false, "uint16 uint16 uint8 uint16 ipv6-address string", "A Kerberos key distribution centre: priority, weight, transport, port, address, realm (RFC 6784).",
			`[1, 1, 1, 88, "2001:db8::88", EXAMPLE.NET]`, "krb-kdc"),
		typed(86, true, "ipv6-address", "Port Control Protocol servers (RFC 7291).", servers, "pcp-servers", "v6-pcp-server"),
		typed(111, true, "uint16", "In which order clients try softwire mechanisms: their option codes (RFC 8026).", "[96, 94, 88]", "s46-priority"),
		typed(136, true, "tuple", "Bootstrap servers of zero-touch provisioning, by URI (RFC 8572).", `["https://example.net/bootstrap"]`, "sztp-redirect", "v6-sztp-redirect"),
		typed(141, false, "fqdn", "DOTS agent by domain name (RFC 8973).", "dots.example.net", "dots-name", "v6-dots-ri"),
		typed(142, true, "ipv6-address", "DOTS agents by address (RFC 8973).", servers, "dots-servers", "v6-dots-address"),
		typed(145, false, "fqdn", "Registered domain of a home network (RFC 9527).", "home.example.net", "registered-domain"),
		typed(146, false, "uint16 fqdn", "Distribution manager of the forward zone: transports, name (RFC 9527).", manager, "forward-dist-manager"),
		typed(147, false, "uint16 fqdn", "Distribution manager of the reverse zone: transports, name (RFC 9527).", manager, "reverse-dist-manager"),
	}
}
