#!/bin/sh
# Routes follow delegated prefixes, on a router that runs lockstep6 itself: a program for hooks[].run (docs/hooks.md).
#
#   hooks:
#     - {name: routes, run: [/usr/local/lib/lockstep6/routes.sh, /run/lockstep6-routes]}
#
# A prefix is routed to the gateway's link-local address on the interface by which it was heard. Clients behind relays are left out:
# their prefixes are the relay's to route. Our routes have a protocol number of their own, so that others are never touched. The
# folder keeps for each prefix the number of the newest list when it was told. It needs CAP_NET_ADMIN.
set -eu
folder=${1:-/run/lockstep6-routes}
protocol=113

# file is where a prefix's number is kept: 2001:db8::/56 in 2001:db8::_56.
file() { echo "$folder/${1%/*}_${1#*/}"; }

# drop takes a route away, and fails if it is still there.
drop() {
	ip -6 route del "$1" proto $protocol 2>/dev/null || [ -z "$(ip -6 route show exact "$1" proto $protocol)" ]
	rm -f "$(file "$1")"
}

[ -d "$folder" ] || mkdir -p "$folder"
case $LOCKSTEP6_EVENT in
add | change | list-item)
	[ "$LOCKSTEP6_KIND" = IA_PD ] || exit 0
	if [ -z "$LOCKSTEP6_INTERFACE" ] || [ -z "$LOCKSTEP6_PEER_ADDRESS" ]; then
		drop "$LOCKSTEP6_LEASE" # it may have moved behind a relay
		exit 0
	fi
	echo "$LOCKSTEP6_LIST" >"$(file "$LOCKSTEP6_LEASE")"
	ip -6 route replace "$LOCKSTEP6_LEASE" via "$LOCKSTEP6_PEER_ADDRESS" dev "$LOCKSTEP6_INTERFACE" proto $protocol
	;;
remove)
	[ "$LOCKSTEP6_KIND" = IA_PD ] || exit 0
	drop "$LOCKSTEP6_LEASE"
	;;
list-end)
	# What wasn't told since the list began isn't a lease any more.
	ip -6 route show proto $protocol | while read -r prefix _; do
		number=$(cat "$(file "$prefix")" 2>/dev/null || echo 0)
		[ "$number" -ge "$LOCKSTEP6_LIST" ] || drop "$prefix"
	done
	;;
esac
