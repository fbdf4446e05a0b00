#!/bin/sh
# Installs what `make test` needs beyond Go, on Debian 12 or a relative: the DHCPv6 clients and relays that the
# end-to-end tests drive, BIND, tshark, curl, and promtool (of prometheus), which judges metrics and alerts. With arguments it
# installs those packages instead.
# It does nothing, and needs no root, where all of it is there.
# It starts no service, asks no question, and changes no network settings.
set -eu

packages="isc-dhcp-client dhcpcd-base dibbler-client dibbler-relay wide-dhcpv6-client wide-dhcpv6-relay isc-dhcp-relay
kea-dhcp6-server isc-dhcp-server dnsmasq-base dibbler-server
prometheus tshark tcpdump iproute2 procps python3 gcc libc6-dev systemd curl bind9 bind9-dnsutils"

[ $# = 0 ] || packages=$*

missing=
for p in $packages; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

root=
if [ "$(id -u)" != 0 ]; then
	if ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
		echo "test-deps: missing:$missing; run this as root, or where sudo can ask for a password" >&2
		exit 1
	fi
	root=sudo
fi

# invoke-rc.d asks this file before it starts a service of a package; 101 means no. An existing one is kept.
policy=/usr/sbin/policy-rc.d
if ! [ -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
	$root chmod 755 $policy
	trap '$root rm -f $policy' EXIT
fi

# dibbler and tshark have questions; their defaults are right. A configuration file that stands already is kept.
# The lists of packages are only fetched where the ones at hand don't do.
install() {
	# shellcheck disable=SC2086 # a list of words
	$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
		-o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef -o DPkg::Lock::Timeout=300 $missing </dev/null
}
install || { $root apt-get update -q </dev/null && install; }

# Nothing of this may come up at the next boot either and take the machine's own interfaces.
for unit in dibbler-client dibbler-relay dibbler-server wide-dhcpv6-client wide-dhcpv6-relay isc-dhcp-relay isc-dhcp-server \
	kea-dhcp6-server prometheus named knot; do
	package=$unit
	[ "$unit" != named ] || package=bind9
	case " $missing " in
	*" $package "*)
		if command -v systemctl >/dev/null; then
			$root systemctl disable -q "$unit" 2>/dev/null || true
		else
			$root update-rc.d "$unit" disable 2>/dev/null || true
		fi
		;;
	esac
done
