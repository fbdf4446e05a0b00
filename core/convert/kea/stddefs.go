package kea

import (
	"strconv"
	"strings"
)

// standardOptions are the options that Kea defines itself, by space: code, name, type, then "array", "in=SPACE" for the space of options
// inside of it. A record's types have + between them.
var standardOptions = map[string]string{
	"dhcp6": `
1 clientid binary
2 serverid binary
3 ia-na uint32+uint32+uint32
4 ia-ta uint32
5 iaaddr ipv6-address+uint32+uint32
6 oro uint16 array
7 preference uint8
8 elapsed-time uint16
9 relay-msg binary
11 auth uint8+uint8+uint8+uint64+binary
12 unicast ipv6-address
13 status-code uint16+string
14 rapid-commit empty
15 user-class binary
16 vendor-class uint32+binary
17 vendor-opts uint32 in=vendor-opts-space
18 interface-id binary
19 reconf-msg uint8
20 reconf-accept empty
21 sip-server-dns fqdn array
22 sip-server-addr ipv6-address array
23 dns-servers ipv6-address array
24 domain-search fqdn array
25 ia-pd uint32+uint32+uint32
26 iaprefix uint32+uint32+ipv6-prefix
27 nis-servers ipv6-address array
28 nisp-servers ipv6-address array
29 nis-domain-name fqdn array
30 nisp-domain-name fqdn array
31 sntp-servers ipv6-address array
32 information-refresh-time uint32
33 bcmcs-server-dns fqdn array
34 bcmcs-server-addr ipv6-address array
36 geoconf-civic uint8+uint16+binary
37 remote-id uint32+binary
38 subscriber-id binary
39 client-fqdn uint8+fqdn
40 pana-agent ipv6-address array
41 new-posix-timezone string
42 new-tzdb-timezone string
43 ero uint16 array
44 lq-query uint8+ipv6-address
45 client-data empty
46 clt-time uint32
47 lq-relay-data ipv6-address+binary
48 lq-client-link ipv6-address array
51 v6-lost fqdn
52 capwap-ac-v6 ipv6-address array
53 relay-id binary
56 ntp-server empty in=v6-ntp-server-suboptions
57 v6-access-domain fqdn
58 sip-ua-cs-list fqdn array
59 bootfile-url string
60 bootfile-param tuple array
61 client-arch-type uint16 array
62 nii uint8 array
64 aftr-name fqdn
65 erp-local-domain-name fqdn
66 rsoo empty
67 pd-exclude ipv6-prefix
74 rdnss-selection ipv6-address+uint8+fqdn array
79 client-linklayer-addr binary
80 link-address ipv6-address
82 solmax-rt uint32
83 inf-max-rt uint32
88 dhcp4o6-server-addr ipv6-address array
94 s46-cont-mape empty in=s46-cont-mape-options
95 s46-cont-mapt empty in=s46-cont-mapt-options
96 s46-cont-lw empty in=s46-cont-lw-options
103 v6-captive-portal string
135 relay-port uint16
136 v6-sztp-redirect tuple array
143 ipv6-address-andsf ipv6-address array
144 v6-dnr uint16+uint16+fqdn+binary`,
	"s46-cont-mape-options": "89 s46-rule uint8+uint8+uint8+ipv4-address+ipv6-prefix in=s46-rule-options\n90 s46-br ipv6-address",
	"s46-cont-mapt-options": "89 s46-rule uint8+uint8+uint8+ipv4-address+ipv6-prefix in=s46-rule-options\n91 s46-dmr ipv6-prefix",
	"s46-cont-lw-options":   "90 s46-br ipv6-address\n92 s46-v4v6bind ipv4-address+ipv6-prefix in=s46-v4v6bind-options",
	"s46-rule-options":      "93 s46-portparams uint8+psid",
	"s46-v4v6bind-options":  "93 s46-portparams uint8+psid",
	"v6-ntp-server-suboptions": `
1 server-address ipv6-address
2 multicast-address ipv6-address
3 server-fqdn fqdn`,
	"vendor-4491": `
1 oro uint16 array
2 device-type string
10 vendor-type string
32 tftp-servers ipv6-address array
33 config-file string
34 syslog-servers ipv6-address array
36 device-id binary
37 time-servers ipv6-address array
38 time-offset int32
1026 cmts-cm-mac binary`,
	"vendor-2495": `
60000 4o6-interface string
60001 4o6-source-address ipv6-address
60002 4o6-interface-id binary
60003 4o6-source-port uint16`,
}

// definition is what is known of an option's form.
type definition struct {
	space string
	code  uint16
	name  string
	types []string // one, or those of a record
	array bool     // the last type repeats
	inner string   // the space of options inside of it, or ""
	own   bool     // the configuration defines it
}

// definitions are all definitions by space; of one space there are few, so they are looked through.
type definitions map[string][]*definition

func standardDefinitions() definitions {
	all := make(definitions)
	for space, text := range standardOptions {
		for line := range strings.Lines(strings.TrimSpace(text)) {
			words := strings.Fields(line)
			code, _ := strconv.ParseUint(words[0], 10, 16)
			d := &definition{space: space, code: uint16(code), name: words[1], types: strings.Split(words[2], "+")}
			for _, word := range words[3:] {
				if inner, ok := strings.CutPrefix(word, "in="); ok {
					d.inner = inner
				} else {
					d.array = true
				}
			}
			all[space] = append(all[space], d)
		}
	}
	return all
}

func (all definitions) byCode(space string, code uint16) *definition {
	for _, d := range all[space] {
		if d.code == code {
			return d
		}
	}
	return nil
}

func (all definitions) byName(space, name string) *definition {
	for _, d := range all[space] {
		if d.name == name {
			return d
		}
	}
	return nil
}

// spaceOf is a space under the one name that is used for it here.
func spaceOf(name string) string {
	switch name {
	case "":
		return "dhcp6"
	case "docsis3-v6":
		return "vendor-4491"
	default:
		return name
	}
}
