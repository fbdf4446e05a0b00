package kea

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/convert/draft"
)

// The keywords of each map, with the letter of their type: i integer, r number with a point, b boolean, s string, m a map that isn't
// looked into, l a list of anything, t a list of strings, M.name a map and L.name a list of maps of that name.
// They are those of Kea 1.6 to 3.0: what one version has and another hasn't is taken.
var keywords = map[string]string{
	"":                  "Dhcp6:M.Dhcp6",
	"common":            "user-context:m comment:s",
	"lifetimes":         "preferred-lifetime:i min-preferred-lifetime:i max-preferred-lifetime:i valid-lifetime:i min-valid-lifetime:i max-valid-lifetime:i",
	"network":           "@lifetimes @ddns renew-timer:i rebind-timer:i calculate-tee-times:b t1-percent:r t2-percent:r cache-threshold:r cache-max-age:i reservation-mode:s reservations-global:b reservations-in-subnet:b reservations-out-of-pool:b store-extended-info:b allocator:s pd-allocator:s adaptive-lease-time-threshold:r option-data:L.option-data",
	"ddns":              "ddns-send-updates:b ddns-override-no-update:b ddns-override-client-update:b ddns-replace-client-name:s ddns-generated-prefix:s ddns-qualifying-suffix:s ddns-update-on-renew:b ddns-use-conflict-resolution:b ddns-conflict-resolution-mode:s ddns-ttl-percent:r ddns-ttl:i ddns-ttl-min:i ddns-ttl-max:i hostname-char-set:s hostname-char-replacement:s",
	"Dhcp6":             "@common @network interfaces-config:M.interfaces-config lease-database:M.database hosts-database:M.database hosts-databases:L.database host-reservation-identifiers:t mac-sources:t relay-supplied-options:t option-def:L.option-def client-classes:L.class shared-networks:L.shared-network subnet6:L.subnet reservations:L.reservation hooks-libraries:L.library expired-leases-processing:M.expired server-id:M.server-id dhcp4o6-port:i control-socket:M.control-socket control-sockets:L.control-socket decline-probation-period:i dhcp-ddns:M.dhcp-ddns config-control:M.config-control server-tag:s dhcp-queue-control:m data-directory:s rapid-commit:b loggers:L.logger multi-threading:M.multi-threading sanity-checks:M.sanity statistic-default-sample-count:i statistic-default-sample-age:i parked-packet-limit:i ip-reservations-unique:b reservations-lookup-first:b early-global-reservations-lookup:b compatibility:M.compatibility allow-address-registration:b",
	"shared-network":    "@common @network name:s interface:s interface-id:s rapid-commit:b relay:M.relay client-class:s client-classes:t require-client-classes:t evaluate-additional-classes:t subnet6:L.subnet",
	"subnet":            "@common @network subnet:s id:i interface:s interface-id:s rapid-commit:b relay:M.relay client-class:s client-classes:t require-client-classes:t evaluate-additional-classes:t pools:L.pool pd-pools:L.pd-pool reservations:L.reservation",
	"relay":             "ip-address:s ip-addresses:t",
	"anypool":           "client-class:s client-classes:t require-client-classes:t evaluate-additional-classes:t option-data:L.option-data pool-id:i @ddns",
	"pool":              "@common @anypool pool:s",
	"pd-pool":           "@common @anypool prefix:s prefix-len:i delegated-len:i excluded-prefix:s excluded-prefix-len:i",
	"reservation":       "@common duid:s hw-address:s flex-id:s ip-addresses:t prefixes:t excluded-prefixes:t hostname:s option-data:L.option-data client-classes:t",
	"class":             "@common @lifetimes @ddns name:s test:s template-test:s only-if-required:b only-in-additional-list:b option-data:L.option-data",
	"option-data":       "@common name:s code:i space:s data:s csv-format:b always-send:b never-send:b client-classes:t",
	"option-def":        "@common name:s code:i type:s record-types:s space:s encapsulate:s array:b",
	"interfaces-config": "@common interfaces:t re-detect:b service-sockets-require-all:b service-sockets-retry-wait-time:i service-sockets-max-retries:i",
	"database":          "@common type:s name:s user:s password:s host:s port:i persist:b lfc-interval:i readonly:b connect-timeout:i read-timeout:i write-timeout:i tcp-user-timeout:i max-reconnect-tries:i reconnect-wait-time:i on-fail:s retry-on-startup:b max-row-errors:i trust-anchor:s cert-file:s key-file:s ssl-mode:s cipher-list:s keyspace:s contact-points:s consistency:s serial-consistency:s request-timeout:i tcp-keepalive:i tcp-nodelay:b max-statement-size:i",
	"expired":           "reclaim-timer-wait-time:i flush-reclaimed-timer-wait-time:i hold-reclaimed-time:i max-reclaim-leases:i max-reclaim-time:i unwarned-reclaim-cycles:i",
	"server-id":         "@common type:s identifier:s time:i htype:i enterprise-id:i persist:b",
	"control-socket":    "@common socket-type:s socket-name:s socket-address:s socket-port:i authentication:m trust-anchor:s cert-file:s key-file:s cert-required:b http-headers:l",
	"dhcp-ddns":         "@common enable-updates:b server-ip:s server-port:i sender-ip:s sender-port:i max-queue-size:i ncr-protocol:s ncr-format:s override-no-update:b override-client-update:b replace-client-name:s generated-prefix:s qualifying-suffix:s hostname-char-set:s hostname-char-replacement:s",
	"config-control":    "@common config-databases:L.database config-fetch-wait-time:i",
	"logger":            "@common name:s severity:s debuglevel:i output_options:L.output output-options:L.output",
	"output":            "output:s flush:b maxsize:i maxver:i pattern:s",
	"multi-threading":   "@common enable-multi-threading:b thread-pool-size:i packet-queue-size:i",
	"sanity":            "lease-checks:s extended-info-checks:s",
	"compatibility":     "lenient-option-parsing:b",
	"library":           "@common library:s parameters:m",
	"d2":                "DhcpDdns:M.DhcpDdns",
	"DhcpDdns":          "@common ip-address:s port:i dns-server-timeout:i ncr-protocol:s ncr-format:s forward-ddns:M.zones reverse-ddns:M.zones tsig-keys:L.tsig-key control-socket:M.control-socket control-sockets:L.control-socket hooks-libraries:L.library loggers:L.logger",
	"zones":             "@common ddns-domains:L.zone",
	"zone":              "@common name:s key-name:s dns-servers:L.dns-server",
	"dns-server":        "@common hostname:s ip-address:s port:i key-name:s",
	"tsig-key":          "@common name:s algorithm:s digest-bits:i secret:s secret-file:s",
}

// words are the fields that can be one of a few words.
var words = map[string]string{
	"database.type":                      "memfile mysql postgresql cql",
	"sanity.lease-checks":                "none warn fix fix-del del",
	"Dhcp6.mac-sources":                  "any raw duid ipv6-link-local client-link-addr-option rfc6939 remote-id rfc4649 subscriber-id rfc4580 docsis-cmts docsis-modem",
	"Dhcp6.host-reservation-identifiers": "duid hw-address flex-id",
	"reservation-mode":                   "disabled off out-of-pool global all",
	"ddns-replace-client-name":           "never always when-present when-not-present",
	"replace-client-name":                "never always when-present when-not-present",
	"ddns-conflict-resolution-mode":      "check-with-dhcid no-check-with-dhcid check-exists-with-dhcid no-check-without-dhcid",
	"allocator":                          "iterative random flq",
	"pd-allocator":                       "iterative random flq",
	"ncr-protocol":                       "UDP TCP",
	"ncr-format":                         "JSON",
}

// keyword is one field that a map may have.
type keyword struct {
	letter string
	inner  string // the map's name, of M and L
}

// mapOf is the fields of a map by their names.
func mapOf(name string) map[string]keyword {
	out := make(map[string]keyword)
	for _, word := range strings.Fields(keywords[name]) {
		if part, ok := strings.CutPrefix(word, "@"); ok {
			for field, k := range mapOf(part) {
				out[field] = k
			}
			continue
		}
		field, letter, _ := strings.Cut(word, ":")
		letter, inner, _ := strings.Cut(letter, ".")
		out[field] = keyword{letter, inner}
	}
	return out
}

// maps are all maps, by their names.
var maps = func() map[string]map[string]keyword {
	out := make(map[string]map[string]keyword)
	for name := range keywords {
		out[name] = mapOf(name)
	}
	return out
}()

var letterKinds = map[string]kind{"i": kindInteger, "r": kindReal, "b": kindBool, "s": kindString, "m": kindMap, "l": kindList, "t": kindList, "M": kindMap, "L": kindList}

// checkMap finds what Kea's grammar refuses: unknown keywords and wrong types.
func (t *translator) checkMap(v *value, name, shown string) {
	if v.kind != kindMap {
		t.refuse(v.at, fmt.Sprintf("%s is %s, and must be a map", shown, kindNames[v.kind]), "")
		return
	}
	for _, f := range v.fields {
		k, ok := maps[name][f.name]
		if !ok {
			t.refuse(f.at, fmt.Sprintf("there is no keyword %q in %s", f.name, shown), nearest(f.name, maps[name]))
			continue
		}
		t.checkField(f, k, name)
	}
	if required := needed[name]; required != "" && !v.has(required) {
		t.refuse(v.at, fmt.Sprintf("%s lacks %s", shown, required), "")
	}
}

// needed are the fields that certain maps must have for Kea's grammar.
var needed = map[string]string{"dhcp-ddns": "enable-updates", "database": "type"}

func (t *translator) checkField(f *field, k keyword, inside string) {
	want := letterKinds[k.letter]
	if f.kind != want && (want != kindReal || f.kind != kindInteger) {
		t.refuse(f.value.at, fmt.Sprintf("%s is %s, and must be %s", f.name, kindNames[f.kind], kindNames[want]), "")
		return
	}
	switch k.letter {
	case "M":
		t.checkMap(f.value, k.inner, f.name)
	case "L":
		for _, item := range f.items {
			t.checkMap(item, k.inner, f.name)
		}
	case "t":
		t.checkWords(f, inside)
		for _, item := range f.items {
			if item.kind != kindString {
				t.refuse(item.at, fmt.Sprintf("%s has %s in its list, and must have strings", f.name, kindNames[item.kind]), "")
			}
		}
	case "s":
		t.checkWords(f, inside)
	case "i":
		if f.number < -1<<31 || f.number >= 1<<32 {
			t.refuse(f.value.at, fmt.Sprintf("%s is %d", f.name, f.number), "it has 32 bits")
		} else if f.number < 0 && (inside == "expired" || inside == "multi-threading" || f.name == "decline-probation-period" || f.name == "id") {
			t.refuse(f.value.at, fmt.Sprintf("%s is %d", f.name, f.number), "it must not be negative")
		}
	}
}

// checkWords finds words that a field can't be, or have in its list.
func (t *translator) checkWords(f *field, inside string) {
	list := strings.Fields(words[f.name] + " " + words[inside+"."+f.name])
	if len(list) == 0 {
		return
	}
	items := f.items
	if f.kind == kindString {
		items = []*value{f.value}
	}
	if len(items) == 0 {
		t.refuse(f.value.at, f.name+" is an empty list", "there is "+strings.Join(list, ", "))
	}
	for _, item := range items {
		if item.kind == kindString && !slices.Contains(list, item.text) {
			t.refuse(item.at, fmt.Sprintf("%s is %q", f.name, item.text), "there is "+strings.Join(list, ", "))
		}
	}
}

// refuse notes what Kea itself would refuse.
func (t *translator) refuse(at draft.Place, problem, remedy string) {
	t.faults = append(t.faults, draft.Fault{At: at, Problem: problem, Remedy: remedy})
}

// nearest guesses which keyword was meant: one that has the same letters but for one or two at one place.
func nearest(word string, known map[string]keyword) string {
	best, least := "", 3
	for k := range known {
		front := 0
		for front < min(len(k), len(word)) && k[front] == word[front] {
			front++
		}
		back := 0
		for back < min(len(k), len(word))-front && k[len(k)-1-back] == word[len(word)-1-back] {
			back++
		}
		if off := max(len(k), len(word)) - front - back; off < least || off == least && best > k {
			best, least = k, off
		}
	}
	if best == "" {
		return "docs/convert.md tells which versions of Kea are understood"
	}
	return "did you mean " + best + "?"
}
