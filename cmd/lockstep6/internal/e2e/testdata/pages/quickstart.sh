mkdir -p /var/lib/dhcp   # as Debian's package has it
